"""JSON pointers (RFC 6901)."""

from __future__ import annotations


def escape(token: str) -> str:
    """One reference token as it stands inside a pointer."""
    if "~" in token or "/" in token:
        return token.replace("~", "~0").replace("/", "~1")
    return token


def child(pointer: str, token: str | int) -> str:
    """The pointer of a member or an item below `pointer`."""
    return f"{pointer}/{token if isinstance(token, int) else escape(token)}"


def tokens(pointer: str) -> list[str]:
    """The unescaped tokens of a pointer; none for the whole document."""
    if not pointer:
        return []
    return [part.replace("~1", "/").replace("~0", "~") for part in pointer[1:].split("/")]
