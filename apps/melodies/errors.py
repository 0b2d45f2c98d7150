"""What can go wrong with melodies."""

from __future__ import annotations

from apps.core.errors import Invalid, NotFound


class MelodyNotFound(NotFound):
    """There is no such melody, or it is not yours to see."""

    code = "melody_not_found"


class MelodyInvalid(Invalid):
    """The document is not a valid melody; `errors` lists every problem with its place."""

    code = "invalid_melody"
    title = "Invalid melody"
