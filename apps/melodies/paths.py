"""Paths of melodies: the names by which a `pipeline_file` finds them. They look like paths of files and are none.

Pure. A path is relative, its parts are divided by `/`, and it stays below its root: `pipelines/child.yaml`.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

LONGEST_PATH: Final = 500
_DRIVE_OR_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")


class PathError(ValueError):
    """The text cannot be the path of a melody; the message says why."""


def normal_path(written: str) -> str:
    """The one spelling of a path: `./a/../b//c.yaml` is `b/c.yaml`. Raises `PathError` for what is no relative path."""
    path = unicodedata.normalize("NFC", written)
    _check(path)
    if path.endswith("/"):
        raise PathError(f"The path {_shown(path)} names a folder; it should end in the name of a file.")
    normal = "/".join(_parts(path))
    # What stood behind `./` or `a/../` may begin with what no path begins with.
    _check(normal)
    if len(normal) > LONGEST_PATH:
        raise PathError(f"A path may have {LONGEST_PATH} characters at most; this one has {len(normal)}.")
    return normal


def _check(path: str) -> None:
    if not path.strip():
        raise PathError("A path needs at least the name of a file, such as pipelines/review.yaml.")
    if path != path.strip():
        raise PathError(f"The path {_shown(path)} begins or ends with a space.")
    if not path.isprintable():
        raise PathError(f"The path {_shown(path)} holds line breaks or other control characters.")
    if "\\" in path:
        raise PathError(f"The path {_shown(path)} holds a backslash; parts of a path are divided by /.")
    if path.startswith(("/", "~")) or _DRIVE_OR_SCHEME.match(path):
        raise PathError(
            f"The path {_shown(path)} is absolute; a melody has a relative one, such as pipelines/review.yaml."
        )


def _parts(path: str) -> list[str]:
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            if not parts:
                raise PathError(f"The path {_shown(path)} leaves the folder it starts in.")
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    if not parts or path.rpartition("/")[2] in (".", ".."):
        raise PathError(f"The path {_shown(path)} names a folder; it should end in the name of a file.")
    return parts


def _shown(path: str) -> str:
    return ascii(path[:80])
