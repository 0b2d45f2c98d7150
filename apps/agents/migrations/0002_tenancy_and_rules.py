"""Row-level security for agents, and the rules a database can hold: legal moves, immutable and increasing versions,
references that stay within their organization, containers that follow the tier."""

from dataclasses import replace

from django.db import migrations

from apps.agents.states import AGENT_MOVES, DEPLOYMENT_MOVES, moves
from apps.core.db.operations import AddPolicies, EnablePolicies
from apps.core.db.policies import WEB, WORKER, tenant_policies
from apps.projects.row_security import in_parent, in_project

ADMINISTERED = (
    '"organization_id" = ANY((SELECT app_administered_organizations())::uuid[]) OR (SELECT app_is_staff())'
)


def policies(web):
    """As for any tenant table, but only admins and owners delete."""
    return [
        replace(policy, using=ADMINISTERED) if policy.command == "delete" else policy
        for policy in tenant_policies(web=web, worker="select")
    ]


def table(name, web, worker):
    return EnablePolicies(f"agents_{name}", policies(web), web=web, worker=worker)


# A column grant holds only where the table's own does not: what people ask of a deployment, what a runner tells of an agent.
COLUMNS = f"""
GRANT UPDATE (desired, restart_requested, updated_at) ON agents_deployment TO {WEB};
GRANT UPDATE (status, deployed_at, container_id, updated_at) ON agents_agent TO {WORKER};
GRANT UPDATE (config, source, archived_at, archive) ON agents_agentversion TO {WORKER};
"""
NO_COLUMNS = f"""
REVOKE UPDATE ON agents_deployment FROM {WEB};
REVOKE UPDATE ON agents_agent FROM {WORKER};
REVOKE UPDATE ON agents_agentversion FROM {WORKER};
"""

SAME_ORGANIZATION = """
ALTER TABLE agents_agent ADD CONSTRAINT agent_project_of_organization
  FOREIGN KEY (organization_id, project_id) REFERENCES projects_project (organization_id, id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE agents_agentversion ADD CONSTRAINT agent_version_agent_of_organization
  FOREIGN KEY (organization_id, agent_id) REFERENCES agents_agent (organization_id, id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE agents_agentversion ADD CONSTRAINT agent_version_of_agent UNIQUE (agent_id, id);
ALTER TABLE agents_agentversionuse ADD CONSTRAINT agent_version_use_of_organization
  FOREIGN KEY (organization_id, version_id) REFERENCES agents_agentversion (organization_id, id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE agents_containerresources ADD CONSTRAINT container_agent_of_organization
  FOREIGN KEY (organization_id, agent_id) REFERENCES agents_agent (organization_id, id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE agents_marketplaceintegration ADD CONSTRAINT integration_agent_of_organization
  FOREIGN KEY (organization_id, agent_id) REFERENCES agents_agent (organization_id, id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE agents_deployment ADD CONSTRAINT deployment_agent_of_organization
  FOREIGN KEY (organization_id, agent_id) REFERENCES agents_agent (organization_id, id) DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE agents_deployment ADD CONSTRAINT deployment_version_of_agent
  FOREIGN KEY (agent_id, version_id) REFERENCES agents_agentversion (agent_id, id) DEFERRABLE INITIALLY DEFERRED;
"""
ANY_ORGANIZATION = """
ALTER TABLE agents_deployment DROP CONSTRAINT deployment_version_of_agent;
ALTER TABLE agents_deployment DROP CONSTRAINT deployment_agent_of_organization;
ALTER TABLE agents_marketplaceintegration DROP CONSTRAINT integration_agent_of_organization;
ALTER TABLE agents_containerresources DROP CONSTRAINT container_agent_of_organization;
ALTER TABLE agents_agentversionuse DROP CONSTRAINT agent_version_use_of_organization;
ALTER TABLE agents_agentversion DROP CONSTRAINT agent_version_of_agent;
ALTER TABLE agents_agentversion DROP CONSTRAINT agent_version_agent_of_organization;
ALTER TABLE agents_agent DROP CONSTRAINT agent_project_of_organization;
"""


def guard(table, first, table_of_moves):
    """A row begins where all begin, and makes the moves of the table only."""
    legal = ",".join(moves(table_of_moves))
    return f"""
    CREATE FUNCTION {table}_refuse_move() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
      IF TG_OP = 'INSERT' THEN
        RAISE EXCEPTION 'a row of {table} begins as {first}, not as %', NEW.status USING ERRCODE = 'check_violation';
      END IF;
      RAISE EXCEPTION 'illegal move of {table} %: % to %', OLD.id, OLD.status, NEW.status
        USING ERRCODE = 'check_violation';
    END $$;
    CREATE TRIGGER {table}_moves BEFORE UPDATE OF status ON {table} FOR EACH ROW
      WHEN (OLD.status IS DISTINCT FROM NEW.status
            AND NOT (OLD.status || '>' || NEW.status) = ANY ('{{{legal}}}'::text[]))
      EXECUTE FUNCTION {table}_refuse_move();
    CREATE TRIGGER {table}_begins BEFORE INSERT ON {table} FOR EACH ROW
      WHEN (NEW.status IS DISTINCT FROM '{first}') EXECUTE FUNCTION {table}_refuse_move();
    """


def unguard(table):
    return f"""
    DROP TRIGGER {table}_begins ON {table};
    DROP TRIGGER {table}_moves ON {table};
    DROP FUNCTION {table}_refuse_move();
    """


# The one change of a version is that it is archived: config and source go into the archive, nothing else moves.
VERSIONS = """
CREATE FUNCTION agent_version_is_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.archived_at IS NULL AND NEW.archived_at IS NOT NULL AND NEW.archive IS NOT NULL
     AND NEW.config = '{}'::jsonb AND NEW.source = ''
     AND (to_jsonb(OLD) - '{config,source,archived_at,archive}'::text[])
       = (to_jsonb(NEW) - '{config,source,archived_at,archive}'::text[]) THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'agent version % is immutable; publish a new version instead', OLD.id
    USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER agent_version_is_immutable BEFORE UPDATE ON agents_agentversion
  FOR EACH ROW EXECUTE FUNCTION agent_version_is_immutable();

CREATE FUNCTION agent_version_increases() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (SELECT FROM agents_agentversion v WHERE v.agent_id = NEW.agent_id
             AND (v.major, v.minor, v.patch) > (NEW.major, NEW.minor, NEW.patch)) THEN
    RAISE EXCEPTION 'agent % has a greater version than %.%.% already', NEW.agent_id, NEW.major, NEW.minor, NEW.patch
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NEW;
END $$;
CREATE TRIGGER agent_version_increases BEFORE INSERT ON agents_agentversion
  FOR EACH ROW EXECUTE FUNCTION agent_version_increases();
"""
NO_VERSIONS = """
DROP TRIGGER agent_version_increases ON agents_agentversion;
DROP FUNCTION agent_version_increases();
DROP TRIGGER agent_version_is_immutable ON agents_agentversion;
DROP FUNCTION agent_version_is_immutable();
"""

# Whoever changes an organization's tier, or makes an agent, may not be somebody who may write or see the other: the
# functions are their owner's, and see all for the length of a statement. A new container waits for a change of tier that
# is under way, so that none is ever left behind.
TIERS = """(VALUES ('free', 'basic', 1, 2048, 'shared'), ('basic', 'basic', 1, 2048, 'shared'),
             ('pro', 'pro', 4, 8192, 'shared'), ('enterprise', 'enterprise', 16, 32768, 'isolated'))
             AS t (of_organization, tier, cpu, memory, isolation)"""
FOLLOW_THE_TIER = f"""
DO $do$
BEGIN
  EXECUTE format($fn$
    CREATE FUNCTION container_resources_follow_tier() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
      SET search_path = %I, pg_temp AS $body$
    DECLARE
      scope text := current_setting('app.scope', true);
    BEGIN
      PERFORM set_config('app.scope', 'sweep', true);
      UPDATE agents_containerresources c
         SET subscription_tier = t.tier, cpu_limit = t.cpu, memory_limit_mb = t.memory,
             network_isolation = t.isolation, updated_at = now()
        FROM {TIERS}
       WHERE t.of_organization = NEW.subscription_tier AND c.organization_id = NEW.id
         AND c.subscription_tier <> t.tier;
      PERFORM set_config('app.scope', coalesce(scope, ''), true);
      RETURN NULL;
    END $body$
  $fn$, current_schema());
  EXECUTE format($fn$
    CREATE FUNCTION container_resources_of_tier() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
      SET search_path = %I, pg_temp AS $body$
    DECLARE
      staff text := current_setting('app.staff', true);
      found text;
    BEGIN
      PERFORM set_config('app.staff', 'on', true);
      SELECT subscription_tier INTO found FROM accounts_organization WHERE id = NEW.organization_id FOR SHARE;
      PERFORM set_config('app.staff', coalesce(staff, ''), true);
      SELECT t.tier, t.cpu, t.memory, t.isolation
        INTO NEW.subscription_tier, NEW.cpu_limit, NEW.memory_limit_mb, NEW.network_isolation
        FROM {TIERS} WHERE t.of_organization = found;
      RETURN NEW;
    END $body$
  $fn$, current_schema());
END $do$;
REVOKE ALL ON FUNCTION container_resources_follow_tier(), container_resources_of_tier() FROM PUBLIC;
CREATE TRIGGER container_resources_follow_tier AFTER UPDATE OF subscription_tier ON accounts_organization
  FOR EACH ROW WHEN (OLD.subscription_tier IS DISTINCT FROM NEW.subscription_tier)
  EXECUTE FUNCTION container_resources_follow_tier();
CREATE TRIGGER container_resources_of_tier BEFORE INSERT ON agents_containerresources
  FOR EACH ROW EXECUTE FUNCTION container_resources_of_tier();
"""
LEAVE_THE_TIER = """
DROP TRIGGER container_resources_of_tier ON agents_containerresources;
DROP TRIGGER container_resources_follow_tier ON accounts_organization;
DROP FUNCTION container_resources_of_tier();
DROP FUNCTION container_resources_follow_tier();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("agents", "0001_initial"),
        ("accounts", "0001_initial"),
        ("projects", "0003_configuration_access"),
    ]

    operations = [
        table("agent", web="select,insert,update,delete", worker="select"),
        table("agentversion", web="select,insert,delete", worker="select,delete"),
        table("agentversionuse", web="select,delete", worker="select,insert,update,delete"),
        table("containerresources", web="select,insert,delete", worker="select"),
        table("marketplaceintegration", web="select,insert,update,delete", worker="select"),
        table("deployment", web="select,insert,update,delete", worker="select,update"),
        AddPolicies("agents_agent", in_project()),
        *(
            AddPolicies(f"agents_{name}", in_parent(f"agents_{name}", "agent_id", "agents_agent"))
            for name in ("agentversion", "containerresources", "marketplaceintegration", "deployment")
        ),
        AddPolicies(
            "agents_agentversionuse",
            in_parent("agents_agentversionuse", "version_id", "agents_agentversion", writes=()),
        ),
        migrations.RunSQL("REVOKE UPDATE ON agents_deployment FROM " + WEB, migrations.RunSQL.noop),
        migrations.RunSQL(COLUMNS, NO_COLUMNS),
        migrations.RunSQL(SAME_ORGANIZATION, ANY_ORGANIZATION),
        migrations.RunSQL(guard("agents_agent", "draft", AGENT_MOVES), unguard("agents_agent")),
        migrations.RunSQL(guard("agents_deployment", "pending", DEPLOYMENT_MOVES), unguard("agents_deployment")),
        migrations.RunSQL(VERSIONS, NO_VERSIONS),
        migrations.RunSQL(FOLLOW_THE_TIER, LEAVE_THE_TIER),
    ]
