"""Melodies owned by agents."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("melodies", "0007_templates_comments")]

    operations = []
