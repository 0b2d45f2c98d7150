"""A run of 304 tasks in which every value can be checked at the end: lanes side by side, a map, a join."""

from __future__ import annotations

from typing import Any

LANES = 24
LENGTH = 10
ITEMS = 30
TASKS = 1 + LANES * LENGTH + 1 + 2 * ITEMS + 2


def document(seconds: float = 0.03) -> dict[str, Any]:
    """Every second step of a lane, and the first of each iteration, holds a slot for `seconds`."""
    lanes = [_lane_step(lane, place, seconds) for lane in range(LANES) for place in range(LENGTH)]
    ends = [f"{{{{steps.{_name(lane, LENGTH - 1)}}}}}" for lane in range(LANES)]
    return {
        "workflow": {
            "name": "long run",
            "mode": "dag",
            "steps": [
                {"name": "start", "type": "test_echo", "value": ">"},
                *lanes,
                _map(seconds),
                {"name": "ends", "type": "test_echo", "value": ends, "depends_on": ["map"]},
                {"name": "count", "type": "data_transform", "input_source": "steps.ends", "output_format": "count"},
            ],
        }
    }


def _name(lane: int, place: int) -> str:
    return f"lane{lane}_{place}"


def _lane_step(lane: int, place: int, seconds: float) -> dict[str, Any]:
    before = _name(lane, place - 1) if place else "start"
    value = f"{{{{steps.{before}}}}}{place}"
    kind = (
        {"type": "test_echo", "value": value}
        if place % 2
        else {"type": "simulate", "output": value, "seconds": seconds}
    )
    return {"name": _name(lane, place), **kind}


def _map(seconds: float) -> dict[str, Any]:
    return {
        "name": "map",
        "type": "for_loop",
        "depends_on": ["start"],
        "data_source": list(range(ITEMS)),
        "iterator": "item",
        "parallel": True,
        "max_parallel": 8,
        "steps": [
            {"name": "work", "type": "simulate", "seconds": seconds, "output": "{{loop.item}}"},
            {"name": "told", "type": "test_echo", "value": "{{steps.work}}!"},
        ],
    }


def check_results(outputs: dict[str, Any]) -> None:
    """`outputs` are the results of the document's own steps by name."""
    whole = ">" + "".join(map(str, range(LENGTH)))
    assert outputs["ends"] == [whole] * LANES
    assert outputs["count"]["count"] == LANES
    assert outputs["map"]["success"] is True
    told = [iteration["results"]["told"] for iteration in outputs["map"]["iterations"]]
    assert told == [f"{item}!" for item in range(ITEMS)]
