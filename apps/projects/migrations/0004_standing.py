"""What the actor may see is worked out once for a transaction instead of once for each statement.

`app_stand()`, called by whoever has set `app.user_id`, keeps what the functions of row-level security answer in settings of
the transaction. They count for the very user, bound organization and staff scope they were made for, and no longer than
memberships and projects stay as they are: a change in this transaction forgets them, and one of another transaction is
seen by the next. Where nothing is kept the functions ask the tables, as before.
"""

from django.db import migrations

ASKED_BY = (
    "concat(current_setting('app.user_id', true), '/', current_setting('app.bound_organization', true), "
    "'/', current_setting('app.staff', true))"
)
KEPT = f"current_setting('app.standing', true) = {ASKED_BY}"
ROLES = {
    "app_organizations": "'owner', 'admin', 'member', 'viewer'",
    "app_writable_organizations": "'owner', 'admin', 'member'",
    "app_administered_organizations": "'owner', 'admin'",
}
# Which restricted projects, by the highest rank in which the actor is named: 0 not at all, 1 to read.
RANKS = {"app_hidden_projects": "named = 0", "app_closed_projects": "named <= 1"}
NAMED = """
        SELECT p.id, coalesce((
            SELECT max(CASE a.role WHEN 'viewer' THEN 1 WHEN 'member' THEN 2 ELSE 3 END)
            FROM projects_projectaccess a
            WHERE a.project_id = p.id AND (a.user_id = me OR a.team_id IN (
                SELECT t.team_id FROM accounts_teammembership t WHERE t.user_id = me))), 0) AS named
        FROM accounts_membership m JOIN projects_project p ON p.organization_id = m.organization_id
        WHERE m.user_id = me AND m.role NOT IN ('owner', 'admin') AND p.access = 'restricted'"""


def definer(signature: str, body: str, kind: str) -> str:
    """A function that reads as the owner of the tables, and finds them whatever its caller's search path is."""
    return f"""
DO $do$
BEGIN
    EXECUTE format('CREATE OR REPLACE FUNCTION {signature} LANGUAGE plpgsql {kind} SECURITY DEFINER '
                   'SET search_path = %I, pg_temp AS %L', current_schema(), $body${body}$body$);
END
$do$;
"""


def of_memberships(name: str, roles: str) -> str:
    body = f"""
BEGIN
    IF {KEPT} THEN
        RETURN current_setting('app.standing.{name}')::uuid[];
    END IF;
    RETURN (SELECT coalesce(array_agg(m.organization_id), '{{}}') FROM accounts_membership m
            WHERE m.user_id = app_user_id() AND m.role IN ({roles}));
END
"""
    return definer(f"{name}() RETURNS uuid[]", body, "STABLE PARALLEL SAFE")


def of_projects(name: str, rank: str) -> str:
    body = f"""
DECLARE
    me uuid;
BEGIN
    IF {KEPT} THEN
        RETURN current_setting('app.standing.{name}')::uuid[];
    END IF;
    me := app_user_id();
    IF me IS NULL OR app_is_staff() THEN
        RETURN '{{}}';
    END IF;
    RETURN (SELECT coalesce(array_agg(standing.id), '{{}}') FROM ({NAMED}
    ) standing WHERE {rank});
END
"""
    return definer(f"{name}() RETURNS uuid[]", body, "STABLE PARALLEL SAFE")


_MINE = ", ".join(
    f"coalesce(array_agg(m.organization_id) FILTER (WHERE m.role IN ({roles})), '{{}}')" for roles in ROLES.values()
)
_KEEP_MINE = ", ".join(f"set_config('app.standing.{name}', mine_{place}::text, true)" for place, name in enumerate(ROLES))
_NAMED = ", ".join(f"coalesce(array_agg(standing.id) FILTER (WHERE {rank}), '{{}}')" for rank in RANKS.values())
_KEEP_NAMED = ", ".join(f"set_config('app.standing.{name}', shut_{place}::text, true)" for place, name in enumerate(RANKS))
# Nobody is kept out of a project who is an owner or admin wherever they are: most are not asked about.
STAND = (
    definer(
        "app_stand() RETURNS void",
        f"""
DECLARE
    me uuid := app_user_id();
    {" ".join(f"mine_{place} uuid[];" for place, _ in enumerate(ROLES))}
    {" ".join(f"shut_{place} uuid[] := '{{}}';" for place, _ in enumerate(RANKS))}
    lesser boolean;
BEGIN
    IF me IS NULL OR {KEPT} THEN
        RETURN;
    END IF;
    -- What is read here is read anew: the policies of these tables ask the same functions.
    PERFORM set_config('app.standing', '', true);
    SELECT {_MINE}, bool_or(m.role NOT IN ('owner', 'admin'))
    INTO {", ".join(f"mine_{place}" for place, _ in enumerate(ROLES))}, lesser
    FROM accounts_membership m WHERE m.user_id = me;
    IF lesser AND NOT app_is_staff() THEN
        SELECT {_NAMED}
        INTO {", ".join(f"shut_{place}" for place, _ in enumerate(RANKS))}
        FROM ({NAMED}
        ) standing;
    END IF;
    PERFORM {_KEEP_MINE}, {_KEEP_NAMED},
            set_config('app.standing', {ASKED_BY}, true);
END
""",
        # Planned once for the session: half of the time would go into plans for this very user.
        "VOLATILE SET plan_cache_mode = force_generic_plan",
    )
    + "REVOKE ALL ON FUNCTION app_stand() FROM PUBLIC;\n"
    + "GRANT EXECUTE ON FUNCTION app_stand() TO symphony_web, symphony_worker;\n"
)

TABLES = ("accounts_membership", "accounts_teammembership", "projects_project", "projects_projectaccess")
FORGET = """
CREATE FUNCTION app_forget_standing() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM set_config('app.standing', '', true);
    RETURN NULL;
END $$;
""" + "".join(
    f"CREATE TRIGGER forget_standing BEFORE INSERT OR UPDATE OR DELETE ON {table}\n"
    "  FOR EACH STATEMENT EXECUTE FUNCTION app_forget_standing();\n"
    for table in TABLES
)
REMEMBER = "".join(f"DROP TRIGGER forget_standing ON {table};\n" for table in TABLES) + (
    "DROP FUNCTION app_forget_standing();\n"
)


class Migration(migrations.Migration):
    dependencies = [("accounts", "0003_tokens"), ("projects", "0003_configuration_access")]

    operations = [
        # Going back, nobody keeps anything: the functions that look for it find nothing and ask the tables.
        migrations.RunSQL(
            "".join(of_memberships(name, roles) for name, roles in ROLES.items())
            + "".join(of_projects(name, rank) for name, rank in RANKS.items()),
            migrations.RunSQL.noop,
        ),
        migrations.RunSQL(STAND, "DROP FUNCTION app_stand();"),
        migrations.RunSQL(FORGET, REMEMBER),
    ]
