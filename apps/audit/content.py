"""What of a change stands in the trail: only what changed, no secrets, and never too much. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from django.core.serializers.json import DjangoJSONEncoder

from apps.core.redaction import HIDDEN, hide_values, is_secret_name

LONGEST_TEXT: Final = 2_000
LARGEST: Final = 16_000
"""Bytes of `before` and of `after`, each."""
MOST_ITEMS: Final = 50
DEEPEST: Final = 6

# What PostgreSQL cannot store, and what no encoder can send.
_UNSTORABLE: Final = re.compile("[\x00\ud800-\udfff]")


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Both sides without what is the same in both, ready to be kept."""
    same = {name for name in before.keys() & after.keys() if before[name] == after[name]}
    return (
        kept({name: value for name, value in before.items() if name not in same}),
        kept({name: value for name, value in after.items() if name not in same}),
    )


def kept(values: Mapping[str, Any]) -> dict[str, Any]:
    """As JSON; what is under secret-like names is hidden, what is too long is cut, and says so."""
    shown = {str(name): HIDDEN if is_secret_name(str(name)) else value for name, value in values.items()}
    small = {text(name, 100): _bounded(hide_values(_plain(value)), DEEPEST) for name, value in _first(shown).items()}
    if _size(small) <= LARGEST:
        return small
    # One field is too much: the longest go first.
    for name in sorted(small, key=lambda name: _size(small[name]), reverse=True):
        small[name] = f"({_size(small[name])} bytes, too many to be kept)"
        if _size(small) <= LARGEST:
            break
    return small


def text(value: Any, longest: int) -> str:
    """A text that can be stored, cut to its column."""
    return _UNSTORABLE.sub("\ufffd", str(value))[:longest]


def _plain(value: Any) -> Any:
    """As JSON holds it: dates, UUIDs, decimals are texts; of what JSON does not know, the text."""
    try:
        return json.loads(json.dumps(value, cls=_Encoder), parse_constant=str)
    except (ValueError, TypeError, RecursionError):
        return "(cannot be shown)"


class _Encoder(DjangoJSONEncoder):
    def default(self, o: Any) -> Any:
        if isinstance(o, set | frozenset):
            return sorted(map(str, o))
        try:
            return super().default(o)
        except TypeError:
            return str(o)


def _bounded(value: Any, levels: int) -> Any:
    if isinstance(value, str):
        return value if len(value) <= LONGEST_TEXT and not _UNSTORABLE.search(value) else _cut(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**40:
        return f"(a number of {value.bit_length()} bits)"
    if isinstance(value, dict | list) and levels == 0:
        return f"({len(value)} items)"
    if isinstance(value, dict):
        return {text(name, 100): _bounded(inner, levels - 1) for name, inner in _first(value).items()}
    if isinstance(value, list):
        rest = len(value) - MOST_ITEMS
        shown = [_bounded(inner, levels - 1) for inner in value[:MOST_ITEMS]]
        return [*shown, f"({rest} more)"] if rest > 0 else shown
    return value


def _first(values: Mapping[str, Any]) -> dict[str, Any]:
    rest = len(values) - MOST_ITEMS
    if rest <= 0:
        return dict(values)
    return {**dict(list(values.items())[:MOST_ITEMS]), "…": f"({rest} more)"}


def _cut(value: str) -> str:
    shown = text(value, LONGEST_TEXT)
    return shown if len(value) <= LONGEST_TEXT else f"{shown}… ({len(value)} characters)"


def _size(value: Any) -> int:
    return len(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
