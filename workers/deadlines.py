"""How long a claimed task may take, and the failure of one that took longer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

from apps.executions.states import Phase
from workers.contract import StepContext, TimedOut, WaitUntil
from workers.failing import Failure
from workers.outcomes import Claimed


def deadline_of(claimed: Claimed) -> float | None:
    """On the monotonic clock: the end of this attempt, or of all the step may take. What a step has spent waiting as a
    row counts as well."""
    ends = [seconds for seconds in (_of_attempt(claimed), _of_all(claimed)) if seconds is not None]
    return monotonic() + min(ends) if ends else None


def overdue(claimed: Claimed) -> Failure:
    """Why a step is out of time: what the ledger has recorded (a lost worker among it), else which limit has passed."""
    error = claimed.get("error") if claimed["phase"] == Phase.TIMED_OUT else None
    if error:
        return Failure(error["code"], error["message"], error.get("details") or {})
    options, (attempt, total) = claimed["options"], (_of_attempt(claimed), _of_all(claimed))
    if total is not None and (attempt is None or total <= attempt):
        seconds = options["limits"]["total"]
        message = (
            f"The step took longer than the {seconds:g} s it may take in all, with its waiting and further attempts."
        )
        return Failure("total_timeout", message)
    return Failure("timeout", f"The step took longer than its timeout of {options['timeout_seconds']:g} s.")


def in_time(context: StepContext, result: Any) -> Any:
    """The answer of a step that came back in time; a timer that ends later than the step may take is out of time now."""
    if context.deadline is not None:
        late = isinstance(result, WaitUntil) and result.due_at > datetime.now(UTC) + timedelta(
            seconds=context.deadline - monotonic()
        )
        if late or monotonic() > context.deadline:
            raise TimedOut(context.name)
    return result


def _of_attempt(claimed: Claimed) -> float | None:
    """Seconds from now."""
    timeout = claimed["options"].get("timeout_seconds")
    if timeout is None:
        return None
    started = claimed.get("started_at")
    return float(timeout) - (_ago(started) if started and claimed["phase"] != Phase.RUN else 0.0)


def _of_all(claimed: Claimed) -> float | None:
    """Seconds from now."""
    end = claimed.get("total_at")
    return -_ago(end) if end else None


def _ago(moment: str) -> float:
    return (datetime.now(UTC) - datetime.fromisoformat(moment)).total_seconds()


__all__ = ["deadline_of", "in_time", "overdue"]
