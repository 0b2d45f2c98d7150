"""Addresses in the web that people give: shown to others as links, so they are bounded and of harmless schemes. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final
from urllib.parse import urlsplit

LONGEST_ADDRESS: Final = 500
MOST_SOCIAL_LINKS: Final = 20

Problem = dict[str, str]

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._+-]{0,39}")
# Nothing that ends an attribute or a line, and no user:password@ that pretends to be another host.
_PLAIN: Final = re.compile(r"[!#$%&()*+,./0-9:;=?@A-Z\[\]_a-z~-]+")


def is_address(text: str, schemes: Iterable[str] = ("https",)) -> bool:
    if len(text) > LONGEST_ADDRESS or not _PLAIN.fullmatch(text):
        return False
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in schemes and bool(parts.hostname) and "@" not in parts.netloc


def social_link_problems(links: Any, pointer: str) -> list[Problem]:
    """`links`: names of places to https addresses, at most 20."""
    if not isinstance(links, Mapping):
        return [_problem(pointer, "not_an_object", "This must be an object of names and https:// addresses.")]
    if len(links) > MOST_SOCIAL_LINKS:
        return [_problem(pointer, "too_many", f"At most {MOST_SOCIAL_LINKS} links.")]
    found = []
    for name, address in links.items():
        if not _NAME.fullmatch(name):
            found.append(_problem(pointer, "invalid_name", "Names are 1 to 40 letters, digits, spaces and . _ + -"))
        elif not (isinstance(address, str) and is_address(address)):
            found.append(_problem(f"{pointer}/{name}", "invalid_address", "This must be an https:// address."))
    return found


def _problem(pointer: str, code: str, message: str) -> Problem:
    return {"code": code, "message": message, "pointer": pointer}
