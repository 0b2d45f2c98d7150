"""What is released → Celery canvases: a linear run is a chain, a fork that meets again in one join a chord, the rest a
group. The look-ahead is bounded by the plan and every signature carries ids only.

A canvas proposes. Whether the next link or the body of a chord may start is decided by the ledger, whose counter is a
row in PostgreSQL; the worker that ended the last step before it lets Celery publish it, or drops it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from celery import chain, chord, current_app, group
from celery.canvas import Signature

from workers.compiler.plan import JOIN_KIND, Plan, PlanNode

STEP_TASK = "symphony.step"
LONGEST_LABEL = 120
RANK_HEADER = "rank"
"""Of a message: its task's rank, by which the process that takes it chooses what goes first."""


class Released(Protocol):
    """What canvases are made of; `apps.executions.ledger.Release` is one."""

    @property
    def task_id(self) -> UUID: ...
    @property
    def organization_id(self) -> UUID: ...
    @property
    def name(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def queue(self) -> str: ...
    @property
    def rank(self) -> float: ...
    @property
    def shift(self) -> int: ...
    @property
    def node(self) -> int: ...
    @property
    def ahead(self) -> Mapping[str, Any] | None: ...


@dataclass(frozen=True, slots=True)
class Link:
    """One message: a task of an organization, and the queue it goes to."""

    task_id: UUID
    organization_id: UUID
    queue: str
    label: str = ""
    rank: float = 0.0


@dataclass(frozen=True, slots=True)
class Chain:
    links: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class Chord:
    header: tuple[Link, ...]
    body: Link


@dataclass(frozen=True, slots=True)
class Group:
    members: tuple[Link | Chain, ...]


Canvas = Link | Chain | Chord | Group


def look_ahead(plan: Plan, node: PlanNode) -> dict[str, Any] | None:
    """What the plan lets a canvas carry behind or beside a node: `run` [[node, queue], …] or `meets` [node, queue,
    width]; and the `label` under which its messages are shown. None for what no message is ever sent for."""
    if node.kind == JOIN_KIND:
        return None
    ahead: dict[str, Any] = {"label": f"{plan.name} / {node.name}"[:LONGEST_LABEL]}
    if node.meets is not None:
        join = plan.nodes[node.meets]
        ahead["meets"] = [join.node, join.queue, join.open]
    elif node.run:
        ahead["run"] = [[number, plan.nodes[number].queue] for number in node.run]
    return ahead


def label_of(release: Released) -> str:
    """What operators see instead of the name all messages share. Plans of earlier versions have no label."""
    return str((release.ahead or {}).get("label") or f"{release.kind}:{release.name}"[:LONGEST_LABEL])


def compose(released: Sequence[Released]) -> list[Canvas]:
    """Chords where all siblings of a join are there, chains where a run follows, and one group of all that is single."""
    siblings: dict[tuple[int, int, int], list[Released]] = defaultdict(list)
    singles: list[Released] = []
    for release in released:
        meets = release.ahead and release.ahead.get("meets")
        if meets:
            siblings[release.task_id.int >> 32, release.shift, meets[0]].append(release)
        else:
            singles.append(release)
    canvases: list[Canvas] = []
    members: list[Link | Chain] = [_run(release) for release in singles]
    for brothers in siblings.values():
        node, queue, width = (brothers[0].ahead or {})["meets"]
        if len(brothers) == width:
            body = _ahead(brothers[0], node, queue)
            canvases.append(Chord(tuple(map(_link, brothers)), body))
        else:
            members.extend(map(_link, brothers))
    if len(members) == 1:
        canvases.append(members[0])
    elif members:
        canvases.append(Group(tuple(members)))
    return canvases


def _link(release: Released) -> Link:
    return Link(release.task_id, release.organization_id, release.queue, label_of(release), release.rank)


def _ahead(release: Released, node: int, queue: str) -> Link:
    """A task of the same frame that is not released yet: its id follows from its sequence number."""
    task_id = UUID(int=release.task_id.int >> 32 << 32 | release.shift + node)
    return Link(task_id, release.organization_id, queue)


def _run(release: Released) -> Link | Chain:
    run = (release.ahead or {}).get("run")
    if not run:
        return _link(release)
    return Chain((_link(release), *(_ahead(release, node, queue) for node, queue in run)))


def signatures(released: Sequence[Released]) -> list[Signature[Any]]:
    """The canvases as Celery sends them."""
    return [signature(canvas) for canvas in compose(released)]


def signature(canvas: Canvas) -> Signature[Any]:
    """One canvas as Celery knows it."""
    match canvas:
        case Link():
            return _signature(canvas)
        case Chain(links):
            return chain(*map(_signature, links))
        case Chord(header, body):
            return chord([_signature(link) for link in header], _signature(body))
        case Group(members):
            return group([signature(member) for member in members])


def _signature(link: Link) -> Signature[Any]:
    options: dict[str, Any] = {"task_id": str(link.task_id), "queue": link.queue}
    if link.rank:
        options["headers"] = {RANK_HEADER: link.rank}
    if link.label:
        options["shadow"] = link.label
    return current_app.signature(
        STEP_TASK, args=(str(link.organization_id), str(link.task_id)), immutable=True, options=options
    )
