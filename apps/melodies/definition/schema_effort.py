"""How much work a JSON Schema can make of a value. Checking cannot be interrupted, so it is estimated before.

Without references the work grows with schema times value. References let a schema of a few lines say the same thing a
billion times: by doubling themselves thirty times over, or at every level of a value that refers back to the start.
Only references that say where they lead can be estimated: `#`, and `#/` with a path from the start.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import unquote

MOST_NODES: Final = 50_000
"""A schema with all its references written out."""
MOST_VISITS: Final = 20_000_000
_DEEPEST: Final = 200
_REFERENCES: Final = ("$ref", "$dynamicRef", "$recursiveRef")
_BY_NAME: Final = frozenset({"properties", "patternProperties", "dependentSchemas", "dependencies"})
"""Fields that hold schemas under names somebody chose: a property may be called `$defs`."""
_NOT_CHECKED: Final = frozenset({"$defs", "definitions", "const", "enum", "default", "examples"})


class SchemaTooHard(ValueError):
    """Checking a value against this schema could take for ever."""


class _Effort(NamedTuple):
    """Nodes of a schema written out, and the places in it that lead back to where they came from."""

    nodes: int
    returns: int


def check_effort(schema: Any, value: Any = None) -> None:
    """Raise SchemaTooHard when checking the value could take more than a moment."""
    effort = _Reader(schema).read(schema, 0)
    if effort.nodes > MOST_NODES:
        raise SchemaTooHard(f"with its references written out it has more than {MOST_NODES} parts")
    if effort.returns > 1 and effort.nodes * _power(effort.returns, _depth(value)) > MOST_VISITS:
        raise SchemaTooHard("it refers to itself in several places, and the value nests too deep for that")


class _Reader:
    def __init__(self, root: Any) -> None:
        self._root = root
        self._known: dict[str, _Effort] = {}
        self._open: set[str] = set()

    def read(self, node: Any, depth: int) -> _Effort:
        if depth > _DEEPEST:
            raise SchemaTooHard(f"it nests deeper than {_DEEPEST} levels")
        if node is not self._root and isinstance(node, Mapping) and isinstance(node.get("$id", node.get("id")), str):
            raise SchemaTooHard("a part of it has an `$id`, which changes where its references lead")
        nodes, returns = 1, 0
        for child in _parts(node):
            if isinstance(child, Mapping | list):
                below = self.read(child, depth + 1)
                nodes, returns = nodes + below.nodes, returns + below.returns
        for name in _REFERENCES:
            if isinstance(node, Mapping) and isinstance(node.get(name), str):
                below = self._target(node[name], depth)
                nodes, returns = nodes + below.nodes, returns + below.returns
        return _Effort(min(nodes, MOST_NODES + 1), min(returns, MOST_NODES + 1))

    def _target(self, reference: str, depth: int) -> _Effort:
        if reference not in ("", "#") and not reference.startswith("#/"):
            raise SchemaTooHard(f"it refers to {reference[:80]!r}; only `#` and `#/` with a path can be followed")
        if reference in self._open:
            return _Effort(1, 1)
        if reference not in self._known:
            self._open.add(reference)
            self._known[reference] = self.read(self._found(reference), depth + 1)
            self._open.discard(reference)
        return self._known[reference]

    def _found(self, reference: str) -> Any:
        node = self._root
        if not reference.startswith("#/"):
            return node
        for part in unquote(reference[2:]).split("/"):
            token = part.replace("~1", "/").replace("~0", "~")
            if isinstance(node, Mapping):
                node = node.get(token)
            elif isinstance(node, list) and token.isascii() and token.isdigit() and int(token) < len(node):
                node = node[int(token)]
            else:
                return None
        return node


def _parts(node: Any) -> Iterator[Any]:
    """What is checked with a schema; what it only defines, is checked where somebody refers to it."""
    if isinstance(node, list):
        yield from node
    elif isinstance(node, Mapping):
        for name, child in node.items():
            if name in _BY_NAME and isinstance(child, Mapping):
                yield from child.values()
            elif name not in _NOT_CHECKED:
                yield child


def _power(base: int, exponent: int) -> int:
    result = 1
    for _ in range(exponent):
        result *= base
        if result > MOST_VISITS:
            break
    return result


def _depth(value: Any) -> int:
    """How many lists and mappings are inside each other."""
    level, depth = [value], 0
    while containers := [item for item in level if isinstance(item, Mapping | list)]:
        depth += 1
        level = [item for outer in containers for item in (outer.values() if isinstance(outer, Mapping) else outer)]
    return depth
