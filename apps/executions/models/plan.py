"""The plan of a version, stored once."""

from __future__ import annotations

from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models

from apps.executions.models.owned import Owned
from apps.melodies.models import MelodyVersion


class PlanNode(Owned):
    """One node of a version's plan, immutable; columns as in `workers.compiler.plan.PlanNode`."""

    version = models.ForeignKey(
        MelodyVersion, on_delete=models.CASCADE, related_name="plan_nodes", db_constraint=False, db_index=False
    )
    node = models.IntegerField()
    name = models.TextField()
    kind = models.TextField()
    queue = models.TextField()
    inline = models.BooleanField()
    parent = models.IntegerField(null=True)
    depth = models.SmallIntegerField()
    params = models.JSONField()
    condition = models.JSONField(null=True)
    successors: models.Field[list[int], list[int]] = ArrayField(models.IntegerField())
    edge_on: models.Field[list[int], list[int]] = ArrayField(models.SmallIntegerField())
    open = models.IntegerField()
    need = models.IntegerField()
    wants = models.IntegerField()
    tolerates = models.BooleanField()
    handled = models.BooleanField()
    ends = models.BooleanField()
    compensates = models.BooleanField(db_default=False)
    exclusive = models.TextField(null=True)  # noqa: DJ001 - most steps exclude nobody
    reads = models.JSONField()
    variables: models.Field[list[str], list[str]] = ArrayField(models.TextField())
    options = models.JSONField()
    bodies = models.JSONField()
    rank = models.FloatField()
    ahead = models.JSONField(null=True)
    stripes: models.Field[list[int], list[int]] = ArrayField(models.IntegerField())
    requires: models.Field[list[str] | None, list[str] | None] = ArrayField(models.TextField(), null=True)
    """Capabilities of its worker; none, but not null, when the step only says its queue."""

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["version", "node"], name="plan_node_number")]
        indexes: ClassVar = [
            models.Index(fields=["version"], name="plan_node_particular", condition=models.Q(requires__isnull=False)),
        ]

    def __str__(self) -> str:
        return f"{self.node} {self.name}"
