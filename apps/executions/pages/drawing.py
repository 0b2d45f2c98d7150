"""The graph of a version, placed once and kept; and how it looks for one run just now."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from uuid import UUID

from django.db import connection

from apps.executions.models import Execution
from apps.executions.pages.grouping import Arrow, Box, Link, Step, group_steps
from apps.executions.pages.layout import Placed, Route, lay_out
from apps.executions.queries import first_task_id, graph, last_task_id
from apps.executions.states import COMPENSATION_KIND, JOIN_KIND, TaskStatus

Counts = Mapping[str, int]

BAR_ORDER = ("completed", "failed", "cancelled", "skipped", "executing", "waiting", "dispatched", "pending")
"""Of the parts of a state bar, and of the legend."""

_EDGES = ("success", "failure", "skipped", "done", "order")
_STRIPED = 8
"""The plan adds this to the number of an edge that is counted in stripes."""
_CONDITIONS = {"failure": "if failed", "skipped": "if skipped", "done": "always"}
_UNSEEN = [JOIN_KIND, COMPENSATION_KIND]
"""Nothing leads to them in the picture of a melody."""
_STEP_HEIGHT = 66.0
_GROUP_HEIGHT = 80.0
_BAR_LEFT, _BAR_WIDTH = 12.0, 176.0
_LEAST_PART = 2.0
"""One failure among thousands must be seen."""
_LABEL_COLUMNS = 20
_DETAIL_COLUMNS = 25
_WORDS_COLUMNS = 22
"""Longer words leave no room for a time beside them."""


@dataclass(frozen=True, slots=True)
class PictureBox:
    """A box with its place. `title` is cut to what fits, `full_title` is not."""

    box: Box
    place: Placed
    title: str
    full_title: str
    detail: str

    @property
    def is_group(self) -> bool:
        return len(self.box.members) > 1

    @property
    def has_bar(self) -> bool:
        return self.is_group or self.box.composite

    def ranges(self) -> list[list[int]]:
        """The members as [first, last] pairs."""
        found: list[list[int]] = []
        for node in self.box.members:
            if found and found[-1][1] == node - 1:
                found[-1][1] = node
            else:
                found.append([node, node])
        return found


@dataclass(frozen=True, slots=True)
class PictureLine:
    route: Route
    arrow: Arrow

    @property
    def label(self) -> str:
        """Nothing for the usual case: everything went well before."""
        return "" if self.arrow.plain else " or ".join(_CONDITIONS[on] for on in self.arrow.on)


@dataclass(frozen=True, slots=True)
class Picture:
    """What is drawn of a version. `box_of` leads from any node of the plan, inner ones too, to the key of its box."""

    boxes: tuple[PictureBox, ...]
    lines: tuple[PictureLine, ...]
    width: float
    height: float
    box_of: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Part:
    """One coloured piece of a state bar."""

    status: str
    count: int
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class PaintedBox:
    """A box with its state; `parts` is empty where there is no bar."""

    drawn: PictureBox
    status: str
    words: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Tally:
    """The tasks of one box: its own steps, and what runs inside them."""

    own: Counts
    inner: Counts
    started_at: datetime | None
    completed_at: datetime | None


def picture_of(execution: Execution) -> Picture:
    """The caller has made sure that the execution may be seen."""
    return _picture(execution.version_id)


@lru_cache(maxsize=64)
def _picture(version_id: UUID) -> Picture:
    """Versions are immutable, so are their pictures."""
    rows = graph(Execution(version_id=version_id))
    parents: dict[int, int | None] = {row["node"]: row["parent"] for row in rows}
    composite = {parent for parent in parents.values() if parent is not None}
    outer = [row for row in rows if row["parent"] is None and row["kind"] not in _UNSEEN]
    steps = [Step(row["node"], row["name"], row["kind"], row["node"] in composite) for row in outer]
    links = [
        Link(row["node"], target, _EDGES[on % _STRIPED])
        for row in outer
        for target, on in zip(row["successors"], row["edge_on"], strict=True)
    ]
    boxes, arrows = group_steps(steps, links)
    heights = {box.key: _GROUP_HEIGHT if len(box.members) > 1 or box.composite else _STEP_HEIGHT for box in boxes}
    layout = lay_out(heights, [(arrow.source, arrow.target) for arrow in arrows])
    return Picture(
        tuple(_titled(box, place) for box, place in zip(boxes, layout.boxes, strict=True)),
        tuple(PictureLine(route, arrow) for route, arrow in zip(layout.routes, arrows, strict=True)),
        layout.width,
        layout.height,
        _boxes_of_nodes(boxes, parents),
    )


def _boxes_of_nodes(boxes: Iterable[Box], parents: Mapping[int, int | None]) -> dict[int, int]:
    box_of = {node: box.key for box in boxes for node in box.members}
    # A node's parent has a lower number: bodies are numbered after the steps that hold them.
    for node, parent in sorted(parents.items()):
        if parent is not None and parent in box_of:
            box_of[node] = box_of[parent]
    return box_of


def _titled(box: Box, place: Placed) -> PictureBox:
    if len(box.members) == 1:
        return PictureBox(
            box, place, shortened(box.name, _LABEL_COLUMNS), box.name, shortened(box.kind, _DETAIL_COLUMNS)
        )
    title = f"×{len(box.members)} {box.kind or 'steps'}"
    return PictureBox(box, place, shortened(title, _LABEL_COLUMNS), title, shortened(box.name, _DETAIL_COLUMNS))


def shortened(text: str, columns: int) -> str:
    """Cut in the middle, where names differ least; East Asian characters take two columns."""
    widths = [2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text]
    if sum(widths) <= columns:
        return text
    tail, used = len(text), 0
    while used + widths[tail - 1] <= columns // 3:
        tail -= 1
        used += widths[tail]
    head = 0
    while used + widths[head] < columns:
        used += widths[head]
        head += 1
    return f"{text[:head]}…{text[tail:]}"


def tallies(execution: Execution, picture: Picture) -> dict[int, Tally]:
    """What became of the tasks, by the key of their box; one query."""
    own: dict[int, dict[str, int]] = {drawn.box.key: {} for drawn in picture.boxes}
    inner: dict[int, dict[str, int]] = {key: {} for key in own}
    started: dict[int, datetime] = {}
    completed: dict[int, datetime] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT node, parent_id IS NULL, status, count(*), min(started_at), max(completed_at) FROM executions_task"
            " WHERE id >= %s AND id <= %s AND version_id = %s AND kind <> ALL (%s) GROUP BY 1, 2, 3",
            [first_task_id(execution.id), last_task_id(execution.id), execution.version_id, _UNSEEN],
        )
        for node, is_outer, status, count, start, end in cursor.fetchall():
            key = picture.box_of[node]
            counts = (own if is_outer else inner)[key]
            counts[status] = counts.get(status, 0) + count
            if start is not None:
                started[key] = min(start, started.get(key, start))
            if end is not None:
                completed[key] = max(end, completed.get(key, end))
    return {key: Tally(own[key], inner[key], started.get(key), completed.get(key)) for key in own}


def painted(picture: Picture, found: Mapping[int, Tally]) -> list[PaintedBox]:
    """The boxes as they look now."""
    return [_painted(drawn, found[drawn.box.key]) for drawn in picture.boxes]


def _painted(drawn: PictureBox, tally: Tally) -> PaintedBox:
    status = overall(tally.own)
    if not drawn.has_bar:
        return PaintedBox(drawn, status, _with_time(status, tally), ())
    counts = tally.inner if drawn.box.composite and not drawn.is_group else tally.own
    return PaintedBox(drawn, status, _with_time(progress(counts) or status, tally), tuple(bar(counts)))


def overall(counts: Counts) -> str:
    """One word for many tasks: the most pressing one."""
    if not any(counts.values()):
        return TaskStatus.PENDING
    for status in ("failed", "executing", "dispatched", "waiting"):
        if counts.get(status):
            return status
    ended = sum(counts.get(status, 0) for status in ("completed", "skipped", "cancelled"))
    if counts.get("pending"):
        return TaskStatus.WAITING if ended else TaskStatus.PENDING
    return next(status for status in ("cancelled", "completed", "skipped") if counts.get(status))


def progress(counts: Counts) -> str:
    """`12/40 done, 1 failed`; "" when there is nothing to count."""
    total = sum(counts.values())
    if not total:
        return ""
    done = counts.get("completed", 0) + counts.get("skipped", 0)
    worst = next((f", {counts[status]} {status}" for status in ("failed", "cancelled") if counts.get(status)), "")
    return f"{done}/{total} done{worst}"


def bar(counts: Counts) -> Iterable[Part]:
    """The parts of a bar of 176 pixels, 12 from the left, in `BAR_ORDER`."""
    total = sum(counts.values())
    room = _BAR_WIDTH - _LEAST_PART * sum(1 for count in counts.values() if count)
    x = _BAR_LEFT
    for status in BAR_ORDER:
        count = counts.get(status, 0)
        if count:
            width = _LEAST_PART + room * count / total
            yield Part(status, count, round(x, 2), round(width, 2))
            x += width


def _with_time(words: str, tally: Tally) -> str:
    if tally.started_at is None or tally.completed_at is None or overall(tally.own) not in ("completed", "failed"):
        return words
    if len(words) > _WORDS_COLUMNS:
        return words
    return f"{words} · {duration((tally.completed_at - tally.started_at).total_seconds())}"


def duration(seconds: float) -> str:
    """`83 ms`, `4.2 s`, `3 m 05 s`, `2 h 07 m`."""
    if seconds < 0.9995:
        return f"{max(0, round(seconds * 1000))} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} m {rest:02} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02} m"


def described(picture: Picture) -> list[dict[str, object]]:
    """The boxes as the page's script needs them."""
    return [
        {
            "key": drawn.box.key,
            "title": drawn.full_title,
            "lane": f"×{len(drawn.box.members)} {drawn.box.name or 'steps'}" if drawn.is_group else drawn.box.name,
            "kind": drawn.box.kind,
            "members": drawn.ranges(),
            "group": drawn.is_group,
            "composite": drawn.box.composite,
        }
        for drawn in picture.boxes
    ]


def total_counts(found: Sequence[Tally]) -> dict[str, int]:
    """All tasks by status, in `BAR_ORDER`, those inside composite steps too; every status is there."""
    return {
        status: sum(tally.own.get(status, 0) + tally.inner.get(status, 0) for tally in found) for status in BAR_ORDER
    }
