"""What tokens keep besides: the one organization that some of them open."""

from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

from apps.core.db.operations import AddPolicies
from apps.core.db.policies import OWNER, WEB, Policy

CREATE_FUNCTION = """
CREATE OR REPLACE FUNCTION app_bound_organization() RETURNS uuid LANGUAGE sql STABLE PARALLEL SAFE AS
$$ SELECT nullif(current_setting('app.bound_organization', true), '')::uuid $$;
"""
DROP_FUNCTION = "DROP FUNCTION IF EXISTS app_bound_organization();"

BOUND = "(SELECT app_bound_organization())"


def only_bound(column: str) -> list[Policy]:
    """The functions that every tenant table asks read memberships under these policies: hidden here is hidden everywhere."""
    return [Policy("bound", "all", (WEB, OWNER), f"{BOUND} IS NULL OR {column} = {BOUND}", restrictive=True)]


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_people"),
        # Not that anything here needs it: its hundred operations cost as much as all of ours when they come after them,
        # because Django renders every model that refers to a user anew for each.
        ("oauth2_provider", "0022_refreshtoken_token_family_index"),
    ]

    operations = [
        migrations.AddField(
            model_name="apitoken",
            name="only_organization",
            field=models.ForeignKey(
                blank=True,
                help_text="The one organization this token opens; empty for all of its user's.",
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="accounts.organization",
            ),
        ),
        migrations.RunSQL(CREATE_FUNCTION, DROP_FUNCTION),
        AddPolicies("accounts_membership", only_bound("organization_id")),
        AddPolicies("accounts_organization", only_bound("id")),
    ]
