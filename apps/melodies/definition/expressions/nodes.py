"""The syntax tree. Positions are offsets in the text that was parsed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final


class Each:
    """The type of EACH, the path segment `[*]`."""


EACH: Final = Each()


@dataclass(frozen=True, slots=True)
class Literal:
    value: Any


@dataclass(frozen=True, slots=True)
class Text:
    """A quoted text with `{{...}}` inside: fixed pieces and nodes in turn."""

    parts: tuple[str | Node, ...]


@dataclass(frozen=True, slots=True)
class ListOf:
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class MapOf:
    entries: tuple[tuple[str, Node], ...]


@dataclass(frozen=True, slots=True)
class Name:
    """The root of a path: a namespace like `state`, or a bare name."""

    name: str
    position: int


@dataclass(frozen=True, slots=True)
class Environment:
    """`${NAME:-default}`; `default` is None when there is none."""

    name: str
    default: str | None
    position: int


@dataclass(frozen=True, slots=True)
class Item:
    """`@`, the item at hand."""


@dataclass(frozen=True, slots=True)
class Path:
    """A root and the way into it: fields, indexes, EACH, or nodes that compute a field or an index."""

    root: Node
    segments: tuple[str | int | Each | Node, ...]


@dataclass(frozen=True, slots=True)
class Chain:
    """Operators of one precedence, left to right, kept flat so that long sums do not nest."""

    first: Node
    rest: tuple[tuple[str, Node, int], ...]


@dataclass(frozen=True, slots=True)
class Logic:
    """`and` or `or`: the value of the operand that decides."""

    operator: str
    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    operand: Node


@dataclass(frozen=True, slots=True)
class Negative:
    operand: Node
    position: int


@dataclass(frozen=True, slots=True)
class Compare:
    operator: str
    left: Node
    right: Node


@dataclass(frozen=True, slots=True)
class Between:
    value: Node
    low: Node
    high: Node


@dataclass(frozen=True, slots=True)
class Check:
    """Postfix `exists` or `empty`."""

    operator: str
    operand: Node


@dataclass(frozen=True, slots=True)
class Choice:
    condition: Node
    then: Node
    otherwise: Node


@dataclass(frozen=True, slots=True)
class Call:
    name: str
    arguments: tuple[Node, ...]
    position: int


@dataclass(frozen=True, slots=True)
class PerItem:
    """An argument that is computed once for each item of a list."""

    body: Node


Node = (
    Literal
    | Text
    | ListOf
    | MapOf
    | Name
    | Environment
    | Item
    | Path
    | Chain
    | Logic
    | Not
    | Negative
    | Compare
    | Between
    | Check
    | Choice
    | Call
    | PerItem
)


def _none(node: Any) -> tuple[Node, ...]:
    return ()


_CHILDREN: Final[dict[type, Callable[[Any], tuple[Node, ...]]]] = {
    Text: lambda node: tuple(part for part in node.parts if not isinstance(part, str)),
    ListOf: lambda node: node.items,
    MapOf: lambda node: tuple(entry for _, entry in node.entries),
    Path: lambda node: (node.root, *(part for part in node.segments if not isinstance(part, (str, int, Each)))),
    Chain: lambda node: (node.first, *(operand for _, operand, _ in node.rest)),
    Logic: lambda node: node.operands,
    Not: lambda node: (node.operand,),
    Negative: lambda node: (node.operand,),
    Check: lambda node: (node.operand,),
    Compare: lambda node: (node.left, node.right),
    Between: lambda node: (node.value, node.low, node.high),
    Choice: lambda node: (node.condition, node.then, node.otherwise),
    Call: lambda node: node.arguments,
    PerItem: lambda node: (node.body,),
}


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below this one."""
    return _CHILDREN.get(type(node), _none)(node)
