"""Row-level security for the rows of graphs."""

from django.db import migrations

from apps.core.db.operations import EnableTenancy


class Migration(migrations.Migration):
    dependencies = [("melodies", "0004_graph_rows"), ("accounts", "0001_initial")]

    operations = [
        EnableTenancy("melodies_melodygraph", worker="select"),
        EnableTenancy("melodies_melodystep", worker="select"),
        EnableTenancy("melodies_melodyconnection", worker="select"),
    ]
