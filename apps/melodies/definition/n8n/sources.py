"""Where the data of nodes are found, as expressions of melodies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from apps.melodies.definition.n8n.model import UntranslatableError
from apps.melodies.definition.n8n.scripts import subscript

_ANSWERS: Final = frozenset(
    {
        ("text",), ("output",), ("content",), ("response",), ("message",), ("message", "content"), ("response", "text"),
        ("content", "[0]", "text"), ("choices", "[0]", "message", "content"), ("content", "parts", "[0]", "text"),
    }
)  # fmt: skip
LONGEST_PATH: Final = 40


@dataclass(frozen=True, slots=True)
class Source:
    """`is_text`: the step's result is a model's answer, with its words in the field `text`."""

    expression: str
    is_text: bool = False

    def at(self, path: Sequence[str]) -> str:
        if len(path) > LONGEST_PATH:
            raise UntranslatableError("a path of more than 40 fields")
        if self.is_text and tuple(path) in _ANSWERS:
            return f"{self.expression}.text"
        return self.expression + "".join(part if _is_index(part) else subscript(part) for part in path)


@dataclass(frozen=True, slots=True)
class Reach:
    """What one node can reach: what came in, and the nodes before it by name."""

    given: Source
    others: Mapping[str, Source]

    def current(self, path: Sequence[str]) -> str:
        return self.given.at(path)

    def of(self, node: str, path: Sequence[str]) -> str:
        source = self.others.get(node)
        if source is None:
            raise UntranslatableError(
                f"the data of {node[:60]!r}, which does not run before it in the same list of steps"
            )
        return source.at(path)


def _is_index(part: str) -> bool:
    return part.startswith("[") and part.endswith("]") and part[1:-1].isdigit()


__all__ = ["Reach", "Source"]
