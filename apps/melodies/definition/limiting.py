"""The `limit` of a step: the pool it takes slots of while it runs.

What pools there are is asked when a run starts, like queues and capabilities.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from .fields import read_number, read_text, wrong_type
from .placing import PLAIN_NAME, is_plain
from .pointers import child
from .problems import ProblemList

MOST_SLOTS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Limit:
    """So many slots of the pool of this name."""

    name: str
    slots: int = 1


def read_limit(step: Mapping[str, Any], pointer: str, problems: ProblemList) -> Limit | None:
    """None when absent, null or refused."""
    written, where = step.get("limit"), child(pointer, "limit")
    if written is None:
        return None
    if isinstance(written, str):
        return Limit(written) if _is_name(written, where, problems) else None
    if not isinstance(written, dict):
        wrong_type(problems, "limit", "the name of a pool, or {name, slots}", written, where)
        return None
    for field in sorted(set(written) - {"name", "slots"}, key=str):
        message = f"A limit has `name` and `slots`, not {field!r}."
        problems.add("unknown_field", message, child(where, str(field)), at_key=True)
    name = read_text(written, "name", where, problems)
    slots = read_number(written, "slots", where, problems, most=MOST_SLOTS, whole=True)
    if name is None:
        if "name" not in written:
            problems.add("missing_field", "A limit needs the `name` of a pool.", where)
        return None
    return Limit(name, 1 if slots is None else int(slots)) if _is_name(name, child(where, "name"), problems) else None


def _is_name(name: str, pointer: str, problems: ProblemList) -> bool:
    if is_plain(name):
        return True
    message = f"A limit has a plain name, such as `search-api`: it must match {PLAIN_NAME}."
    problems.add("invalid_name", message, pointer)
    return False
