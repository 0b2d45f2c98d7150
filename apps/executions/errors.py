"""What can go wrong with runs and their artifacts."""

from __future__ import annotations

from apps.core.errors import Conflict, Invalid, NotFound, SymphonyError, Unavailable


class ExecutionOver(Conflict):
    """The execution has ended already."""

    code = "execution_over"


class NotPausable(Conflict):
    """Only an execution that is pending or running can be paused."""

    code = "not_pausable"


class NotPaused(Conflict):
    """Only a paused execution can be resumed."""

    code = "not_paused"


class CorrelationTaken(Conflict):
    """There is an execution with this correlation id already; each has one of its own."""

    code = "correlation_id_taken"


class ParentElsewhere(Invalid):
    """The parent execution belongs to another organization than the melody."""

    code = "parent_elsewhere"


class PoolTaken(Conflict):
    """There is a pool of this kind and name already."""

    code = "pool_taken"


class NotRunnable(Invalid):
    """No worker could ever run a step of this melody; `errors` says which and why."""

    code = "not_runnable"


class InvalidInput(Invalid):
    """The input of the execution is not what the melody takes."""

    code = "invalid_input"


class BlobMissing(NotFound):
    """The bytes of this artifact are not stored here."""

    code = "blob_missing"


class BlobDamaged(SymphonyError):
    """The stored bytes do not hash to their address; restore them from a backup."""

    code = "blob_damaged"
    title = "Damaged artifact"


class StoreUnavailable(Unavailable):
    """The artifact store cannot be reached just now; please try again shortly."""

    code = "store_unavailable"


class NotWaiting(Conflict):
    """This task does not wait for a decision, or not any more."""

    code = "not_waiting"


class AlreadyDecided(Conflict):
    """You have decided about this already; everybody has one voice."""

    code = "already_decided"


class PayloadRefused(Invalid):
    """The payload does not fit the schema of the step that waits for it."""

    code = "payload_refused"


class NotOver(Conflict):
    """The execution has not ended; cancel it first, or wait for its end."""

    code = "not_over"


class NotRetryable(Conflict):
    """Only an execution that failed or ran out of time can be retried, and only so often."""

    code = "not_retryable"


class NothingToRerun(Conflict):
    """Nothing of this execution failed or was left undone; name a step to run it again from there."""

    code = "nothing_to_rerun"


class StillSettling(Conflict):
    """A worker is just about to let go of a step of this execution; please try again in a second."""

    code = "still_settling"


class VersionsDiffer(Invalid):
    """Results cannot be kept: the steps they belong to are not the same in that version; `errors` says which."""

    code = "versions_differ"


class StepNotRerunnable(Invalid):
    """The execution cannot be run again from that step."""

    code = "step_not_rerunnable"


class TaskNotOpen(Conflict):
    """Only a task that no worker has, and that has not ended, can be skipped or given a result."""

    code = "task_not_open"


class ResultRefused(Invalid):
    """The result does not fit the `output_schema` of the step."""

    code = "result_refused"


class CountChanged(Conflict):
    """The number of executions that match is not the one you expect; look at them again."""

    code = "count_changed"
