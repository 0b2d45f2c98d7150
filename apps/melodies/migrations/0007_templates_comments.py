"""Templates and comments."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("melodies", "0006_library")]

    operations = []
