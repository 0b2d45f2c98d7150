"""What can go wrong with runs and their artifacts."""

from __future__ import annotations

from apps.core.errors import Conflict, Invalid, NotFound, SymphonyError


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


class NotWaiting(Conflict):
    """This task does not wait for a decision, or not any more."""

    code = "not_waiting"


class AlreadyDecided(Conflict):
    """You have decided about this already; everybody has one voice."""

    code = "already_decided"


class PayloadRefused(Invalid):
    """The payload does not fit the schema of the step that waits for it."""

    code = "payload_refused"
