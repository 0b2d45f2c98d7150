"""Configuration, variables, and who may do what in a project."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("projects", "0002_tenancy_and_sealed_values")]

    operations = []
