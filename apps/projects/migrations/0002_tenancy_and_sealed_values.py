"""Row-level security for projects and secrets. The web writes what is sealed and cannot read it; workers read it only."""

from django.db import migrations

from apps.core.db.operations import EnablePolicies, EnableTenancy
from apps.core.db.policies import WEB, administered_policies

# A column grant holds only where the table's own does not: INSERT and DELETE are the table's, the rest is listed.
COLUMNS = f"""
GRANT SELECT (id, organization_id, project_id, name, key_id, created_by_id, created_at, updated_at)
  ON projects_secret TO {WEB};
GRANT UPDATE (ciphertext, key_id, updated_at) ON projects_secret TO {WEB};
"""
NO_COLUMNS = f"REVOKE SELECT, UPDATE ON projects_secret FROM {WEB}"

# A secret's project is one of its organization's, whoever writes the row.
SAME_ORGANIZATION = """
ALTER TABLE projects_project ADD CONSTRAINT project_of_organization UNIQUE (organization_id, id);
ALTER TABLE projects_secret ADD CONSTRAINT secret_project_of_organization
  FOREIGN KEY (organization_id, project_id) REFERENCES projects_project (organization_id, id) DEFERRABLE INITIALLY DEFERRED;
"""
ANY_ORGANIZATION = """
ALTER TABLE projects_secret DROP CONSTRAINT secret_project_of_organization;
ALTER TABLE projects_project DROP CONSTRAINT project_of_organization;
"""


class Migration(migrations.Migration):
    dependencies = [("projects", "0001_initial"), ("accounts", "0001_initial")]

    operations = [
        EnableTenancy("projects_project", worker="select"),
        EnablePolicies(
            "projects_secret", administered_policies(worker="select"), web="insert,delete", worker="select"
        ),
        migrations.RunSQL(COLUMNS, NO_COLUMNS),
        migrations.RunSQL(SAME_ORGANIZATION, ANY_ORGANIZATION),
    ]
