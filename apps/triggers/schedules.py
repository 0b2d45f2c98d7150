"""When a cron trigger is due. Pure: moments come in and go out in UTC, expressions speak of local time.

Daylight saving is handled as Debian's cron does, and as people expect: a job at a fixed time that the clock jumps over
runs at once after the jump; one that the clock shows twice runs the first time only. A job with `*` in minutes or hours
follows real time: every hour stays every hour.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from heapq import merge
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from apps.triggers.kinds import Misfire

LONGEST_EXPRESSION: Final = 200
MOST_EXPRESSIONS: Final = 20
MOST_LOOKED_BACK: Final = 1000
"""Due times that are looked at when nobody was there to fire them."""
EARLIEST: Final = datetime(1970, 1, 2, tzinfo=UTC)
LATEST: Final = datetime(2199, 1, 1, tzinfo=UTC)
ALIASES: Final = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_MINUTE: Final = timedelta(minutes=1)
_ZONE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+){0,3}")


class ScheduleError(ValueError):
    """`place` is the index of the expression at fault, None when it is the time zone."""

    def __init__(self, message: str, place: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.place = place


@dataclass(frozen=True, slots=True)
class Schedule:
    """Due whenever one of the expressions is, from `starts_at` on, and before `ends_at`."""

    expressions: tuple[str, ...]
    zone: ZoneInfo
    starts_at: datetime | None = None
    ends_at: datetime | None = None

    def next_after(self, moment: datetime) -> datetime | None:
        """The first due time later than `moment`."""
        return next(self.after(moment), None)

    def after(self, moment: datetime) -> Iterator[datetime]:
        """Due times later than `moment`, in their order, each once."""
        if self.starts_at is not None and self.starts_at > moment:
            moment = self.starts_at - timedelta(microseconds=1)
        if moment >= LATEST:
            return
        last = moment = max(moment, EARLIEST)
        for due in merge(*(_times(each, moment, self.zone) for each in self.expressions)):
            if due >= LATEST or (self.ends_at is not None and due >= self.ends_at):
                return
            if due > last:
                last = due
                yield due

    def before(self, moment: datetime) -> Iterator[datetime]:
        """Due times not later than `moment`, the latest first, each once."""
        if self.ends_at is not None and self.ends_at <= moment:
            moment = self.ends_at - timedelta(microseconds=1)
        last: datetime | None = None
        # What goes backwards leaves out where it starts.
        beyond = min(moment, LATEST).replace(second=0, microsecond=0) + _MINUTE
        times = (_times(each, beyond, self.zone, back=True) for each in self.expressions)
        for due in merge(*times, reverse=True):
            if due < EARLIEST or (self.starts_at is not None and due < self.starts_at):
                return
            if due <= moment and due != last:
                last = due
                yield due

    def between(self, since: datetime, until: datetime, most: int) -> list[datetime]:
        """Due times from `since` on, and before `until`; the first `most` of them."""
        found: list[datetime] = []
        for due in self.after(since - timedelta(microseconds=1)):
            if due >= until or len(found) == most:
                break
            found.append(due)
        return found


@dataclass(frozen=True, slots=True)
class Due:
    """`fire`: in their order. `missed`: due times that are let go (at least so many)."""

    fire: tuple[datetime, ...]
    missed: int


def schedule(
    expressions: Sequence[str], zone: str, starts_at: datetime | None = None, ends_at: datetime | None = None
) -> Schedule:
    """Raises ScheduleError."""
    if not 0 < len(expressions) <= MOST_EXPRESSIONS:
        raise ScheduleError(f"A schedule has 1 to {MOST_EXPRESSIONS} cron expressions.")
    found = tuple(_checked(expression, place) for place, expression in enumerate(expressions))
    return Schedule(found, zone_named(zone), starts_at, ends_at)


def zone_named(name: str) -> ZoneInfo:
    if len(name) > 60 or not _ZONE.fullmatch(name):
        raise ScheduleError(f"{name[:60]!r} is not the name of a time zone; write it as `Europe/Berlin` or `UTC`.")
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ScheduleError(f"There is no time zone {name!r}; write it as `Europe/Berlin` or `UTC`.") from None


def due_now(plan: Schedule, *, since: datetime, now: datetime, grace: timedelta, policy: Misfire, most: int) -> Due:
    """What is to fire of the due times from `since` to `now`; later than `grace` is a misfire.

    `most` bounds how many misfires `fire_all` makes up for: the newest ones are.
    """
    times: list[datetime] = []
    for due in plan.before(now):
        if due < since or len(times) == MOST_LOOKED_BACK + most:
            break
        times.append(due)
    times.reverse()
    on_time = [due for due in times if now - due <= grace]
    late = times[: len(times) - len(on_time)]
    kept: list[datetime] = []
    if policy == Misfire.FIRE_ALL:
        kept = late[-most:] if most else []
    elif policy == Misfire.FIRE_ONCE and not on_time:
        kept = late[-1:]
    return Due((*kept, *on_time), len(late) - len(kept))


def _checked(expression: str, place: int) -> str:
    text = " ".join(expression.split())
    if len(text) > LONGEST_EXPRESSION or not text.isascii():
        raise ScheduleError(f"A cron expression has at most {LONGEST_EXPRESSION} ASCII characters.", place)
    if text.startswith("@"):
        if text.lower() not in ALIASES:
            raise ScheduleError(f"{text!r} is no alias; there are {', '.join(ALIASES)}.", place)
        return ALIASES[text.lower()]
    if len(text.split()) != 5:
        raise ScheduleError(
            f"{text!r} has not 5 fields: minute, hour, day of the month, month, day of the week.", place
        )
    try:
        CronSim(text, EARLIEST)
    except CronSimError as error:
        raise ScheduleError(f"{text!r} is no cron expression: {str(error).lower()}.", place) from None
    return text


def _times(expression: str, moment: datetime, zone: ZoneInfo, *, back: bool = False) -> Iterator[datetime]:
    for local in CronSim(expression, moment.astimezone(zone), reverse=back):
        yield local.astimezone(UTC)


def cron_key(due: datetime) -> str:
    """What a due time is fired once under, by the schedule or by a backfill."""
    return f"cron:{due.astimezone(UTC):%Y-%m-%dT%H:%M}Z"


def jittered(due: datetime, seconds: int, identity: bytes) -> datetime:
    """A moment within `seconds` after the due time: the same for the same trigger and time, whoever asks."""
    if not seconds:
        return due
    digest = hashlib.blake2b(identity + cron_key(due).encode(), digest_size=8).digest()
    return due + timedelta(seconds=seconds * int.from_bytes(digest, "big") / 2**64)
