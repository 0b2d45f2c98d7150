"""Which moves a melody's status may make. Pure.

A draft is being written, an active melody is offered to be run, an archived one is out of the way and does not start. What
has been active once never becomes a draft again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

DRAFT: Final = "draft"
ACTIVE: Final = "active"
ARCHIVED: Final = "archived"

MOVES: Final[Mapping[str, frozenset[str]]] = {
    DRAFT: frozenset({ACTIVE, ARCHIVED}),
    ACTIVE: frozenset({ARCHIVED}),
    ARCHIVED: frozenset({ACTIVE, DRAFT}),
}


def may_move(status: str, to: str, *, published: bool) -> bool:
    """`published`: whether it has been active before. Staying where it is is no move, and always allowed."""
    if to == status:
        return True
    return to in MOVES[status] and not (to == DRAFT and published)
