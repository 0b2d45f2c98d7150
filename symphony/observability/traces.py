"""One trace per run, made of its rows when it has ended: the run is the root, its steps are below it as they are in the run.

So a trace is complete whoever died meanwhile, the hot path knows nothing of it, and nothing has to be carried through the
broker: the trace's id is the execution's, and the ids of spans follow from what they are of.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event as SpanEvent
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from apps.core.origin import TRACEPARENT
from apps.executions.models import Event, Execution, Task

_TOLD: Final = frozenset(
    {"task_started", "task_retrying", "task_waiting", "task_lost", "task_handed_over", "error_occurred", "cache_hit"}
)
_ENDS_ATTEMPT: Final = frozenset({"task_retrying", "task_lost", "task_handed_over", "error_occurred"})
_SAMPLED: Final = TraceFlags(TraceFlags.SAMPLED)


def trace_id_of(execution_id: UUID) -> int:
    return execution_id.int


def span_id_of(what: str) -> int:
    """Never zero, which would be no span."""
    return int.from_bytes(hashlib.sha256(what.encode()).digest()[:8], "big") or 1


def is_sampled(execution_id: UUID, ratio: float) -> bool:
    """The same answer everywhere: it follows from the id. Its last bytes are random, the first are the time."""
    return (execution_id.int & 0xFFFFFFFF) < ratio * 0x100000000


class RunTrace:
    """The spans of one run. `resource` says what makes them."""

    def __init__(self, execution: Execution, resource: Resource) -> None:
        self._execution = execution
        self._resource = resource
        self._root = self._context(f"execution {execution.pk}")

    def _context(self, what: str) -> SpanContext:
        return SpanContext(trace_id_of(self._execution.pk), span_id_of(what), is_remote=False, trace_flags=_SAMPLED)

    def root(self, created: Mapping[str, Any]) -> ReadableSpan:
        """The run itself; `created` is what its first event says."""
        run = self._execution
        failed = run.status in ("failed", "timeout")
        attributes: dict[str, Any] = {
            "symphony.execution.id": str(run.pk),
            "symphony.organization.id": str(run.organization_id),
            "symphony.melody.id": str(run.melody_id),
            "symphony.version.id": str(run.version_id),
            "symphony.execution.status": run.status,
            "symphony.correlation_id": str(run.correlation_id),
            "symphony.retry_count": run.retry_count,
            "symphony.paused_seconds": run.paused_seconds,
        }
        if run.parent_execution_id:
            attributes["symphony.parent_execution.id"] = str(run.parent_execution_id)
        return ReadableSpan(
            name=f"run {run.melody.name}"[:200],
            context=self._root,
            resource=self._resource,
            kind=SpanKind.SERVER,
            attributes=attributes,
            events=[SpanEvent("started", timestamp=_ns(run.started_at))] if run.started_at else [],
            links=list(_links(created)),
            status=Status(StatusCode.ERROR, run.error_code or run.status) if failed else Status(StatusCode.OK),
            start_time=_ns(run.created_at),
            end_time=_ns(run.completed_at or run.updated_at),
        )

    def steps(self, tasks: Iterable[Task], told: Mapping[UUID | None, Sequence[Event]]) -> Iterator[ReadableSpan]:
        """Of each step that was ever begun a span, and one of each attempt where there were several."""
        for task in tasks:
            if task.started_at is not None:
                events = told.get(task.pk, ())
                yield self._step(task, events)
                yield from self._attempts(task, events)

    def _step(self, task: Task, events: Sequence[Event]) -> ReadableSpan:
        begun = min([event.occurred_at for event in events] + [task.started_at or task.created_at])
        released = min(task.dispatched_at or begun, begun)
        error: Any = task.error if isinstance(task.error, dict) else {}
        attributes: dict[str, Any] = {
            "symphony.execution.id": str(task.execution_id),
            "symphony.task.id": str(task.pk),
            "symphony.step.kind": task.kind,
            "symphony.step.status": task.status,
            "symphony.queue": task.queue,
            "symphony.queue_wait_seconds": round((begun - released).total_seconds(), 6),
            "symphony.attempts": task.attempt,
            "symphony.worker": task.worker or "",
        }
        if error.get("code"):
            attributes["error.type"] = str(error["code"])
        failed = task.status == "failed"
        return ReadableSpan(
            name=task.name[:200],
            context=self._context(f"task {task.pk}"),
            parent=self._context(f"task {task.parent_id}") if task.parent_id else self._root,
            resource=self._resource,
            kind=SpanKind.CONSUMER,
            attributes=attributes,
            events=[SpanEvent("released", timestamp=_ns(released)), *(_event(event) for event in events)],
            status=Status(StatusCode.ERROR, str(error.get("code", "failed"))) if failed else Status(StatusCode.UNSET),
            start_time=_ns(released),
            end_time=_ns(task.completed_at or self._execution.completed_at or begun),
        )

    def _attempts(self, task: Task, events: Sequence[Event]) -> Iterator[ReadableSpan]:
        starts = [event for event in events if event.event_type == "task_started"]
        if len(starts) < 2:
            return
        for number, start in enumerate(starts):
            following = starts[number + 1].occurred_at if number + 1 < len(starts) else task.completed_at
            ends = [
                event
                for event in events
                if event.event_type in _ENDS_ATTEMPT
                and start.occurred_at <= event.occurred_at
                and (following is None or event.occurred_at <= following)
            ]
            attempt = start.payload.get("attempt", number + 1)
            over = ends[0].occurred_at if ends else following or start.occurred_at
            yield ReadableSpan(
                name=f"attempt {attempt}",
                context=self._context(f"task {task.pk} attempt {attempt} {number}"),
                parent=self._context(f"task {task.pk}"),
                resource=self._resource,
                kind=SpanKind.INTERNAL,
                attributes={"symphony.task.id": str(task.pk), "symphony.attempt": attempt},
                status=Status(StatusCode.ERROR, ends[0].event_type) if ends else Status(StatusCode.UNSET),
                start_time=_ns(start.occurred_at),
                end_time=_ns(over),
            )


def by_task(events: Iterable[Event]) -> dict[UUID | None, list[Event]]:
    """What is told in traces of all that a run's events say, in order."""
    found: dict[UUID | None, list[Event]] = defaultdict(list)
    for event in events:
        if event.event_type in _TOLD:
            found[event.task_id].append(event)
    return found


def _event(event: Event) -> SpanEvent:
    """Names and codes only: messages of errors may hold what a tenant put in."""
    shown = {
        name: event.payload[name] for name in ("attempt", "for", "code", "reason", "until") if name in event.payload
    }
    attributes = {name: value for name, value in shown.items() if isinstance(value, str | int | float | bool)}
    return SpanEvent(event.event_type, attributes=attributes, timestamp=_ns(event.occurred_at))


def _links(created: Mapping[str, Any]) -> Iterator[Link]:
    """To the request that started the run, if its client traces."""
    found = TRACEPARENT.fullmatch(str(created.get("traceparent", "")))
    if found is not None:
        there = SpanContext(int(found[1], 16), int(found[2], 16), is_remote=True, trace_flags=_SAMPLED)
        yield Link(there, {"symphony.link": "request"})


def _ns(moment: datetime) -> int:
    return int(moment.timestamp() * 1_000_000) * 1000
