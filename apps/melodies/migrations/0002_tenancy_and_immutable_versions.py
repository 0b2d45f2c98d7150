"""Row-level security for melodies; versions cannot be changed, not even by hand."""

from django.db import migrations

from apps.core.db.operations import EnableTenancy

IMMUTABLE = """
CREATE FUNCTION melody_version_is_immutable() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'melody version % is immutable; publish a new version instead', OLD.id
    USING ERRCODE = 'integrity_constraint_violation';
END $$;
CREATE TRIGGER melody_version_is_immutable BEFORE UPDATE ON melodies_melodyversion
  FOR EACH ROW EXECUTE FUNCTION melody_version_is_immutable();
"""
MUTABLE = """
DROP TRIGGER melody_version_is_immutable ON melodies_melodyversion;
DROP FUNCTION melody_version_is_immutable();
"""


class Migration(migrations.Migration):
    dependencies = [("melodies", "0001_initial"), ("accounts", "0001_initial")]

    operations = [
        EnableTenancy("melodies_melody", web="select,insert,update", worker="select"),
        EnableTenancy("melodies_melodyversion", web="select,insert", worker="select"),
        migrations.RunSQL(IMMUTABLE, MUTABLE),
    ]
