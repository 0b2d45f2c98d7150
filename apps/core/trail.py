"""The trail: what people and programs did that somebody may ask about later.

Services of every app leave their traces here; `apps.audit` keeps them, in the same transaction. A trace says nothing
that must stay secret: `before` and `after` are what changed, and never hold passwords, tokens or values of secrets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any, Final
from uuid import UUID

from django.db.models import Model
from django.dispatch import Signal

traced: Final = Signal()
"""Sent with `action`, `actor_id`, `organization_id`, `target_type`, `target_id`, `target_name`, `before`, `after`, `correlation_id`."""

_later: ContextVar[list[Callable[[], Any]] | None] = ContextVar("symphony_later_traces", default=None)


def leave_trace(
    action: str,
    *,
    actor: Any = None,
    organization: Any = None,
    target: Model | None = None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
    correlation_id: UUID | str | None = None,
    even_if_undone: bool = False,
) -> None:
    """`action` is "<what>.<happened>": "membership.role_changed", "sign_in.failed". Call it where it was done, in its transaction.

    `actor` is a user or None for a program of our own; `organization` one or None for what belongs to nobody (a sign-in).
    `even_if_undone` is for what was refused: the trace is written when the request's transaction is over, however that
    ended. Outside a request it is written at once.
    """
    send = partial(
        traced.send,
        sender=None,
        action=action,
        actor_id=getattr(actor, "pk", None),
        organization_id=getattr(organization, "pk", None),
        target_type="" if target is None else target._meta.label_lower,  # noqa: SLF001 - public API, for all its name
        target_id="" if target is None else str(target.pk),
        target_name="" if target is None else str(target)[:200],
        before=dict(before or {}),
        after=dict(after or {}),
        correlation_id=correlation_id,
    )
    later = _later.get() if even_if_undone else None
    if later is None:
        send()
    else:
        later.append(send)


@contextmanager
def keeping_traces_for_later() -> Iterator[list[Callable[[], Any]]]:
    """Around a request: what `even_if_undone` was said of is in the list, to be called after the request's transaction."""
    kept: list[Callable[[], Any]] = []
    token = _later.set(kept)
    try:
        yield kept
    finally:
        _later.reset(token)
