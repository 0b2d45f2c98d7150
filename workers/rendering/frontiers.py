"""What would be sent to the broker, frontier by frontier, if each step succeeded.

A frontier is what becomes ready together. Messages that follow out of an earlier canvas (the next link of a chain, the
body of a chord) are published by Celery and so shown as carried, not sent again.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from celery import current_app

from workers.compiler.canvas import STEP_TASK, Canvas, Chain, Chord, Group, Link, compose, look_ahead, signature
from workers.compiler.plan import EDGE_CODES, JOIN_KIND, STRIPED, Plan, PlanNode

_RUN: Final = UUID("01234567-89ab-7def-8123-456700000000")
_OWNER: Final = UUID("01234567-89ab-7def-8123-456789abcdef")
_ENVELOPE: Final = {
    "content-encoding": "utf-8",
    "content-type": "application/json",
    "properties": {"delivery_mode": 2, "delivery_info": {"exchange": "", "routing_key": "steps"}, "priority": 0,
                   "body_encoding": "base64", "delivery_tag": str(_OWNER)},
}  # fmt: skip
"""What the Redis transport puts around a message."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A step that may start; to `compose` the same as the ledger's `Release`."""

    task_id: UUID
    organization_id: UUID
    name: str
    kind: str
    queue: str
    shift: int
    node: int
    ahead: dict[str, Any] | None
    rank: float = 0.0


@dataclass(slots=True)
class Frontier:
    """`sent` anew, and steps `carried` here by what was sent before."""

    sent: list[Canvas]
    carried: list[str]


@dataclass(slots=True)
class Part:
    """The melody's own steps, or one body of a composite step: what happens in each iteration or case of it."""

    title: str
    frontiers: list[Frontier] = field(default_factory=list)


def parts(plan: Plan) -> Iterator[Part]:
    yield Part("", list(_walk(plan, 0, plan.size)))
    for node in plan.nodes:
        for body in node.bodies:
            if body.size:
                title = f"inside {node.name}" + (f", {body.label}" if body.label else "")
                yield Part(title, list(_walk(plan, body.first, body.size)))


@dataclass(slots=True)
class _Count:
    """What a node knows of its predecessors, as the ledger counts it."""

    open: int
    met: int = 0
    neutral: int = 0


def _walk(plan: Plan, first: int, size: int) -> Iterator[Frontier]:
    nodes = plan.nodes[first : first + size]
    counts = {node.node: _Count(node.open) for node in nodes}
    covered: set[int] = set()
    ready = [node for node in nodes if node.open == 0]
    while ready:
        fresh = [_ready(plan, node) for node in ready if node.node not in covered]
        sent = compose(fresh)
        carried = [node.name for node in ready if node.node in covered]
        covered.update(link.task_id.int & 0xFFFFFFFF for canvas in sent for link in _links(canvas))
        if sent or carried:
            yield Frontier(sent, carried)
        ready = _follow(plan, counts, ready)


def _ready(plan: Plan, node: PlanNode) -> Ready:
    task_id = UUID(int=_RUN.int | node.node)
    return Ready(task_id, _OWNER, node.name, node.kind, node.queue, 0, node.node, look_ahead(plan, node))


def _follow(plan: Plan, counts: dict[int, _Count], done: Sequence[PlanNode]) -> list[PlanNode]:
    """What becomes ready when these steps have succeeded; steps that are not needed are skipped on the way."""
    ready: list[PlanNode] = []
    ended = [(node, False) for node in done]
    while ended:
        node, skipped = ended.pop(0)
        for number, code in zip(node.successors, node.edge_on, strict=True):
            target, count = plan.nodes[number], counts.get(number)
            if count is None:
                continue
            count.open -= 1
            count.met += _is_met(code % STRIPED, skipped=skipped)
            count.neutral += skipped and code % STRIPED == EDGE_CODES["success"]
            verdict = _verdict(target, count)
            if verdict is not None:
                del counts[number]
                if target.kind == JOIN_KIND:
                    continue
                if verdict:
                    ready.append(target)
                else:
                    ended.append((target, True))
    return sorted(ready, key=lambda node: -node.rank)


def _is_met(code: int, *, skipped: bool) -> bool:
    if code in (EDGE_CODES["done"], EDGE_CODES["order"]):
        return True
    return code == EDGE_CODES["skipped" if skipped else "success"]


def _verdict(node: PlanNode, count: _Count) -> bool | None:
    """True: it starts; False: it is skipped; None: not decided yet. As `ledger_verdict`, when nothing fails."""
    if node.need < node.open and count.met >= node.need:
        return True
    if count.open > 0:
        return None
    return count.met + count.neutral >= node.need and not (node.wants > 0 and count.neutral == node.wants)


def _links(canvas: Canvas) -> Iterator[Link]:
    match canvas:
        case Link():
            yield canvas
        case Chain(links):
            yield from links
        case Chord(header, body):
            yield from (*header, body)
        case Group(members):
            for member in members:
                yield from _links(member)


def as_lines(plan: Plan, canvas: Canvas, indent: str = "") -> Iterator[str]:
    """The canvas, nested as Celery nests it, with the bytes each message takes in a Redis broker."""
    match canvas:
        case Link():
            yield f"{indent}{_name(plan, canvas)}  [{canvas.queue}, {message_bytes(canvas):,} bytes]"
        case Chain(links):
            yield f"{indent}chain  [{links[0].queue}, {message_bytes(canvas):,} bytes]"
            yield from (f"{indent}  {_name(plan, link)}" for link in links)
        case Chord(header, body):
            yield f"{indent}chord, joined in PostgreSQL"
            for link in header:
                yield f"{indent}  {_name(plan, link)}  [{link.queue}, {message_bytes(link, chord=body):,} bytes]"
            yield f"{indent}  then {_name(plan, body)}  [{body.queue}]"
        case Group(members):
            yield f"{indent}group"
            for member in members:
                yield from as_lines(plan, member, indent + "  ")


def as_json(plan: Plan, canvas: Canvas) -> dict[str, Any]:
    match canvas:
        case Link():
            return {"step": _name(plan, canvas), "queue": canvas.queue, "bytes": message_bytes(canvas)}
        case Chain(links):
            return {"chain": [_name(plan, link) for link in links], "bytes": message_bytes(canvas)}
        case Chord(header, body):
            messages = [
                {"step": _name(plan, link), "queue": link.queue, "bytes": message_bytes(link, chord=body)}
                for link in header
            ]
            return {"chord": messages, "then": _name(plan, body)}
        case Group(members):
            return {"group": [as_json(plan, member) for member in members]}


def _name(plan: Plan, link: Link) -> str:
    return plan.nodes[link.task_id.int & 0xFFFFFFFF].name


def message_bytes(message: Link | Chain, chord: Link | None = None) -> int:
    """Bytes of one message in a Redis broker: its own and what it carries."""
    links = (message,) if isinstance(message, Link) else message.links
    first = links[0]
    sent = current_app.amqp.as_task_v2(
        str(first.task_id),
        STEP_TASK,
        args=(str(first.organization_id), str(first.task_id)),
        kwargs={},
        shadow=first.label or None,
        chain=[dict(signature(link)) for link in reversed(links[1:])] or None,
        chord=None if chord is None else dict(signature(chord)),
        ignore_result=True,
    )
    body = base64.b64encode(json.dumps(sent.body).encode()).decode()
    return len(json.dumps({"body": body, "headers": sent.headers, **_ENVELOPE, "more": sent.properties}))
