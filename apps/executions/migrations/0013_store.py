"""The artifact store: bytes have a row before they are there, and somebody counts what an organization keeps."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

from apps.core.db.operations import AddPolicies, EnableTenancy
from apps.core.db.policies import OWNER, WEB, WORKER, Policy
from apps.core.db.together import together

# Whoever is shown bytes that are not what their address says writes it down, whatever their role.
TELL_DAMAGE = Policy(
    "web_damage",
    "insert",
    (WEB, OWNER),
    "operation_type = 'artifact_storage' AND ("
    "organization_id = ANY((SELECT app_organizations())::uuid[]) OR (SELECT app_is_staff()))",
)
GRANT = f"""
GRANT UPDATE (stored_size, touched_at, suspect) ON executions_blob TO {WORKER};
GRANT INSERT ON executions_pitoperation TO {WEB};
"""
REVOKE = f"""
REVOKE UPDATE (stored_size, touched_at, suspect) ON executions_blob FROM {WORKER};
REVOKE INSERT ON executions_pitoperation FROM {WEB};
"""

# A kept result that is replaced or deleted, however: nobody else remembers which bytes it named.
UNNAMED = """
CREATE FUNCTION executions_cachedresult_unname() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE executions_blob SET suspect = true, touched_at = clock_timestamp()
  WHERE organization_id = OLD.organization_id AND sha256 = OLD.output_ref;
  RETURN NULL;
END $$;
CREATE TRIGGER executions_cachedresult_unnames AFTER UPDATE OF output_ref ON executions_cachedresult FOR EACH ROW
  WHEN (OLD.output_ref IS NOT NULL AND OLD.output_ref IS DISTINCT FROM NEW.output_ref)
  EXECUTE FUNCTION executions_cachedresult_unname();
"""
NAMED = """
DROP TRIGGER executions_cachedresult_unnames ON executions_cachedresult;
DROP FUNCTION executions_cachedresult_unname();
"""

# Those who store already are counted; the rows of bytes that are there rest from when they were made.
SEED = """
SELECT set_config('app.staff', 'on', true), set_config('app.scope', 'sweep', true);
UPDATE executions_blob SET touched_at = created_at;
INSERT INTO executions_storestatistics
  (organization_id, artifacts, artifact_bytes, results, result_bytes, blobs, unique_bytes, stored_bytes, cost_ms, changed_at)
SELECT DISTINCT organization_id, 0, 0, 0, 0, 0, 0, 0, 0, now() FROM executions_blob;
SELECT set_config('app.staff', '', true), set_config('app.scope', '', true);
"""


class Migration(migrations.Migration):
    dependencies = [("executions", "0012_pools")]

    operations = together([
        migrations.AddField(
            model_name="artifact",
            name="attempt",
            field=models.SmallIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="blob",
            name="stored_size",
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="blob",
            name="touched_at",
            field=models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
        ),
        migrations.AddField(
            model_name="blob",
            name="suspect",
            field=models.BooleanField(db_default=True),
        ),
        migrations.CreateModel(
            name="StoreStatistics",
            fields=[
                ("organization", models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name="store_statistics", serialize=False, to="accounts.organization")),
                ("artifacts", models.BigIntegerField(default=0)),
                ("artifact_bytes", models.BigIntegerField(default=0)),
                ("results", models.BigIntegerField(default=0)),
                ("result_bytes", models.BigIntegerField(default=0)),
                ("blobs", models.BigIntegerField(default=0)),
                ("unique_bytes", models.BigIntegerField(default=0)),
                ("stored_bytes", models.BigIntegerField(default=0)),
                ("cost_ms", models.FloatField(default=0)),
                ("changed_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("refreshed_at", models.DateTimeField(null=True)),
            ],
            options={
                "indexes": [models.Index(fields=["changed_at"], name="storestatistics_changed")],
            },
        ),
        EnableTenancy("executions_storestatistics", web="select", worker="select,insert,update"),
        AddPolicies("executions_pitoperation", [TELL_DAMAGE]),
        migrations.RunSQL(GRANT, REVOKE),
        migrations.RunSQL(SEED, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="blob",
            constraint=models.CheckConstraint(condition=models.Q(("sha256__regex", "^[0-9a-f]{64}$")), name="blob_sha256"),
        ),
        migrations.AddConstraint(
            model_name="blob",
            constraint=models.CheckConstraint(
                condition=models.Q(("size__gte", 0), models.Q(("stored_size__isnull", True), ("stored_size__gte", 0), _connector="OR")),
                name="blob_sizes",
            ),
        ),
        migrations.AddIndex(
            model_name="blob",
            index=models.Index(fields=["organization"], include=["size", "stored_size"], name="blob_room"),
        ),
        migrations.AddIndex(
            model_name="blob",
            index=models.Index(condition=models.Q(("suspect", True)), fields=["touched_at"], name="blob_suspect"),
        ),
        migrations.RemoveIndex(model_name="artifact", name="artifact_by_address"),
        migrations.AddIndex(
            model_name="artifact",
            index=models.Index(fields=["organization", "content_hash"], include=["size"], name="artifact_address"),
        ),
        migrations.RunSQL(UNNAMED, NAMED),
    ])
