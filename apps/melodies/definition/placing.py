"""Where a step is to run: the queue it is for, and what its worker must have.

Names are checked here, not whether anybody serves them: workers come and go, a document stays. That is asked when a run
starts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from .fields import read_text, wrong_type
from .pointers import child
from .problems import ProblemList

PLAIN_NAME: Final = "[a-z0-9][a-z0-9_.-]{0,39}"
"""Queues and capabilities: what a broker, a command line and a host name all take."""
MOST_REQUIRED: Final = 8

_PLAIN = re.compile(rf"{PLAIN_NAME}\Z")
_SPELLING = "1 to 40 small letters, digits, `_`, `.` or `-`, the first a letter or a digit"


def is_plain(name: str) -> bool:
    """Whether it can be the name of a queue or a capability."""
    return _PLAIN.match(name) is not None


def read_queue(mapping: Mapping[str, Any], pointer: str, problems: ProblemList) -> str | None:
    """The `queue` of a step or of the defaults; None when absent, null or refused."""
    name = read_text(mapping, "queue", pointer, problems)
    if name is None or is_plain(name):
        return name
    problems.add("invalid_name", f"`queue` is the plain name of a queue: {_SPELLING}.", child(pointer, "queue"))
    return None


def read_requires(mapping: Mapping[str, Any], pointer: str, problems: ProblemList) -> tuple[str, ...] | None:
    """The `requires` of a step or of the defaults, sorted and each once; None when it says nothing."""
    written, where = mapping.get("requires"), child(pointer, "requires")
    if written is None:
        return None
    names = [written] if isinstance(written, str) else written
    if not isinstance(names, list):
        wrong_type(problems, "requires", "the name of a capability, or a list of them", written, where)
        return None
    if len(names) > MOST_REQUIRED:
        message = f"A step may require {MOST_REQUIRED} capabilities at most; these are {len(names)}."
        problems.add("too_many", message, where)
        return None
    fine = [name for index, name in enumerate(names) if _is_capability(name, child(where, index), problems)]
    return tuple(sorted(set(fine)))


def _is_capability(name: Any, pointer: str, problems: ProblemList) -> bool:
    if not isinstance(name, str):
        wrong_type(problems, "requires", "the names of capabilities", name, pointer)
        return False
    if not is_plain(name):
        problems.add("invalid_name", f"A capability has a plain name: {_SPELLING}.", pointer)
        return False
    return True
