"""Runs and what they leave behind.

The tables written once per step (`Task`, `Event`, `PitOperation`, `Frame`, `Variable`, `PlanNode`) carry their foreign
keys without a database constraint: the ledger is their only writer, and a checked key costs a row lock on the same
parent row in every transaction (docs/decisions/0003). The id of a task is made of its execution's id and its sequence
number, so the tasks of one execution are one range of the primary key and need no further index.
"""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now

from apps.accounts.models import Organization
from apps.core.ids import uuid7
from apps.executions.states import ExecutionStatus, FrameStatus, TaskStatus
from apps.melodies.models import Melody, MelodyVersion


def _choices(statuses: type[ExecutionStatus | TaskStatus | FrameStatus]) -> list[tuple[str, str]]:
    return [(status.value, status.value) for status in statuses]


class Owned(models.Model):
    """A row of an organization, without a checked foreign key."""

    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )

    class Meta:
        abstract = True


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

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["version", "node"], name="plan_node_number")]

    def __str__(self) -> str:
        return f"{self.node} {self.name}"


class Execution(models.Model):
    """One run of one melody version (seed 002's workflow_execution)."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="executions")
    melody = models.ForeignKey(Melody, on_delete=models.CASCADE, related_name="executions")
    version = models.ForeignKey(MelodyVersion, on_delete=models.PROTECT, related_name="executions")
    version_sha256 = models.CharField(max_length=64)
    status = models.CharField(
        max_length=10, choices=_choices(ExecutionStatus), default=ExecutionStatus.QUEUED, db_index=True
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
    deadline_at = models.DateTimeField(null=True)
    correlation_id = models.UUIDField(default=uuid.uuid4, db_index=True)
    parent_execution = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="children")
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["organization", "-id"], name="execution_by_organization"),
            models.Index(
                fields=["deadline_at"],
                name="execution_deadline",
                condition=models.Q(deadline_at__isnull=False, completed_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return str(self.id)


class RunOwned(Owned):
    """A row of one execution, without a checked foreign key."""

    execution = models.ForeignKey(
        Execution, on_delete=models.CASCADE, related_name="%(class)ss", db_constraint=False, db_index=False
    )

    class Meta:
        abstract = True


class Task(RunOwned):
    """One step of one execution.

    `open`, `met`, `neutral` and `hard` count its incoming edges down (see sql/rules.sql); `scopes` are the sequence
    offsets of the frames around it, outermost first. `held` marks a released task beyond the dispatch window: no message
    was sent for it, slots that become free take it directly; it is `inline`, the queue, or `gate` when only so many tasks
    may run at once (`gate` names what it shares with others, `*` the run as a whole). `due_at` is when the sweep must look
    at the row again: the lease's end while it executes, the moment to send once more while it is dispatched, the timer
    while it waits. `wait` says for what it waits: timer, retry, frames, approval or signal (`wait_key` is the heading or
    the signal's name). `phase` says what its next claim does: 0 run, 1 collect or resume, 2 collect the error handler,
    3 time out. `carry` is what an attempt or the waiting leaves for the next claim.
    """

    id = models.UUIDField(primary_key=True)
    version_id: models.Field[uuid.UUID, uuid.UUID] = models.UUIDField()
    seq = models.IntegerField()
    node = models.IntegerField()
    name = models.TextField()
    kind = models.TextField()
    queue = models.TextField()
    held = models.TextField(null=True)  # noqa: DJ001 - the index holds what is not null
    status = models.TextField(choices=_choices(TaskStatus))
    phase = models.SmallIntegerField(db_default=0)
    attempt = models.SmallIntegerField(db_default=0)
    sends = models.SmallIntegerField(db_default=0)
    retries = models.SmallIntegerField(db_default=0)
    gate = models.TextField(null=True)  # noqa: DJ001 - most tasks pass none
    wait = models.TextField(null=True)  # noqa: DJ001 - only while it waits
    wait_key = models.TextField(null=True)  # noqa: DJ001 - only while it waits
    carry = models.JSONField(null=True)
    lease = models.UUIDField(null=True)
    worker = models.TextField(null=True)  # noqa: DJ001 - none before the first claim
    due_at = models.DateTimeField(null=True)
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
    created_at = models.DateTimeField(db_default=Now())
    dispatched_at = models.DateTimeField(null=True)
    begun_at = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    completed_at = models.DateTimeField(null=True)

    class Meta:
        ordering: ClassVar = ["id"]
        indexes: ClassVar = [
            models.Index(fields=["due_at"], name="task_due", condition=models.Q(due_at__isnull=False)),
            models.Index(fields=["execution", "held"], name="task_held", condition=models.Q(held__isnull=False)),
            models.Index(
                fields=["organization", "wait", "execution", "wait_key"],
                name="task_waiting_for",
                condition=models.Q(status="waiting", wait__in=["approval", "signal"]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.status})"


class Frame(RunOwned):
    """One instance of a composite step's body: a loop iteration, a switch case, a nested melody.

    `home` is the isolated frame this one is, or is in: whose variables are global here, whose `inputs` are seen; NULL in
    the document itself. `stripe` is the row of `Stripe` that counts this frame, where many run at once. `version_id` is set when the body is a version of its own, `ancestors` are the melodies around
    and in it (NULL: only the run's own), `depth` counts the isolated frames.
    """

    id = models.UUIDField(primary_key=True, default=uuid7)
    parent_task_id: models.Field[uuid.UUID, uuid.UUID] = models.UUIDField()
    index = models.IntegerField()
    body = models.SmallIntegerField()
    label = models.TextField(blank=True)
    first = models.IntegerField()
    size = models.IntegerField()
    stripe = models.SmallIntegerField(null=True)
    lineage: models.Field[list[uuid.UUID], list[uuid.UUID]] = ArrayField(models.UUIDField())
    home: models.Field[uuid.UUID | None, uuid.UUID | None] = models.UUIDField(null=True)
    version_id: models.Field[uuid.UUID | None, uuid.UUID | None] = models.UUIDField(null=True)
    ancestors: models.Field[list[uuid.UUID] | None, list[uuid.UUID] | None] = ArrayField(models.UUIDField(), null=True)
    depth = models.SmallIntegerField(db_default=0)
    loop = models.JSONField(null=True)
    inputs = models.JSONField(null=True)
    status = models.TextField(choices=_choices(FrameStatus), default=FrameStatus.PENDING)
    error = models.JSONField(null=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["parent_task_id", "index"], name="frame_index")]

    def __str__(self) -> str:
        return f"{self.parent_task_id}[{self.index}]"


class Expansion(RunOwned):
    """How far a composite task's frames have come: `remaining` have not ended, `next` is the first not yet begun.

    Frames come in rounds; `round_first` is the first of the last one, `base` the first of the task's last attempt. With `watch` the task is woken by every frame that
    ends. `phase` is the phase it is woken to.
    """

    task_id: models.Field[uuid.UUID, uuid.UUID] = models.UUIDField(primary_key=True)
    total = models.IntegerField()
    next = models.IntegerField()
    remaining = models.IntegerField()
    base = models.IntegerField(db_default=0)
    round_first = models.IntegerField(db_default=0)
    watch = models.BooleanField(db_default=False)
    phase = models.SmallIntegerField(db_default=1)
    stop_on_failure = models.BooleanField()

    def __str__(self) -> str:
        return f"{self.total - self.remaining}/{self.total}"


class Stripe(RunOwned):
    """A part of a wide join's countdown; when `open` comes to 0 the whole part arrives at the join's own row."""

    task_id: models.Field[uuid.UUID, uuid.UUID] = models.UUIDField()
    stripe = models.SmallIntegerField()
    size = models.IntegerField()
    open = models.IntegerField()
    met = models.IntegerField(db_default=0)
    neutral = models.IntegerField(db_default=0)
    hard = models.IntegerField(db_default=0)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["task_id", "stripe"], name="stripe_of_task")]

    def __str__(self) -> str:
        return f"{self.task_id}/{self.stripe}"


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


class Event(RunOwned):
    """Append-only. (`position`, `id`) is the order in which events become visible: `position` is the writing
    transaction's id, so a reader that stays below the oldest running transaction never misses one."""

    id = models.BigAutoField(primary_key=True)
    position = models.BigIntegerField()
    task_id: models.Field[uuid.UUID | None, uuid.UUID | None] = models.UUIDField(null=True)
    event_type = models.TextField()
    payload = models.JSONField(default=dict)
    occurred_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering: ClassVar = ["position", "id"]
        indexes: ClassVar = [models.Index(fields=["execution", "position", "id"], name="event_order")]

    def __str__(self) -> str:
        return self.event_type


class Blob(Owned):
    """Bytes an organization keeps, once, under the SHA-256 of their content."""

    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["organization", "sha256"], name="blob_address")]

    def __str__(self) -> str:
        return self.sha256


class Artifact(RunOwned):
    """A named thing a task produced. Its bytes are the blob under `content_hash`."""

    id = models.UUIDField(primary_key=True, default=uuid7)
    task_id: models.Field[uuid.UUID, uuid.UUID] = models.UUIDField()
    melody_id: models.Field[uuid.UUID, uuid.UUID] = models.UUIDField()
    name = models.TextField()
    artifact_type = models.TextField()
    content_type = models.TextField()
    content_hash = models.CharField(max_length=64)
    size = models.BigIntegerField()
    metadata = models.JSONField(default=dict)
    quality_metrics = models.JSONField(default=dict)
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering: ClassVar = ["id"]
        indexes: ClassVar = [models.Index(fields=["execution", "id"], name="artifact_by_execution")]

    def __str__(self) -> str:
        return self.name


class PitOperation(RunOwned):
    """What one of the Pit's modules did, written in batches."""

    class Kind(models.TextChoices):
        POOL_ALLOCATION = "pool_allocation"
        DAG_TRACKING = "dag_tracking"
        ARTIFACT_STORAGE = "artifact_storage"
        ARBITRATION = "arbitration"
        STALE_MANAGEMENT = "stale_management"

    id = models.BigAutoField(primary_key=True)
    task_id: models.Field[uuid.UUID | None, uuid.UUID | None] = models.UUIDField(null=True)
    operation_type = models.TextField(choices=Kind)
    operation_context: models.Field[dict[str, Any], dict[str, Any]] = models.JSONField(default=dict)
    resource_allocations: models.Field[dict[str, Any], dict[str, Any]] = models.JSONField(default=dict)
    performed_at = models.DateTimeField(db_default=Now())

    class Meta:
        indexes: ClassVar = [models.Index(fields=["execution", "id"], name="pit_by_execution")]

    def __str__(self) -> str:
        return self.operation_type


class Decision(RunOwned):
    """What one person said to a task that waits for approval: their e-mail address and role as they were then. `attempt`
    tells rounds of asking apart."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    task_id: models.Field[uuid.UUID, uuid.UUID] = models.UUIDField()
    attempt = models.SmallIntegerField()
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    person = models.TextField()
    role = models.TextField()
    decision = models.TextField(choices=[("approve", "approve"), ("reject", "reject")])
    comment = models.TextField(blank=True)
    decided_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering: ClassVar = ["id"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["task_id", "attempt", "user"], name="decision_once"),
            models.CheckConstraint(condition=models.Q(decision__in=["approve", "reject"]), name="decision_known"),
        ]

    def __str__(self) -> str:
        return self.decision


class Signal(RunOwned):
    """Something a run was told by name. `consumed_by` is the task it woke; NULL while nobody has waited for it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.TextField()
    payload = models.JSONField(null=True)
    sent_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    received_at = models.DateTimeField(db_default=Now())
    consumed_by: models.Field[uuid.UUID | None, uuid.UUID | None] = models.UUIDField(null=True)

    class Meta:
        ordering: ClassVar = ["id"]
        indexes: ClassVar = [models.Index(fields=["execution", "name", "id"], name="signal_by_name")]

    def __str__(self) -> str:
        return self.name


class CachedResult(Owned):
    """The result of a step with `cache`, under the hash of what it was made from; never shared between organizations."""

    key = models.CharField(max_length=64)
    output = models.JSONField(null=True)
    output_ref = models.CharField(max_length=64, null=True)  # noqa: DJ001 - none for a result in the row
    task_id: models.Field[uuid.UUID, uuid.UUID] = models.UUIDField()
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(fields=["organization", "key"], name="cached_result_key")]

    def __str__(self) -> str:
        return self.key


class Conversation(Owned):
    """What has been said in a model session. `scope` is the execution it belongs to, or the melody if it outlives runs."""

    scope = models.UUIDField()
    name = models.TextField()
    record = models.JSONField(default=dict)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "scope", "name"], name="conversation_name"),
        ]

    def __str__(self) -> str:
        return self.name
