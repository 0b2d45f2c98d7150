"""When cron triggers are due, above all when the clock is set forward or back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import given
from hypothesis import strategies as st

from apps.triggers.kinds import Misfire
from apps.triggers.schedules import (
    MOST_LOOKED_BACK,
    ScheduleError,
    cron_key,
    due_now,
    jittered,
    schedule,
    zone_named,
)

ZONES = (
    "UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Apia", "America/Sao_Paulo",
)  # fmt: skip
WILD = ("* * * * *", "*/15 * * * *", "5 * * * *", "*/7 */3 * * *", "0 */2 * * 1-5", "@hourly")
FIXED = (
    "30 2 * * *",
    "0 0 * * *",
    "15 1-3 * * *",
    "0 9 1 * *",
    "45 1 L * *",
    "0 2 * * 0#5",
    "@daily",
    "0,30 2,3 * * sun",
)
moments = st.datetimes(
    min_value=datetime(1990, 1, 1),  # noqa: DTZ001 - hypothesis wants it so, and adds the zone
    max_value=datetime(2100, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)


def due(expression: str, zone: str, after: str, count: int) -> list[str]:
    plan = schedule([expression], zone)
    local = ZoneInfo(zone)
    times = islice(plan.after(datetime.fromisoformat(after).astimezone(UTC)), count)
    return [f"{time.astimezone(local):%d %H:%M%z}" for time in times]


def test_a_time_that_the_clock_jumps_over_comes_right_after_the_jump() -> None:
    assert due("30 2 * * *", "Europe/Berlin", "2026-03-28T12:00+01:00", 2) == ["29 03:00+0200", "30 02:30+0200"]


def test_several_times_that_the_clock_jumps_over_come_once() -> None:
    found = due("0,15,30 2,3 * * *", "Europe/Berlin", "2026-03-28T12:00+01:00", 4)
    assert found == ["29 03:00+0200", "29 03:15+0200", "29 03:30+0200", "30 02:00+0200"]


def test_a_time_that_the_clock_shows_twice_comes_the_first_time_only() -> None:
    found = due("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00+02:00", 2)
    assert found == ["25 02:30+0200", "26 02:30+0100"]


def test_between_the_two_the_second_does_not_count() -> None:
    assert due("30 2 * * *", "Europe/Berlin", "2026-10-25T02:45+02:00", 1) == ["26 02:30+0100"]


def test_every_hour_stays_every_hour() -> None:
    back = due("0 * * * *", "Europe/Berlin", "2026-10-25T01:30+02:00", 3)
    forward = due("0 * * * *", "Europe/Berlin", "2026-03-29T00:30+01:00", 3)
    assert back == ["25 02:00+0200", "25 02:00+0100", "25 03:00+0100"]
    assert forward == ["29 01:00+0100", "29 03:00+0200", "29 04:00+0200"]


def test_a_day_that_a_zone_leaves_out_is_made_up_for_after_it() -> None:
    assert due("0 0 * * *", "Pacific/Apia", "2011-12-29T00:30-10:00", 2) == ["31 00:00+1400", "01 00:00+1400"]


def test_half_an_hour_is_jumped_over_too() -> None:
    assert due("15 2 * * *", "Australia/Lord_Howe", "2026-10-03T12:00+10:30", 2) == ["04 02:30+1100", "05 02:15+1100"]


@given(st.sampled_from(WILD + FIXED), st.sampled_from(ZONES), moments)
def test_due_times_increase_and_are_found_again_backwards(expression: str, zone: str, moment: datetime) -> None:
    plan = schedule([expression], zone)
    times = list(islice(plan.after(moment), 12))
    assert all(earlier < later for earlier, later in pairwise(times))
    assert times[0] > moment
    back = [time for time in islice(plan.before(times[-1]), 12) if time > moment]
    assert back[::-1] == times


@given(st.sampled_from(WILD + FIXED), st.sampled_from(ZONES), moments)
def test_each_is_what_the_expression_says_in_local_time(expression: str, zone: str, moment: datetime) -> None:
    plan, local = schedule([expression], zone), ZoneInfo(zone)
    (written,) = plan.expressions
    for time in islice(plan.after(moment), 8):
        shown = time.astimezone(local).replace(tzinfo=None)
        wanted = next(CronSim(written, shown - timedelta(minutes=1)))
        jumped = (time - timedelta(seconds=1)).astimezone(local).utcoffset() != time.astimezone(local).utcoffset()
        # Only the first moment after a jump may stand for a time that the clock did not show.
        assert wanted == shown or jumped


@given(st.lists(st.sampled_from(WILD + FIXED), min_size=1, max_size=4), st.sampled_from(ZONES), moments)
def test_several_expressions_are_the_union_of_each(expressions: list[str], zone: str, moment: datetime) -> None:
    until = moment + timedelta(days=2)
    whole = schedule(expressions, zone).between(moment, until, 100_000)
    each = {time for one in expressions for time in schedule([one], zone).between(moment, until, 100_000)}
    assert whole == sorted(each)


@given(
    st.sampled_from((*FIXED, "*/15 * * * *")),
    st.sampled_from(ZONES),
    moments,
    st.integers(0, 60 * 24 * 3),
    st.sampled_from(list(Misfire)),
    st.integers(0, 20),
)
def test_nothing_of_what_was_due_is_unaccounted_for(
    expression: str, zone: str, moment: datetime, minutes: int, policy: Misfire, most: int
) -> None:
    plan = schedule([expression], zone)
    since = plan.next_after(moment)
    assert since is not None
    now = since + timedelta(minutes=minutes)
    found = due_now(plan, since=since, now=now, grace=timedelta(seconds=60), policy=policy, most=most)
    times = plan.between(since, now + timedelta(microseconds=1), 100_000)
    assert len(found.fire) + found.missed == len(times)
    assert list(found.fire) == times[len(times) - len(found.fire) :]
    on_time = [time for time in times if now - time <= timedelta(seconds=60)]
    late = len(found.fire) - len(on_time)
    assert late <= {Misfire.SKIP: 0, Misfire.FIRE_ONCE: 1, Misfire.FIRE_ALL: most}[policy]


def test_years_of_silence_are_looked_at_for_a_moment_only() -> None:
    plan = schedule(["* * * * *"], "UTC")
    since, now = datetime(2020, 1, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)
    found = due_now(plan, since=since, now=now, grace=timedelta(0), policy=Misfire.FIRE_ALL, most=5)
    assert len(found.fire) == 5 + 1
    assert found.fire[-1] == now
    assert found.missed >= MOST_LOOKED_BACK - 5


def test_it_is_due_from_its_start_until_its_end() -> None:
    starts, ends = datetime(2030, 1, 2, tzinfo=UTC), datetime(2030, 1, 4, tzinfo=UTC)
    plan = schedule(["@daily"], "UTC", starts, ends)
    assert list(plan.after(datetime(2029, 1, 1, tzinfo=UTC))) == [starts, starts + timedelta(days=1)]
    assert list(plan.before(datetime(2031, 1, 1, tzinfo=UTC))) == [starts + timedelta(days=1), starts]
    assert plan.next_after(ends) is None


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("* * * *", "5 fields"),
        ("* * * * * *", "5 fields"),
        ("60 * * * *", "minute"),
        ("* * 31 2 *", "day-of-month"),
        ("*/0 * * * *", "minute"),
        ("@fortnightly", "@weekly"),
        ("* * * * mon\0", "day-of-week"),
        ("0 0 ١ * *", "ASCII"),
        ("1," * 200 + "1 * * * *", "200"),
        ("", "5 fields"),
    ],
)
def test_what_is_no_expression_is_refused_with_its_place(expression: str, told: str) -> None:
    with pytest.raises(ScheduleError) as error:
        schedule(["@daily", expression], "UTC")
    assert told in error.value.message
    assert error.value.place == 1


@pytest.mark.parametrize(
    "name", ["", "Mars/Olympus", "../../etc/passwd", "/etc/localtime", "Europe/Berlin\0", "x" * 80]
)
def test_what_is_no_time_zone_is_refused(name: str) -> None:
    with pytest.raises(ScheduleError, match="Europe/Berlin"):
        zone_named(name)


@given(moments, st.integers(0, 86_400), st.binary(min_size=16, max_size=16))
def test_jitter_is_the_same_for_whoever_asks(moment: datetime, seconds: int, identity: bytes) -> None:
    moved = jittered(moment, seconds, identity)
    assert moved == jittered(moment, seconds, identity)
    assert moment <= moved <= moment + timedelta(seconds=seconds)


def test_a_due_time_has_one_key_in_every_zone() -> None:
    moment = datetime(2030, 6, 1, 12, tzinfo=UTC)
    assert cron_key(moment) == cron_key(moment.astimezone(ZoneInfo("Asia/Kolkata"))) == "cron:2030-06-01T12:00Z"
