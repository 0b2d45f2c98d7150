"""Reasons why a step is not running, in sentences. Pure: rows become reasons in sql/explain.sql."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

Reason = Mapping[str, Any]

_NAMED: Final = 5


def sentence_of(reason: Reason) -> str:
    """What a reason says to a person. One with a message of its own keeps it."""
    if reason.get("message"):
        return str(reason["message"])
    made = _SENTENCES.get(str(reason.get("code")))
    return made(reason) if made else f"It is held back: {reason.get('code')}."


def moment_of(value: Any) -> datetime | None:
    """As PostgreSQL writes moments in JSON."""
    return datetime.fromisoformat(value).astimezone(UTC) if isinstance(value, str) and value else None


def _at(value: Any, before: str = " ") -> str:
    moment = moment_of(value)
    return "" if moment is None else f"{before}{moment:%Y-%m-%d %H:%M:%S} UTC"


def _names(steps: Sequence[Mapping[str, Any]]) -> str:
    told = [f"{step['name']} ({step['status']})" for step in steps[:_NAMED]]
    return ", ".join(told) + (f" and {len(steps) - _NAMED} more" if len(steps) > _NAMED else "")


def _count(number: Any, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _waits_for_steps(reason: Reason) -> str:
    steps: Sequence[Mapping[str, Any]] = reason.get("steps") or ()
    named = f": {_names(steps)}" if steps else ""
    if reason.get("inner"):
        left = _count(reason.get("remaining"), "of its iterations or branches").replace("branchess", "branches")
        return f"It waits for its own inner steps; {left} {_have(reason.get('remaining'))} not ended{named}."
    needed, of = reason.get("needed"), reason.get("of")
    enough = f" ({needed} of {of} are enough)" if needed and of and needed < of else ""
    return f"It waits for {_count(reason.get('remaining'), 'step')} before it{enough}{named}."


def _have(number: Any) -> str:
    return "has" if number == 1 else "have"


def _paused(reason: Reason) -> str:
    by = f" by {reason['by']}" if reason.get("by") else ""
    why = f" ({reason['reason']})" if reason.get("reason") not in (None, "", "Paused.") else ""
    return f"The run was paused{by}{_at(reason.get('at'), ' at ')}{why}. It goes on when somebody resumes it."


def _ended(reason: Reason) -> str:
    error = f" ({reason['error']})" if reason.get("error") else ""
    if reason.get("what") == "execution":
        return f"The run is over: {reason.get('status')}{_at(reason.get('at'))}{error}. Nothing of it begins any more."
    return f"It has ended: {reason.get('status')}{_at(reason.get('at'))}{error}."


def _gate(reason: Reason) -> str:
    if reason.get("gate") == "iterations":
        ahead = reason.get("ahead")
        behind = f"; {_count(ahead, 'iteration')} will begin before it" if ahead else ""
        return f"Its iteration has not begun: {_count(reason.get('running'), 'other')} run at a time{behind}."
    gate, holders = reason.get("gate") or reason.get("name"), reason.get("holders") or ()
    inside = f": {_count(len(holders), 'step')} inside" if holders else ""
    if gate == "*":
        return f"The run may execute {_count(reason.get('limit'), 'step')} at once, and as many execute{inside}."
    return f"It excludes others ({gate}){inside}."


def _backlog(reason: Reason) -> str:
    ahead = reason.get("ahead") or 0
    more = " or more" if reason.get("more") else ""
    before = f"{_count(ahead, 'step')}{more} before it" if ahead else "nothing of its own organization before it"
    return f"It is released and waits for its turn in queue {reason.get('queue')}: {before}."


def _sent(reason: Reason) -> str:
    return f"It is released, and a worker of queue {reason.get('queue')} was called{_at(reason.get('since'), ' at ')}."


def _no_worker(reason: Reason) -> str:
    requires: Sequence[str] = reason.get("requires") or ()
    needs = f" with {', '.join(requires)}" if requires else ""
    workers: Mapping[str, Any] = reason.get("workers") or {}
    known = [f"{number} {state}" for state, number in workers.items() if number]
    seen = f" ({', '.join(known)}; last seen{_at(reason.get('seen_at'))})" if known else ""
    return f"No worker for queue {reason.get('base', reason.get('queue'))}{needs} is online{seen}."


def _worker(reason: Reason) -> str:
    lease = _at(reason.get("lease_until"))
    kept = (
        f"its lease has ended{lease} and the sweep will give it to another"
        if reason.get("lease_over")
        else f"lease until{lease}"
    )
    return (
        f"It runs on {reason.get('worker')} since{_at(reason.get('since'))}, attempt {reason.get('attempt')}; {kept}."
    )


def _budget(reason: Reason) -> str:
    if reason.get("state") == "reserved":
        return f"{reason.get('usd')} USD are set aside for {_count(reason.get('calls'), 'model call')} it makes."
    return f"A model call does not fit into the budget {reason.get('budget')}: somebody has to let it through."


def _approval(reason: Reason) -> str:
    quorum = reason.get("quorum") or 1
    have = f" ({reason.get('approvals')} of {quorum} have)" if quorum > 1 else ""
    heading = f" {reason['heading']!r}" if reason.get("heading") else ""
    until = _at(reason.get("until"), ", until ")
    return f"It waits for approval{heading} by somebody of role {reason.get('role')} or above{have}{until}."


def _retry(reason: Reason) -> str:
    return f"It has failed and is tried again{_at(reason.get('until'), ' at ')}, after attempt {reason.get('attempt')}."


def _loss(reason: Reason) -> str:
    return f"Its worker was lost; it begins again{_at(reason.get('until'), ' at ')}."


def _signal(reason: Reason) -> str:
    return f"It waits for the signal {reason.get('signal')!r}{_at(reason.get('until'), ', until ')}."


def _limit(reason: Reason) -> str:
    name = reason.get("name") or reason.get("pool") or reason.get("reason") or "a limit"
    holders: Sequence[Any] = reason.get("holders") or ()
    held = f"; held by {_count(len(holders), 'step')}" if holders else ""
    return f"It waits for room in {name}{held}{_at(reason.get('until'), ', looked at again at ')}."


_SENTENCES: Final[Mapping[str, Callable[[Reason], str]]] = {
    "waits_for_steps": _waits_for_steps,
    "paused": _paused,
    "ended": _ended,
    "gate": _gate,
    "backlog": _backlog,
    "sent": _sent,
    "no_worker": _no_worker,
    "worker": _worker,
    "budget": _budget,
    "approval": _approval,
    "retry": _retry,
    "loss": _loss,
    "signal": _signal,
    "limit": _limit,
    "rate": _limit,
    "timer": lambda reason: f"It waits{_at(reason.get('until'), ' until ')}.",
    "compensation": lambda _: "It undoes what the run has done, and begins only when the run fails.",
    "queued": lambda _: "The run has not been started yet.",
    "deciding": lambda _: "All before it has ended; what becomes of it is being decided this moment.",
}

CODES: Final = tuple(_SENTENCES)


def prediction_of(predicted: Mapping[str, Any] | None) -> str:
    """When a step is likely to begin, in a sentence; empty where there is nothing to say."""
    if predicted is None:
        return ""
    at = moment_of(predicted.get("at"))
    if at is None:
        return f"When it begins cannot be known: {_UNKNOWABLE.get(str(predicted.get('because')), predicted.get('because'))}."
    sure = {"high": "quite sure", "medium": "roughly", "low": "a guess"}.get(
        str(predicted.get("confidence")), "a guess"
    )
    return f"It is likely to begin at {at:%Y-%m-%d %H:%M:%S} UTC ({sure})."


_UNKNOWABLE: Final[Mapping[str, str]] = {
    "paused": "the run is paused",
    "no_worker": "no worker is online for it",
    "gate": "it depends on when those inside end",
    "approval": "it depends on a person",
    "signal": "it depends on a signal",
    "limit": "it depends on a limit",
    "compensation": "it begins only if the run fails",
    "unmeasured": "nothing like it has ended yet",
    "too_far": "too much is before it and no earlier run says",
}
