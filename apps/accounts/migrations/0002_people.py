"""Profiles, teams, invitations, and the owner that an organization must not lose."""

import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

import apps.accounts.models.people
import apps.core.db.fields
import apps.core.ids
from apps.core.db.operations import EnablePolicies
from apps.core.db.policies import OWNER, WEB, Policy
from apps.core.db.together import together

ROLES = [('owner', 'Owner'), ('admin', 'Admin'), ('member', 'Member'), ('viewer', 'Viewer')]

# Nothing of the address or the name: what was private stays so until its owner chooses.
GIVE_USERNAMES = "UPDATE accounts_user SET username = 'user-' || left(md5(id::text || random()::text), 16) WHERE username IS NULL"

# What people fill as they like is bounded where it is written; this is the net below.
BOUND_DOCUMENTS = """
ALTER TABLE accounts_user
    ADD CONSTRAINT user_preferences CHECK (jsonb_typeof(preferences) = 'object' AND length(preferences::text) <= 65536),
    ADD CONSTRAINT user_social_links CHECK (jsonb_typeof(social_links) = 'object' AND length(social_links::text) <= 65536);
ALTER TABLE accounts_team
    ADD CONSTRAINT team_settings CHECK (jsonb_typeof(settings) = 'object' AND length(settings::text) <= 65536);
"""
UNBOUND_DOCUMENTS = """
ALTER TABLE accounts_team DROP CONSTRAINT team_settings;
ALTER TABLE accounts_user DROP CONSTRAINT user_social_links, DROP CONSTRAINT user_preferences;
"""

# A member of a team is of the team's organization, and leaves the one with the other.
TIE_TEAMS = """
ALTER TABLE accounts_teammembership
    ADD CONSTRAINT team_membership_of_team FOREIGN KEY (organization_id, team_id)
        REFERENCES accounts_team (organization_id, id) ON DELETE CASCADE,
    ADD CONSTRAINT team_membership_of_member FOREIGN KEY (organization_id, user_id)
        REFERENCES accounts_membership (organization_id, user_id) ON DELETE CASCADE;
CREATE INDEX team_membership_by_member ON accounts_teammembership (organization_id, user_id);
"""
UNTIE_TEAMS = """
DROP INDEX team_membership_by_member;
ALTER TABLE accounts_teammembership
    DROP CONSTRAINT team_membership_of_member,
    DROP CONSTRAINT team_membership_of_team;
"""

# Two owners who leave at once wait for each other on the row of the organization; the second then finds nobody left.
# NO KEY: whatever else is written for the organization need not wait. The function sees every membership, as staff do,
# because who has just left sees none.
KEEP_AN_OWNER = """
DO $do$
BEGIN
    EXECUTE format($make$
        CREATE FUNCTION organization_keeps_an_owner() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
        SET search_path = %I, pg_temp AS $body$
        DECLARE
            successor uuid;
            before text := coalesce(current_setting('app.staff', true), '');
        BEGIN
            PERFORM set_config('app.staff', 'on', true);
            PERFORM FROM accounts_organization WHERE id = OLD.organization_id FOR NO KEY UPDATE;
            SELECT user_id INTO successor FROM accounts_membership
                WHERE organization_id = OLD.organization_id AND role = 'owner' ORDER BY joined_at, id LIMIT 1;
            IF successor IS NULL
                AND EXISTS (SELECT FROM accounts_membership WHERE organization_id = OLD.organization_id) THEN
                RAISE EXCEPTION 'organization %% would have members and no owner', OLD.organization_id
                    USING ERRCODE = 'check_violation', CONSTRAINT = 'organization_keeps_an_owner';
            END IF;
            UPDATE accounts_organization SET owner_user_id = successor
                WHERE id = OLD.organization_id AND owner_user_id = OLD.user_id AND NOT EXISTS (
                    SELECT FROM accounts_membership
                    WHERE organization_id = OLD.organization_id AND user_id = OLD.user_id AND role = 'owner');
            PERFORM set_config('app.staff', before, true);
            RETURN NULL;
        END
        $body$ $make$, current_schema());
END
$do$;
REVOKE ALL ON FUNCTION organization_keeps_an_owner() FROM PUBLIC;
CREATE CONSTRAINT TRIGGER organization_keeps_an_owner
    AFTER DELETE OR UPDATE OF role, user_id, organization_id ON accounts_membership
    DEFERRABLE INITIALLY IMMEDIATE FOR EACH ROW WHEN (OLD.role = 'owner')
    EXECUTE FUNCTION organization_keeps_an_owner();
"""
LOSE_OWNERS = """
DROP TRIGGER organization_keeps_an_owner ON accounts_membership;
DROP FUNCTION organization_keeps_an_owner();
"""

# Whose turn it is to answer may close an invitation; nobody may bend one to another address, role or organization.
FIX_INVITATIONS = """
CREATE FUNCTION invitation_stays_as_written() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.organization_id, NEW.email, NEW.role, NEW.invited_by_id, NEW.created_at)
        IS DISTINCT FROM (OLD.organization_id, OLD.email, OLD.role, OLD.invited_by_id, OLD.created_at)
        AND NEW.email NOT LIKE 'erased-%@erased.invalid' THEN
        RAISE EXCEPTION 'an invitation cannot be rewritten; revoke it and invite anew'
            USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    IF OLD.status <> 'pending' AND NEW.status <> OLD.status THEN
        RAISE EXCEPTION 'invitation % is % already', OLD.id, OLD.status USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER invitation_stays_as_written BEFORE UPDATE ON accounts_invitation
    FOR EACH ROW EXECUTE FUNCTION invitation_stays_as_written();
"""
LOOSE_INVITATIONS = """
DROP TRIGGER invitation_stays_as_written ON accounts_invitation;
DROP FUNCTION invitation_stays_as_written();
"""

# As app_organizations() in 0001: SECURITY DEFINER, and the definer sees the user's own rows by a policy without functions.
CREATE_FUNCTIONS = """
DO $do$
BEGIN
    EXECUTE format(
        'CREATE FUNCTION app_administered_teams() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER '
        'SET search_path = %I, pg_temp AS %L', current_schema(),
        'SELECT coalesce(array_agg(team_id), ''{}''::uuid[]) FROM accounts_teammembership '
        'WHERE user_id = app_user_id() AND role IN (''owner'', ''admin'')');
END
$do$;
REVOKE ALL ON FUNCTION app_administered_teams() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION app_administered_teams() TO symphony_web;
"""
DROP_FUNCTIONS = "DROP FUNCTION app_administered_teams()"

PEOPLE = (WEB, OWNER)
ME = "(SELECT app_user_id())"
STAFF = "(SELECT app_is_staff())"
MINE = "ANY((SELECT app_organizations())::uuid[])"
ADMINISTERED = "ANY((SELECT app_administered_organizations())::uuid[])"
MY_TEAMS = "ANY((SELECT app_administered_teams())::uuid[])"
BY_THE_OWNER = (
    "(SELECT pg_get_userbyid(relowner) = current_user FROM pg_class WHERE oid = 'accounts_teammembership'::regclass)"
)
MY_ADDRESS = "(SELECT email FROM accounts_user WHERE id = (SELECT app_user_id()) AND email_verified AND is_active)"
SHOWN_HASH = "(SELECT nullif(current_setting('app.invitation_hash', true), ''))"
TO_ME = f"email = {MY_ADDRESS}"

INVITATION_POLICIES = [
    Policy("web_select", "select", PEOPLE, f"organization_id = {ADMINISTERED} OR {STAFF}"),
    Policy("web_insert", "insert", PEOPLE, f"organization_id = {ADMINISTERED} OR {STAFF}"),
    Policy("web_update", "update", PEOPLE, f"organization_id = {ADMINISTERED} OR {STAFF}"),
    Policy("web_delete", "delete", PEOPLE, STAFF),
    # Who shows the secret of the link may read what it invites to, before anybody knows who they are.
    Policy("shown_select", "select", PEOPLE, f"token_hash = {SHOWN_HASH}"),
    Policy("invited_select", "select", PEOPLE, TO_ME),
    Policy(
        "invited_update",
        "update",
        PEOPLE,
        f"{TO_ME} AND status = 'pending' AND expires_at > now()",
        f"{TO_ME} AND status IN ('accepted', 'declined')",
    ),
]
TEAM_POLICIES = [
    Policy("web_select", "select", PEOPLE, f"organization_id = {MINE} OR {STAFF}"),
    Policy("web_insert", "insert", PEOPLE, f"organization_id = {ADMINISTERED} OR {STAFF}"),
    Policy("web_update", "update", PEOPLE, f"organization_id = {ADMINISTERED} OR id = {MY_TEAMS} OR {STAFF}"),
    Policy("web_delete", "delete", PEOPLE, f"organization_id = {ADMINISTERED} OR {STAFF}"),
]
_LEADS = f"organization_id = {ADMINISTERED} OR team_id = {MY_TEAMS} OR {STAFF}"
TEAM_MEMBERSHIP_POLICIES = [
    Policy("own_select", "select", PEOPLE, f"user_id = {ME} OR {STAFF}"),
    Policy("web_select", "select", (WEB,), f"CASE WHEN {BY_THE_OWNER} THEN false ELSE organization_id = {MINE} END"),
    Policy("web_insert", "insert", PEOPLE, _LEADS),
    Policy("web_update", "update", PEOPLE, _LEADS),
    Policy("web_delete", "delete", PEOPLE, f"{_LEADS} OR user_id = {ME}"),
]

# Beside those of 0001. CASE, because AND promises no order: without the setting nothing is looked up.
INVITED_SELECT = Policy(
    "invited_select",
    "select",
    PEOPLE,
    "CASE WHEN (SELECT coalesce(current_setting('app.invited', true), '') = 'on') "
    "THEN id IN (SELECT organization_id FROM accounts_invitation) ELSE false END",
)
JOINING = Policy(
    "joining_insert",
    "insert",
    PEOPLE,
    f"user_id = {ME} AND EXISTS (SELECT FROM accounts_invitation invitation"
    " WHERE invitation.organization_id = accounts_membership.organization_id AND invitation.role = accounts_membership.role"
    f" AND invitation.email = {MY_ADDRESS} AND invitation.status = 'pending' AND invitation.expires_at > now())",
)
LEAVING = Policy("leaving_delete", "delete", PEOPLE, f"user_id = {ME}")
MORE_POLICIES = [
    ('accounts_organization', INVITED_SELECT),
    ('accounts_membership', JOINING),
    ('accounts_membership', LEAVING),
]


class Migration(migrations.Migration):
    dependencies = [("accounts", "0001_initial"), ("core", "0001_roles_and_context")]

    operations = together([
        migrations.AddField('user', 'avatar_url', models.CharField(blank=True, default='', help_text='An https:// address.', max_length=500, verbose_name='avatar'), preserve_default=False),
        migrations.AddField('user', 'bio', models.TextField(blank=True, default='', max_length=2000), preserve_default=False),
        migrations.AddField('user', 'erased_at', models.DateTimeField(blank=True, editable=False, null=True)),
        migrations.AddField('user', 'github_username', models.CharField(blank=True, default='', max_length=39, verbose_name='GitHub username'), preserve_default=False),
        migrations.AddField('user', 'preferences', models.JSONField(blank=True, default=dict)),
        migrations.AddField('user', 'social_links', models.JSONField(blank=True, default=dict)),
        migrations.AddField('user', 'website', models.CharField(blank=True, default='', max_length=500), preserve_default=False),
        migrations.AddField('user', 'username', apps.accounts.models.people.UsernameField(blank=True, max_length=39, null=True)),
        migrations.RunSQL(GIVE_USERNAMES, migrations.RunSQL.noop),
        migrations.AlterField('user', 'username', apps.accounts.models.people.UsernameField(blank=True, help_text='Empty: one is made of the display name.', max_length=39, unique=True)),
        migrations.AddConstraint('user', models.CheckConstraint(condition=models.Q(('username__regex', '^[a-z0-9]([a-z0-9_-]{0,37}[a-z0-9])?$')), name='user_username')),
        migrations.AddConstraint('user', models.CheckConstraint(condition=models.Q(('avatar_url', ''), ('avatar_url__startswith', 'https://'), _connector='OR'), name='user_avatar_https')),
        migrations.AddConstraint('user', models.CheckConstraint(condition=models.Q(('erased_at', None), ('is_active', False), _connector='OR'), name='user_erased_is_inactive')),
        migrations.CreateModel(
            name='Invitation',
            fields=[
                ('id', models.UUIDField(default=apps.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('email', apps.core.db.fields.LowercaseEmailField(max_length=254, verbose_name='e-mail')),
                ('role', models.CharField(choices=ROLES, default='member', max_length=20)),
                ('status', models.CharField(choices=[('pending', 'Pending'), ('accepted', 'Accepted'), ('declined', 'Declined'), ('revoked', 'Revoked')], default='pending', max_length=20)),
                ('token_hash', models.CharField(editable=False, max_length=64, unique=True)),
                ('expires_at', models.DateTimeField()),
                ('sent_at', models.DateTimeField()),
                ('sent_count', models.PositiveIntegerField(default=1)),
                ('closed_at', models.DateTimeField(blank=True, null=True)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('accepted_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('invited_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='invitations', to='accounts.organization')),
            ],
            options={'ordering': ('-created_at', '-id')},
        ),
        migrations.AddIndex('invitation', models.Index(condition=models.Q(('status', 'pending')), fields=['email'], name='invitation_pending')),
        migrations.AddConstraint('invitation', models.CheckConstraint(condition=models.Q(('role__in', ['owner', 'admin', 'member', 'viewer'])), name='invitation_role')),
        migrations.AddConstraint('invitation', models.CheckConstraint(condition=models.Q(('status__in', ['pending', 'accepted', 'declined', 'revoked'])), name='invitation_status')),
        migrations.AddConstraint('invitation', models.CheckConstraint(condition=models.Q(models.Q(('closed_at', None), ('status', 'pending')), models.Q(models.Q(('status', 'pending'), _negated=True), ('closed_at__isnull', False)), _connector='OR'), name='invitation_closed_when_not_pending')),
        migrations.AddConstraint('invitation', models.UniqueConstraint(condition=models.Q(('status', 'pending')), fields=('organization', 'email'), name='invitation_one_pending_per_address')),
        migrations.CreateModel(
            name='Team',
            fields=[
                ('id', models.UUIDField(default=apps.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=100)),
                ('description', models.CharField(blank=True, max_length=1000)),
                ('settings', models.JSONField(blank=True, default=dict)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('created_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='teams', to='accounts.organization')),
            ],
            options={'ordering': ('name', 'id')},
        ),
        migrations.AddConstraint('team', models.UniqueConstraint(models.F('organization'), django.db.models.functions.text.Lower('name'), name='team_name_once_per_organization')),
        migrations.AddConstraint('team', models.UniqueConstraint(fields=('organization', 'id'), name='team_of_organization')),
        migrations.CreateModel(
            name='TeamMembership',
            fields=[
                ('id', models.UUIDField(default=apps.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('role', models.CharField(choices=ROLES, default='member', max_length=20)),
                ('joined_at', models.DateTimeField(auto_now_add=True)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to='accounts.organization')),
                ('team', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to='accounts.team')),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='team_memberships', to=settings.AUTH_USER_MODEL)),
            ],
            options={'ordering': ('joined_at', 'id')},
        ),
        migrations.AddConstraint('teammembership', models.UniqueConstraint(fields=('team', 'user'), name='team_membership_once')),
        migrations.AddConstraint('teammembership', models.CheckConstraint(condition=models.Q(('role__in', ['owner', 'admin', 'member', 'viewer'])), name='team_membership_role')),
        migrations.RunSQL(BOUND_DOCUMENTS, UNBOUND_DOCUMENTS),
        migrations.RunSQL(TIE_TEAMS, UNTIE_TEAMS),
        migrations.RunSQL(KEEP_AN_OWNER, LOSE_OWNERS),
        migrations.RunSQL(FIX_INVITATIONS, LOOSE_INVITATIONS),
        migrations.RunSQL(CREATE_FUNCTIONS, DROP_FUNCTIONS),
        EnablePolicies('accounts_invitation', INVITATION_POLICIES, worker=''),
        EnablePolicies('accounts_team', TEAM_POLICIES, worker=''),
        EnablePolicies('accounts_teammembership', TEAM_MEMBERSHIP_POLICIES, worker=''),
        *[
            migrations.RunSQL(policy.create_sql(table), policy.drop_sql(table))
            for table, policy in MORE_POLICIES
        ],
    ])
