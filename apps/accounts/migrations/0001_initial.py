"""Accounts: tables, the functions that policies ask, and the policies themselves."""

from __future__ import annotations

import apps.core.db.fields
import apps.core.ids
import django.db.models.deletion
import django.db.models.functions.text
from django.conf import settings
from django.db import migrations, models

from apps.core.db.operations import EnablePolicies, GrantTo
from apps.core.db.policies import OWNER, WEB, WORKER, Policy
from apps.core.db.together import together

# SECURITY DEFINER, so that a policy may ask for memberships without asking the policies of the membership table again.
# FORCE ROW LEVEL SECURITY holds for the definer too: it sees the user's own rows, by a policy that calls no function.
CREATE_FUNCTIONS = """
DO $do$
DECLARE
    made record;
BEGIN
    FOR made IN
        SELECT * FROM (VALUES
            ('app_organizations', ARRAY['owner', 'admin', 'member', 'viewer']),
            ('app_writable_organizations', ARRAY['owner', 'admin', 'member']),
            ('app_administered_organizations', ARRAY['owner', 'admin'])
        ) AS functions (name, roles)
    LOOP
        EXECUTE format(
            'CREATE OR REPLACE FUNCTION %I() RETURNS uuid[] LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER '
            'SET search_path = %I, pg_temp AS %L',
            made.name, current_schema(),
            format(
                'SELECT coalesce(array_agg(organization_id), ''{}''::uuid[]) FROM accounts_membership '
                'WHERE user_id = app_user_id() AND role = ANY (%L::text[])', made.roles));
        EXECUTE format('REVOKE ALL ON FUNCTION %I() FROM PUBLIC', made.name);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %I() TO symphony_web', made.name);
    END LOOP;
END
$do$
"""

DROP_FUNCTIONS = """
DROP FUNCTION IF EXISTS app_organizations();
DROP FUNCTION IF EXISTS app_writable_organizations();
DROP FUNCTION IF EXISTS app_administered_organizations();
"""

PEOPLE = (WEB, OWNER)
WORKERS = (WORKER, OWNER)
ME = "(SELECT app_user_id())"
STAFF = "(SELECT app_is_staff())"
SWEEP = "(SELECT app_is_sweep())"
WORKED_ON = "(SELECT app_organization_id())"
MINE = "ANY((SELECT app_organizations())::uuid[])"
# The functions run as the owner of the tables. Were it a member of symphony_web (some servers make it so), a policy that
# calls them would make them call themselves without end. CASE, because AND promises no order.
BY_THE_OWNER = (
    "(SELECT pg_get_userbyid(relowner) = current_user FROM pg_class WHERE oid = 'accounts_membership'::regclass)"
)
ADMINISTERED = "ANY((SELECT app_administered_organizations())::uuid[])"

# Who founds an organization is not a member of it yet: the owner_user of the row is what lets them in.
FOUNDING = (
    f"user_id = {ME} AND role = 'owner' AND EXISTS (SELECT FROM accounts_organization founded "
    f"WHERE founded.id = accounts_membership.organization_id AND founded.owner_user_id = {ME})"
)

ORGANIZATION_POLICIES = [
    Policy("web_select", "select", PEOPLE, f"id = {MINE} OR owner_user_id = {ME} OR {STAFF}"),
    Policy("web_insert", "insert", PEOPLE, f"owner_user_id = {ME} OR {STAFF}"),
    Policy("web_update", "update", PEOPLE, f"id = {ADMINISTERED} OR {STAFF}"),
    Policy("web_delete", "delete", PEOPLE, STAFF),
    Policy("worker_select", "select", WORKERS, f"id = {WORKED_ON} OR {SWEEP}"),
]
MEMBERSHIP_POLICIES = [
    Policy("own_select", "select", PEOPLE, f"user_id = {ME} OR {STAFF}"),
    Policy("web_select", "select", (WEB,), f"CASE WHEN {BY_THE_OWNER} THEN false ELSE organization_id = {MINE} END"),
    Policy("web_insert", "insert", PEOPLE, f"organization_id = {ADMINISTERED} OR {STAFF} OR ({FOUNDING})"),
    Policy("web_update", "update", PEOPLE, f"organization_id = {ADMINISTERED} OR {STAFF}"),
    Policy("web_delete", "delete", PEOPLE, f"organization_id = {ADMINISTERED} OR {STAFF}"),
    Policy("worker_select", "select", WORKERS, f"organization_id = {WORKED_ON} OR {SWEEP}"),
]
TOKEN_POLICIES = [
    Policy("own_all", "all", PEOPLE, f"user_id = {ME} OR {STAFF}"),
    # A token is looked up before its user is known: who presents the secret may see its row.
    Policy("presented_select", "select", PEOPLE, "hash = (SELECT nullif(current_setting('app.token_hash', true), ''))"),
]
IDEMPOTENCY_POLICIES = [
    Policy("own_all", "all", PEOPLE, f"user_id = {ME} OR {STAFF}"),
    Policy("worker_sweep", "all", WORKERS, SWEEP),
]


class Migration(migrations.Migration):

    initial = True

    dependencies = [
        ('core', '0001_roles_and_context'),
        ('auth', '0012_alter_user_first_name_max_length'),
    ]

    operations = together([
        migrations.CreateModel(
            name='User',
            fields=[
                ('password', models.CharField(max_length=128, verbose_name='password')),
                ('last_login', models.DateTimeField(blank=True, null=True, verbose_name='last login')),
                ('is_superuser', models.BooleanField(default=False, help_text='Designates that this user has all permissions without explicitly assigning them.', verbose_name='superuser status')),
                ('id', models.UUIDField(default=apps.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('email', apps.core.db.fields.LowercaseEmailField(max_length=254, unique=True, verbose_name='e-mail')),
                ('first_name', models.CharField(blank=True, max_length=100)),
                ('last_name', models.CharField(blank=True, max_length=100)),
                ('display_name', models.CharField(blank=True, max_length=200)),
                ('is_active', models.BooleanField(default=True, verbose_name='active')),
                ('is_staff', models.BooleanField(default=False, help_text='May use the admin.', verbose_name='staff')),
                ('email_verified', models.BooleanField(default=False, verbose_name='e-mail verified')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('groups', models.ManyToManyField(blank=True, help_text='The groups this user belongs to. A user will get all permissions granted to each of their groups.', related_name='user_set', related_query_name='user', to='auth.group', verbose_name='groups')),
                ('user_permissions', models.ManyToManyField(blank=True, help_text='Specific permissions for this user.', related_name='user_set', related_query_name='user', to='auth.permission', verbose_name='user permissions')),
            ],
            options={
                'ordering': ('email',),
            },
        ),
        migrations.CreateModel(
            name='ApiToken',
            fields=[
                ('id', models.UUIDField(default=apps.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=100)),
                ('prefix', models.CharField(editable=False, max_length=16)),
                ('hash', models.CharField(editable=False, max_length=64, unique=True)),
                ('scopes', models.JSONField(blank=True, default=list)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('expires_at', models.DateTimeField(blank=True, null=True)),
                ('last_used_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('revoked_at', models.DateTimeField(blank=True, editable=False, null=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='api_tokens', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'verbose_name': 'API token',
                'ordering': ('-created_at', '-id'),
            },
        ),
        migrations.CreateModel(
            name='IdempotencyKey',
            fields=[
                ('id', models.UUIDField(default=apps.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('key', models.CharField(max_length=255)),
                ('fingerprint', models.CharField(max_length=64)),
                ('response_status', models.PositiveSmallIntegerField(null=True)),
                ('response_headers', models.JSONField(default=dict)),
                ('response_body', models.BinaryField(default=bytes)),
                ('created_at', models.DateTimeField(auto_now_add=True, db_index=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.CreateModel(
            name='Organization',
            fields=[
                ('id', models.UUIDField(default=apps.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('name', models.CharField(max_length=255)),
                ('slug', models.SlugField(max_length=120, unique=True)),
                ('subscription_tier', models.CharField(choices=[('free', 'Free'), ('basic', 'Basic'), ('pro', 'Pro'), ('enterprise', 'Enterprise')], default='free', max_length=20)),
                ('is_personal', models.BooleanField(default=False, verbose_name='personal')),
                ('settings', models.JSONField(blank=True, default=dict)),
                ('is_active', models.BooleanField(default=True, verbose_name='active')),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('owner_user', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='owned_organizations', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ('name', 'id'),
            },
        ),
        migrations.CreateModel(
            name='Membership',
            fields=[
                ('id', models.UUIDField(default=apps.core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('role', models.CharField(choices=[('owner', 'Owner'), ('admin', 'Admin'), ('member', 'Member'), ('viewer', 'Viewer')], default='member', max_length=20)),
                ('joined_at', models.DateTimeField(auto_now_add=True)),
                ('user', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to=settings.AUTH_USER_MODEL)),
                ('organization', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='memberships', to='accounts.organization')),
            ],
            options={
                'ordering': ('joined_at', 'id'),
            },
        ),
        migrations.AddConstraint(
            model_name='user',
            constraint=models.CheckConstraint(condition=models.Q(('email', django.db.models.functions.text.Lower('email'))), name='user_email_lowercase'),
        ),
        migrations.AddConstraint(
            model_name='idempotencykey',
            constraint=models.UniqueConstraint(fields=('user', 'key'), name='idempotency_key_once_per_user'),
        ),
        migrations.AddConstraint(
            model_name='organization',
            constraint=models.CheckConstraint(condition=models.Q(('subscription_tier__in', ['free', 'basic', 'pro', 'enterprise'])), name='organization_subscription_tier'),
        ),
        migrations.AddConstraint(
            model_name='organization',
            constraint=models.UniqueConstraint(condition=models.Q(('is_personal', True)), fields=('owner_user',), name='organization_one_personal_per_user'),
        ),
        migrations.AddConstraint(
            model_name='membership',
            constraint=models.UniqueConstraint(fields=('organization', 'user'), name='membership_once_per_organization'),
        ),
        migrations.AddConstraint(
            model_name='membership',
            constraint=models.CheckConstraint(condition=models.Q(('role__in', ['owner', 'admin', 'member', 'viewer'])), name='membership_role'),
        ),
        migrations.RunSQL(CREATE_FUNCTIONS, DROP_FUNCTIONS),
        EnablePolicies('accounts_organization', ORGANIZATION_POLICIES, worker='select'),
        EnablePolicies('accounts_membership', MEMBERSHIP_POLICIES, worker='select'),
        EnablePolicies('accounts_apitoken', TOKEN_POLICIES, worker=''),
        EnablePolicies('accounts_idempotencykey', IDEMPOTENCY_POLICIES, worker='select,delete'),
        GrantTo('accounts_user', worker='select'),
        GrantTo('accounts_user_groups', worker=''),
        GrantTo('accounts_user_user_permissions', worker=''),
    ])
