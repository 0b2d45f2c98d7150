"""What `melody` says of arguments it cannot read."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone

import pytest
from django.core.management import CommandError, call_command, get_commands, load_command_class

from workers.management.melody.moments import moment

OURS = ("apps.", "workers", "symphony")


def of(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:
        yield action
        if isinstance(action, argparse._SubParsersAction):
            for sub in action.choices.values():
                yield from of(sub)


def test_no_refusal_names_a_function_of_ours() -> None:
    """argparse says `invalid NAME value` where a type raises ValueError: UUID and int tell people something."""
    commands = {name: app for name, app in get_commands().items() if str(app).startswith(OURS)}
    assert {"melody", "audit", "up"} <= commands.keys()
    for name, app in commands.items():
        for action in of(load_command_class(str(app), name).create_parser("manage.py", name)):
            if action.type in (None, int, float):
                continue
            try:
                assert callable(action.type)
                action.type("\0 no such thing")
            except argparse.ArgumentTypeError:
                continue
            except ValueError:
                assert isinstance(action.type, type), f"{name}: {action.option_strings or action.dest}"


@pytest.mark.parametrize(
    "words",
    [
        ("bulk", "retry", "--created-after", "yesterday"),
        ("bulk", "retry", "--created-before", "31.01.2026"),
        ("trigger", "preview", "--cron", "@daily", "--after", "tomorrow"),
        ("trigger", "backfill", "nightly", "2026-13-01", "2026-02-01"),
        ("trigger", "backfill", "nightly", "2026-01-01", "0001-01-01T00:00+14:00"),
    ],
)
def test_what_is_no_moment_is_told_with_an_example(words: tuple[str, ...]) -> None:
    with pytest.raises(CommandError, match=r"is no moment.* 2026-01-31 or 2026-01-31T08:00:00\+01:00"):
        call_command("melody", *words)


@pytest.mark.parametrize("count", ["many", "0", "1001", "1.5", "9" * 5000])
def test_what_is_no_limit_is_told(count: str) -> None:
    with pytest.raises(CommandError, match="a whole number from 1 to 1000"):
        call_command("melody", "bulk", "retry", "--status", "failed", "--limit", count)


def test_moments_without_an_offset_are_in_utc() -> None:
    assert moment("2026-01-31") == datetime(2026, 1, 31, tzinfo=UTC)
    assert moment("2026-01-31T08:00:00") == datetime(2026, 1, 31, 8, tzinfo=UTC)
    assert moment("2026-01-31T08:00:00+01:00") == datetime(2026, 1, 31, 8, tzinfo=timezone(timedelta(hours=1)))
