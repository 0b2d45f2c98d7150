"""Melodies owned by agents: their workflows."""

import django.db.models.deletion
from django.db import migrations, models

# Not CASCADE: a melody carries the history of its runs, which outlives the agent; the web deletes no such history.
SAME_ORGANIZATION = """
ALTER TABLE melodies_melody ADD CONSTRAINT melody_agent_of_organization
  FOREIGN KEY (organization_id, agent_id) REFERENCES agents_agent (organization_id, id) DEFERRABLE INITIALLY DEFERRED;
"""
ANY_ORGANIZATION = "ALTER TABLE melodies_melody DROP CONSTRAINT melody_agent_of_organization"


class Migration(migrations.Migration):
    dependencies = [("melodies", "0007_templates_comments"), ("agents", "0002_tenancy_and_rules")]

    operations = [
        migrations.AddField(
            model_name="melody",
            name="agent",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="workflows",
                to="agents.agent",
            ),
        ),
        migrations.RunSQL(SAME_ORGANIZATION, ANY_ORGANIZATION),
    ]
