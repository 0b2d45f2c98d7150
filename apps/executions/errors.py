"""What can go wrong with runs and their artifacts."""

from __future__ import annotations

from apps.core.errors import Conflict, Invalid, NotFound, SymphonyError


class ExecutionOver(Conflict):
    """The execution has ended already."""

    code = "execution_over"


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
