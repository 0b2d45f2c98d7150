"""Following a run live: its events in order, none missed, none twice, and one poller however many listen.

Events come in the order (`position`, `id`), `position` being the id of the transaction that wrote them. What a
transaction still in flight may yet put before an event holds that event back; but not for ever, for that transaction is
most often somebody else's, and those of the ledger are short.
"""

from __future__ import annotations

import asyncio
import json
import logging
from bisect import bisect_right
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple, ParamSpec, TypeVar
from uuid import UUID

from django.db import Error, close_old_connections, connection

from apps.accounts.credentials import Credential, is_still_good
from apps.accounts.models import User
from apps.core.tenancy import acting_as
from apps.executions import lookups
from apps.executions.states import EXECUTION_TERMINAL, ExecutionStatus

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.25
HEARTBEAT_SECONDS = 15.0
RECHECK_SECONDS = 30.0
HELD_BACK_SECONDS = 5.0
"""Longest an event waits for transactions that began before its own."""
LATE_SECONDS = 0.75
"""Events nobody waits for are written in batches: the last ones come up to this long after a run's end."""
BATCH = 500
TAIL = 2000
"""Most events a poller keeps for its listeners; who is further behind reads from the database."""
THREADS: Final = 4

P = ParamSpec("P")
R = TypeVar("R")


class Cursor(NamedTuple):
    """The place of an event in its run's order, and its `id` in the stream."""

    position: int
    id: int

    def __str__(self) -> str:
        return f"{self.position}-{self.id}"


START: Final = Cursor(0, 0)
_LARGEST: Final = 2**63 - 1


def parse_cursor(text: str) -> Cursor | None:
    """`<position>-<event id>`, or None if it is nothing like that."""
    parts = text.strip().split("-")
    if len(parts) != 2 or not all(part.isascii() and part.isdigit() and len(part) < 20 for part in parts):
        return None
    cursor = Cursor(int(parts[0]), int(parts[1]))
    return cursor if max(cursor) <= _LARGEST else None


@dataclass(frozen=True, slots=True)
class FollowedEvent:
    """An event as a follower sees it."""

    cursor: Cursor
    type: str
    task_id: UUID | None
    task_name: str | None
    payload: dict[str, Any]
    occurred_at: datetime

    def as_json(self) -> dict[str, Any]:
        return {
            "id": self.cursor.id,
            "type": self.type,
            "task": None if self.task_id is None else str(self.task_id),
            "task_name": self.task_name,
            "payload": self.payload,
            "occurred_at": self.occurred_at.isoformat().replace("+00:00", "Z"),
        }

    def as_message(self) -> bytes:
        return message(self.type, self.as_json(), cursor=self.cursor)


def message(event: str, data: dict[str, Any], cursor: Cursor | None = None) -> bytes:
    """One server-sent event."""
    name = "".join(event.splitlines())
    mark = "" if cursor is None else f"id: {cursor}\n"
    return f"{mark}event: {name}\ndata: {json.dumps(data, ensure_ascii=False, separators=(',', ':'))}\n\n".encode()


@dataclass(frozen=True, slots=True)
class Batch:
    """Events after a cursor. `complete`: there were no more, and none is held back."""

    events: list[FollowedEvent]
    complete: bool


@dataclass(frozen=True, slots=True)
class RunState:
    """`final`: the run has ended, and long enough ago that its last events are written."""

    status: str
    final: bool


_SETTLED = """
    (e.position < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
     OR e.occurred_at < clock_timestamp() - make_interval(secs => %s))
"""
_READ = f"""
    SELECT e.position, e.id, e.event_type, e.task_id, t.name, e.payload::text, e.occurred_at, {_SETTLED}
    FROM executions_event e LEFT JOIN executions_task t ON t.id = e.task_id
    WHERE e.execution_id = %s AND (e.position, e.id) > (%s, %s)
    ORDER BY e.position, e.id LIMIT %s
"""
_NEWEST = f"""
    SELECT e.position, e.id FROM executions_event e WHERE e.execution_id = %s AND {_SETTLED}
    ORDER BY e.position DESC, e.id DESC LIMIT 1
"""
_STATE = """
    SELECT status, completed_at < clock_timestamp() - make_interval(secs => %s)
    FROM executions_execution WHERE id = %s
"""


def read(execution_id: UUID, after: Cursor) -> Batch:
    """The next events of a run, at most `BATCH`. Call it while acting as somebody who may see them."""
    events: list[FollowedEvent] = []
    with connection.cursor() as cursor:
        cursor.execute(_READ, [HELD_BACK_SECONDS, execution_id, *after, BATCH])
        rows = cursor.fetchall()
    for position, number, kind, task_id, name, payload, at, settled in rows:
        if not settled:
            return Batch(events, complete=False)
        events.append(FollowedEvent(Cursor(position, number), kind, task_id, name, json.loads(payload), at))
    return Batch(events, complete=len(rows) < BATCH)


def state(execution_id: UUID) -> RunState | None:
    """How the run is; None if it cannot be seen. Ask before reading: what ended it is read then, too."""
    with connection.cursor() as cursor:
        cursor.execute(_STATE, [LATE_SECONDS, execution_id])
        row = cursor.fetchone()
    if row is None:
        return None
    return RunState(row[0], final=ExecutionStatus(row[0]) in EXECUTION_TERMINAL and bool(row[1]))


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who listens: a user, by a credential or (None) by the session of a browser."""

    user_id: UUID
    credential: Credential | None = None


@dataclass(frozen=True, slots=True)
class _News:
    """What one look brought. `state` None: this viewer may not see the run any more."""

    state: RunState | None
    start: Cursor
    batch: Batch


def _look(viewer: Viewer, execution_id: UUID, after: Cursor | None) -> _News:
    """Without `after`: begin at the newest event there is."""
    with acting_as(viewer.user_id):
        now = state(execution_id)
        if now is None:
            return _News(None, START, Batch([], complete=False))
        start = _newest(execution_id) if after is None else after
        return _News(now, start, read(execution_id, start))


def _newest(execution_id: UUID) -> Cursor:
    with connection.cursor() as cursor:
        cursor.execute(_NEWEST, [execution_id, HELD_BACK_SECONDS])
        row = cursor.fetchone()
    return START if row is None else Cursor(*row)


def _read_as(viewer: Viewer, execution_id: UUID, after: Cursor) -> Batch:
    with acting_as(viewer.user_id):
        return read(execution_id, after)


def may_listen(viewer: Viewer, execution_id: UUID) -> bool:
    """Whether the user, the credential and the membership are still good."""
    with acting_as(viewer.user_id):
        user = User.objects.filter(pk=viewer.user_id, is_active=True).first()
        if user is None or not lookups.is_visible(actor=user, execution_id=execution_id):
            return False
        return viewer.credential is None or is_still_good(viewer.credential, user.pk)


_pool = ThreadPoolExecutor(THREADS, thread_name_prefix="symphony-stream")


async def in_pool(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Database work for a stream, on one of a few threads whose connections live on."""

    def work() -> R:
        close_old_connections()
        return function(*args, **kwargs)

    return await asyncio.get_running_loop().run_in_executor(_pool, work)


_Tail = list[tuple[Cursor, bytes]]


@dataclass(eq=False, slots=True)
class Channel:
    """One run and those who listen to it. The tail holds every event after `covered_from` up to `covered_to`."""

    execution_id: UUID
    listeners: Counter[Viewer] = field(default_factory=Counter)
    refused: set[Viewer] = field(default_factory=set)
    covered_from: Cursor | None = None
    covered_to: Cursor | None = None
    ended: str | None = None
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    _tail: _Tail = field(default_factory=list)
    _rechecked: float = 0.0

    def newer_than(self, cursor: Cursor) -> _Tail | None:
        """Events after the cursor; None if the tail does not reach back that far."""
        if self.covered_from is None or cursor < self.covered_from:
            return None
        return self._tail[bisect_right(self._tail, cursor, key=lambda entry: entry[0]) :][:BATCH]

    async def poll(self) -> None:
        """Runs while somebody listens, and to the end of the run at most."""
        self._rechecked = asyncio.get_running_loop().time()
        pause = POLL_SECONDS
        while self.ended is None:
            try:
                more = await self._look_once()
                await self._recheck()
                pause = 0 if more else POLL_SECONDS
            except Exception as error:  # noqa: BLE001 - whatever it is, those who listen must not wait for nothing
                pause = min(max(pause, POLL_SECONDS) * 2, HELD_BACK_SECONDS)
                logger.warning("events of execution %s cannot be read, trying again: %s", self.execution_id, error)
            await asyncio.sleep(pause)

    async def _look_once(self) -> bool:
        """Whether there is more to read at once."""
        viewer = next((one for one in self.listeners if one not in self.refused), None)
        if viewer is None:
            return False
        news = await in_pool(_look, viewer, self.execution_id, self.covered_to)
        if news.state is None:
            self._refuse(viewer)
            return True
        first = self.covered_to is None
        if self.covered_from is None:
            self.covered_from = self.covered_to = news.start
        self._append(news.batch.events)
        if news.state.final and news.batch.complete:
            self.ended = news.state.status
        if first or news.batch.events or self.ended is not None:
            self._tell()
        return len(news.batch.events) == BATCH

    def _append(self, events: list[FollowedEvent]) -> None:
        if not events:
            return
        self._tail.extend((event.cursor, event.as_message()) for event in events)
        self.covered_to = events[-1].cursor
        if len(self._tail) > 2 * TAIL:
            self.covered_from = self._tail[-TAIL - 1][0]
            del self._tail[:-TAIL]

    async def _recheck(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._rechecked < RECHECK_SECONDS:
            return
        self._rechecked = now
        for viewer in list(self.listeners):
            if viewer not in self.refused and not await in_pool(may_listen, viewer, self.execution_id):
                self._refuse(viewer)

    def _refuse(self, viewer: Viewer) -> None:
        self.refused.add(viewer)
        self._tell()

    def _tell(self) -> None:
        told, self.changed = self.changed, asyncio.Event()
        told.set()


class Hub:
    """The channels of this process."""

    def __init__(self) -> None:
        self._channels: dict[UUID, tuple[Channel, asyncio.Task[None]]] = {}

    def __len__(self) -> int:
        return len(self._channels)

    @contextmanager
    def listening(self, execution_id: UUID, viewer: Viewer) -> Iterator[Channel]:
        """The channel of a run; its poller runs until the last listener has left."""
        found = self._channels.get(execution_id)
        # An ended channel serves those it has; a run that was begun again gets a new one.
        if found is None or found[0].ended is not None:
            channel = Channel(execution_id)
            task = asyncio.get_running_loop().create_task(channel.poll(), name=f"follow {execution_id}")
            found = self._channels[execution_id] = (channel, task)
        channel, task = found
        channel.listeners[viewer] += 1
        channel.refused.discard(viewer)
        try:
            yield channel
        finally:
            channel.listeners[viewer] -= 1
            if channel.listeners[viewer] == 0:
                del channel.listeners[viewer]
            if not channel.listeners:
                task.cancel()
                if self._channels.get(execution_id) == found:
                    del self._channels[execution_id]


hub = Hub()


async def messages(execution_id: UUID, viewer: Viewer, after: Cursor) -> AsyncGenerator[bytes]:
    """What one client is sent, from `after` to the end of the run; it may stop listening at any time."""
    loop = asyncio.get_running_loop()
    yield b"retry: 1000\n\n"
    sent_at = loop.time()
    cursor = after
    with hub.listening(execution_id, viewer) as channel:
        while viewer not in channel.refused:
            changed = channel.changed
            try:
                entries, cursor, behind = await _next(channel, viewer, cursor)
            except Error as error:
                # The client asks again, and goes on where it was.
                logger.warning("a stream of execution %s broke off: %s", execution_id, error)
                return
            if entries:
                yield b"".join(text for _, text in entries)
                sent_at = loop.time()
            elif channel.ended is not None and channel.covered_to is not None and cursor >= channel.covered_to:
                yield message("end", {"execution": str(execution_id), "status": channel.ended})
                return
            elif loop.time() - sent_at >= HEARTBEAT_SECONDS:
                yield b": still running\n\n"
                sent_at = loop.time()
            else:
                silence = HEARTBEAT_SECONDS - (loop.time() - sent_at)
                await _wait(changed, min(silence, POLL_SECONDS) if behind else silence)


async def _next(channel: Channel, viewer: Viewer, cursor: Cursor) -> tuple[_Tail, Cursor, bool]:
    """Entries after the cursor, the cursor after them, and whether the tail is still out of reach."""
    entries = channel.newer_than(cursor)
    if entries is not None:
        return entries, entries[-1][0] if entries else cursor, False
    reachable = channel.covered_from
    batch = await in_pool(_read_as, viewer, channel.execution_id, cursor)
    if batch.events:
        return [(event.cursor, event.as_message()) for event in batch.events], batch.events[-1].cursor, False
    if batch.complete and reachable is not None:
        return [], max(cursor, reachable), True
    return [], cursor, True


async def _wait(changed: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(changed.wait(), max(seconds, 0.01))
    except TimeoutError:
        return
