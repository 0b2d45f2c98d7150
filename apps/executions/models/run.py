"""Runs, their tasks and their variables."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from django.db.models.functions import Now

from apps.accounts.models import Organization
from apps.core.ids import uuid7
from apps.executions.models.owned import RunOwned, choices
from apps.executions.states import ExecutionStatus, RerunMode, TaskStatus
from apps.melodies.models import Melody, MelodyVersion
from apps.projects.models import Project


class Execution(models.Model):
    """One run of one melody version (seed 002's workflow_execution).

    `project` and `agent_id` are the melody's when it starts. `resource_usage` and `performance_metrics` are taken when it ends (sql/measures.sql says what is in them).
    `priority` goes from -10 to 10; `head_start` is what it is worth in seconds of waiting, `weight` the organization's share
    by its plan when the run began. `pooled`: some pool may concern its steps, so that their claims must ask.
    `paused_seconds` counts the pauses that are over; the clock of `deadline_at` stands still meanwhile. A trigger keeps `updated_at`.
    `retried_at` is when the last retry began: what is measured at the end, and the deadline, count from there. `rerun_of` is the run whose
    results this one has kept, `rerun_mode` and `rerun_step` say which (see redo.py). `trigger_id` is what started it, if nobody did.
    `unsettled` says of a run that has ended that others held some of its tasks then, which are cancelled as soon as they can
    be had; of one under way, that a step was decided about before all that leads to it had ended: it ends where nothing is open.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="executions")
    melody = models.ForeignKey(Melody, on_delete=models.CASCADE, related_name="executions")
    version = models.ForeignKey(MelodyVersion, on_delete=models.PROTECT, related_name="executions")
    version_sha256 = models.CharField(max_length=64)
    project = models.ForeignKey(
        Project, on_delete=models.SET_NULL, null=True, related_name="executions", db_constraint=False, db_index=False
    )
    agent_id: models.Field[uuid.UUID | None, uuid.UUID | None] = models.UUIDField(null=True)
    status = models.CharField(
        max_length=10, choices=choices(ExecutionStatus), default=ExecutionStatus.QUEUED, db_index=True
    )
    status_message = models.TextField(blank=True)
    input = models.JSONField(default=dict)
    failures = models.IntegerField(default=0)
    error_code = models.CharField(max_length=50, blank=True)
    error_message = models.TextField(blank=True)
    retry_count = models.IntegerField(default=0)
    max_retries = models.IntegerField(default=3)
    next_seq = models.IntegerField(default=0)
    compensation = models.IntegerField(null=True)
    max_tasks = models.IntegerField(null=True)
    max_parallel = models.IntegerField(null=True)
    priority = models.SmallIntegerField(default=0, db_default=0)
    head_start = models.FloatField(default=0.0, db_default=0)
    weight = models.FloatField(default=1.0, db_default=1)
    pooled = models.BooleanField(default=False, db_default=False)
    deadline_at = models.DateTimeField(null=True)
    correlation_id = models.UUIDField(default=uuid.uuid4)
    parent_execution = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="children")
    rerun_of = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="reruns")
    rerun_mode = models.CharField(max_length=10, blank=True, db_default="", choices=choices(RerunMode))
    rerun_step = models.TextField(blank=True, db_default="")
    trigger_id: models.Field[uuid.UUID | None, uuid.UUID | None] = models.UUIDField(null=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())
    unsettled = models.BooleanField(db_default=False)
    retried_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    paused_at = models.DateTimeField(null=True)
    resumed_at = models.DateTimeField(null=True)
    paused_seconds = models.FloatField(db_default=0)
    completed_at = models.DateTimeField(null=True)
    resource_usage = models.JSONField(default=dict)
    performance_metrics = models.JSONField(default=dict)

    begun: tuple[int, int] | None = None
    """Of a row that has just begun and was not read again: how many steps it has, and how many of them are released."""

    class Meta:
        ordering: ClassVar = ["-id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "correlation_id"], name="execution_correlation"),
            models.CheckConstraint(condition=models.Q(priority__gte=-10, priority__lte=10), name="execution_priority"),
            models.CheckConstraint(condition=models.Q(weight__gt=0, weight__lte=8), name="execution_weight"),
            models.CheckConstraint(
                condition=models.Q(rerun_mode__in=["", *(mode.value for mode in RerunMode)]),
                name="execution_rerun_mode",
            ),
            models.CheckConstraint(
                condition=models.Q(retry_count__lte=models.F("max_retries")), name="execution_retries_left"
            ),
        ]
        indexes: ClassVar = [
            models.Index(fields=["organization", "-id"], name="execution_by_organization"),
            models.Index(fields=["melody", "-completed_at"], name="execution_ended"),
            models.Index(
                fields=["agent_id", "-id"], name="execution_by_agent", condition=models.Q(agent_id__isnull=False)
            ),
            models.Index(
                fields=["project", "-id"], name="execution_by_project", condition=models.Q(project__isnull=False)
            ),
            models.Index(
                fields=["trigger_id", "-id"], name="execution_by_trigger", condition=models.Q(trigger_id__isnull=False)
            ),
            models.Index(fields=["id"], name="execution_unsettled", condition=models.Q(unsettled=True)),
            models.Index(fields=["organization"], name="execution_open", condition=models.Q(completed_at__isnull=True)),
            BrinIndex(fields=["updated_at"], name="execution_changed", autosummarize=True, pages_per_range=16),
            models.Index(
                fields=["deadline_at"],
                name="execution_deadline",
                condition=models.Q(deadline_at__isnull=False, completed_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)


class Task(RunOwned):
    """One step of one execution.

    `open`, `met`, `neutral` and `hard` count its incoming edges down (see sql/rules.sql); `scopes` are the sequence
    offsets of the frames around it, outermost first. `held` marks a released task that was turned away: `gate` when only so many
    tasks of the run may run at once (`gate` names what it shares with others, `*` the run as a whole), `limit` when a pool
    was full. `pooled`: it holds slots of pools, which a trigger returns when it stops executing. `due_at` is when the sweep
    must look at the row again: the lease's end while it executes, the moment to send once more while it is dispatched (NULL
    in the backlog: no message is out), the timer while it waits. `wait` says for what it waits: timer, retry, loss, frames, approval or signal (`wait_key` is the heading or
    the signal's name). `phase` says what its next claim does: 0 run, 1 collect or resume, 2 collect the error handler,
    3 fail with `error`. `carry` is what an attempt or the waiting leaves for the next claim.
    `retries` counts attempts that failed and were followed by another, `losses` those whose worker was lost.
    `limits` are the plan's timeouts that the ledger watches over (sql/timeouts.sql); a trigger keeps `limit_at`, the
    moment at which the next of them has passed, `total_at`, when all its time is over, and `beat_at`, its last heartbeat.
    `resets` counts the retries of the run that began it anew. `kept_from` is the task of an earlier run whose result it has; while it
    is still pending, the result waits for its turn and is recorded then.
    `cpu_ms` and `memory_kb` are of its last attempt: the processor time of its thread, the peak of its process.
    """

    id = models.UUIDField(primary_key=True)
    version_id: models.Field[uuid.UUID, uuid.UUID] = models.UUIDField()
    seq = models.IntegerField()
    node = models.IntegerField()
    name = models.TextField()
    kind = models.TextField()
    queue = models.TextField()
    held = models.TextField(null=True)  # noqa: DJ001 - the index holds what is not null
    status = models.TextField(choices=choices(TaskStatus))
    phase = models.SmallIntegerField(db_default=0)
    attempt = models.SmallIntegerField(db_default=0)
    sends = models.SmallIntegerField(db_default=0)
    retries = models.SmallIntegerField(db_default=0)
    losses = models.SmallIntegerField(db_default=0)
    resets = models.SmallIntegerField(db_default=0)
    kept_from: models.Field[uuid.UUID | None, uuid.UUID | None] = models.UUIDField(null=True)
    gate = models.TextField(null=True)  # noqa: DJ001 - most tasks pass none
    pooled = models.BooleanField(db_default=False)
    wait = models.TextField(null=True)  # noqa: DJ001 - only while it waits
    wait_key = models.TextField(null=True)  # noqa: DJ001 - only while it waits
    carry = models.JSONField(null=True)
    lease = models.UUIDField(null=True)
    worker = models.TextField(null=True)  # noqa: DJ001 - none before the first claim
    due_at = models.DateTimeField(null=True)
    limits = models.JSONField(null=True)
    limit_at = models.DateTimeField(null=True)
    total_at = models.DateTimeField(null=True)
    beat_at = models.DateTimeField(null=True)
    open = models.IntegerField()
    met = models.IntegerField(db_default=0)
    neutral = models.IntegerField(db_default=0)
    hard = models.IntegerField(db_default=0)
    total = models.IntegerField()
    need = models.IntegerField()
    wants = models.IntegerField()
    frame = models.ForeignKey(
        "Frame", on_delete=models.CASCADE, null=True, related_name="tasks", db_constraint=False, db_index=False
    )
    parent = models.ForeignKey(
        "self", on_delete=models.CASCADE, null=True, related_name="children", db_constraint=False, db_index=False
    )
    scopes: models.Field[list[int], list[int]] = ArrayField(models.IntegerField())
    output = models.JSONField(null=True)
    output_ref = models.CharField(max_length=64, null=True)  # noqa: DJ001 - none for a result in the row
    error = models.JSONField(null=True)
    cpu_ms = models.IntegerField(null=True)
    memory_kb = models.IntegerField(null=True)
    created_at = models.DateTimeField(db_default=Now())
    dispatched_at = models.DateTimeField(null=True)
    begun_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["id"]
        indexes: ClassVar = [
            models.Index(fields=["due_at"], name="task_due", condition=models.Q(due_at__isnull=False)),
            models.Index(fields=["limit_at"], name="task_limit", condition=models.Q(limit_at__isnull=False)),
            models.Index(
                fields=["organization", "output_ref"],
                name="task_output_ref",
                condition=models.Q(output_ref__isnull=False),
            ),
            models.Index(fields=["execution", "held"], name="task_held", condition=models.Q(held__isnull=False)),
            models.Index(
                fields=["queue"],
                name="task_window",
                condition=models.Q(status="dispatched", due_at__isnull=False, held__isnull=True),
            ),
            models.Index(
                fields=["organization", "wait", "execution", "wait_key"],
                name="task_waiting_for",
                condition=models.Q(status="waiting", wait__in=["approval", "signal"]),
            ),
            models.Index(
                fields=["execution", "gate"],
                name="task_inside_gate",
                condition=models.Q(gate__isnull=False)
                & (models.Q(status__in=["executing", "waiting"]) | models.Q(status="dispatched", phase__gt=0)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.status})"


class Variable(RunOwned):
    """The value of a variable; `scope` is the frame it belongs to, the nil UUID for the whole run."""

    scope = models.UUIDField()
    name = models.TextField()
    value = models.JSONField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["execution", "scope", "name"], name="variable_name"),
        ]

    def __str__(self) -> str:
        return self.name
