"""What a graph holds, as JSON: messages, dataclasses and models become mappings; the rest becomes text. Bounded."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import date, datetime
from enum import Enum
from typing import Any, Final
from uuid import UUID

from workers.agents.port import Usage

DEEPEST: Final = 60
LONGEST_REPR: Final = 2_000
MOST_NODES: Final = 200_000


class TooMuchError(ValueError):
    """A value of more parts than anybody wants to read."""


def plain(value: Any) -> Any:
    """Raises `TooMuchError` for a value of more than 200,000 parts."""
    return _Plain().of(value, 0)


class _Plain:
    def __init__(self) -> None:
        self._left = MOST_NODES

    def of(self, value: Any, depth: int) -> Any:
        self._left -= 1
        if self._left < 0:
            raise TooMuchError(f"The value has more than {MOST_NODES:,} parts.")
        if value is None or isinstance(value, bool | int):
            return value
        if isinstance(value, str):
            return _text(value)
        if isinstance(value, float):
            return value if math.isfinite(value) else str(value)
        if depth >= DEEPEST:
            return _shown(value)
        return self._compound(value, depth)

    def _compound(self, value: Any, depth: int) -> Any:
        if isinstance(value, Enum):
            return self.of(value.value, depth + 1)
        if isinstance(value, datetime | date | UUID):
            return str(value)
        if isinstance(value, Mapping):
            return {_text(str(name)): self.of(inner, depth + 1) for name, inner in value.items()}
        if isinstance(value, list | tuple | AbstractSet):
            return [self.of(inner, depth + 1) for inner in value]
        dump = getattr(value, "model_dump", None)
        if callable(dump):
            return self.of(dump(), depth + 1)
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = dataclasses.fields(value)
            return {field.name: self.of(getattr(value, field.name, None), depth + 1) for field in fields}
        return _shown(value)


def _shown(value: Any) -> str:
    return _text(repr(value)[:LONGEST_REPR])


def _text(text: str) -> str:
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode("utf-8", "replace").decode()


def shortened(value: Any, longest: int) -> Any:
    """The value if its JSON is short enough, else the beginning of that JSON, saying so."""
    text = json.dumps(value, ensure_ascii=False)
    return value if len(text) <= longest else {"shortened": True, "text": text[:longest]}


class UsageCount:
    """Adds up what messages say of their tokens; a message that is seen twice counts once."""

    def __init__(self) -> None:
        self.usage = Usage()
        self._seen: set[str] = set()

    def see(self, value: Any, depth: int = 0) -> None:
        """Looks through mappings and lists for messages: anything with `usage_metadata`."""
        if isinstance(value, Mapping):
            inner: Any = value.values()
        elif isinstance(value, list | tuple):
            inner = value
        else:
            self._message(value)
            return
        if depth < DEEPEST:
            for one in inner:
                self.see(one, depth + 1)

    def _message(self, value: Any) -> None:
        told = getattr(value, "usage_metadata", None)
        if not isinstance(told, Mapping):
            return
        identity = str(getattr(value, "id", None) or id(value))
        if identity in self._seen:
            return
        self._seen.add(identity)
        self.usage += Usage(_count(told.get("input_tokens")), _count(told.get("output_tokens")))


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 53 else 0


__all__ = ["TooMuchError", "UsageCount", "plain", "shortened"]
