from __future__ import annotations

from symphony.demo.client import StreamEvent, parse_stream
from symphony.demo.view import steps_of

STREAM = b"""\
: a comment keeps the line open

id: 7
event: task_started
data: {"id": 7,
data: "task_name": "a"}

event: end

data: {"cut off": 1}
"""


def test_streams_are_read_as_the_standard_says() -> None:
    events = list(parse_stream(iter(STREAM.splitlines(keepends=True))))
    assert events == [StreamEvent("task_started", {"id": 7, "task_name": "a"}), StreamEvent("end", {})]


def task(name: str, status: str, started: str | None = None, completed: str | None = None) -> dict[str, str | None]:
    return {"name": name, "kind": "test_echo", "status": status, "started_at": started, "completed_at": completed}


def test_tasks_of_one_step_are_one_line() -> None:
    first, second = steps_of(
        [
            task("map", "completed", "2026-01-01T00:00:01Z", "2026-01-01T00:00:02Z"),
            task("join", "pending"),
            task("map", "failed", "2026-01-01T00:00:00.500Z", "2026-01-01T00:00:03Z"),
            task("map", "executing", "2026-01-01T00:00:01Z"),
        ]
    )
    assert (first.name, first.total, first.done, first.seconds) == ("map", 3, 2, 2.5)
    assert (second.name, second.total, second.done, second.seconds) == ("join", 1, 0, None)
