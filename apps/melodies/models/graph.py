"""The rows a graphical editor works on."""

from __future__ import annotations

from typing import ClassVar, Final

from django.conf import settings
from django.db import models

from apps.accounts.models import Organization
from apps.core.ids import uuid7
from apps.melodies.definition.rows import HEIGHT, INPUT, OUTPUT, WIDTH
from apps.melodies.models.melody import Melody, MelodyVersion

LONGEST_LABEL: Final = 200


class ConnectionOrigin(models.TextChoices):
    """Where an edge is written: in `connections`, or in the `depends_on` of the step it leads to."""

    CONNECTION = "connection"
    DEPENDENCY = "dependency"


class MelodyGraph(models.Model):
    """A melody as a graphical editor sees it: its fields here, its steps and connections as rows.

    It says what `version` says, or (`changed`) what has become of that and is not published yet.
    """

    melody = models.OneToOneField(Melody, on_delete=models.CASCADE, primary_key=True, related_name="graph")
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    version = models.ForeignKey(MelodyVersion, on_delete=models.CASCADE, related_name="+")
    workflow = models.JSONField(default=dict)
    beside = models.JSONField(default=dict)
    revision = models.PositiveIntegerField(default=1)
    changed = models.BooleanField(default=False)
    updated_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return f"{self.melody_id} r{self.revision}"


class MelodyStep(models.Model):
    """One step on an editor's canvas. `body` is the field of the parent step it stands in, `label` its key in a map of lists
    (a case of a switch)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    melody = models.ForeignKey(Melody, on_delete=models.CASCADE, related_name="steps")
    parent_step = models.ForeignKey("self", on_delete=models.CASCADE, null=True, blank=True, related_name="inner_steps")
    body = models.CharField(max_length=LONGEST_LABEL, blank=True)
    label = models.CharField(max_length=LONGEST_LABEL, blank=True)
    name = models.CharField(max_length=LONGEST_LABEL)
    type = models.CharField(max_length=LONGEST_LABEL)
    enabled = models.BooleanField(default=True)
    config = models.JSONField(default=dict)
    position_x = models.FloatField(default=0)
    position_y = models.FloatField(default=0)
    width = models.FloatField(default=WIDTH)
    height = models.FloatField(default=HEIGHT)
    order_index = models.PositiveIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering: ClassVar = ["order_index", "id"]
        # Checked at the end of a transaction: two steps may trade their names.
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["melody", "parent_step", "body", "label", "name"],
                name="melody_step_name",
                nulls_distinct=False,
                deferrable=models.Deferrable.DEFERRED,
            ),
        ]
        indexes: ClassVar = [models.Index(fields=["melody", "order_index"], name="melody_steps_in_order")]

    def __str__(self) -> str:
        return self.name


class MelodyConnection(models.Model):
    """An edge between two steps of one list. `extra` says how it was written where the columns cannot."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    melody = models.ForeignKey(Melody, on_delete=models.CASCADE, related_name="connections")
    from_step = models.ForeignKey(MelodyStep, on_delete=models.CASCADE, related_name="outgoing")
    to_step = models.ForeignKey(MelodyStep, on_delete=models.CASCADE, related_name="incoming")
    from_output = models.CharField(max_length=LONGEST_LABEL, default=OUTPUT)
    to_input = models.CharField(max_length=LONGEST_LABEL, default=INPUT)
    origin = models.CharField(max_length=10, choices=ConnectionOrigin, default=ConnectionOrigin.CONNECTION)
    order_index = models.PositiveIntegerField(default=0)
    extra = models.JSONField(default=dict, blank=True)
    path_data = models.JSONField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering: ClassVar = ["order_index", "id"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["from_step", "to_step", "from_output", "to_input", "origin"],
                name="melody_connection_ends",
                deferrable=models.Deferrable.DEFERRED,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.from_step_id} -> {self.to_step_id}"
