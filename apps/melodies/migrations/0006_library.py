"""Versions by semver, tags, forks, search."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("melodies", "0005_tenancy_of_graphs")]

    operations = []
