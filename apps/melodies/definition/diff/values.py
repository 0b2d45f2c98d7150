"""What is different between two JSON values, field by field; and doing it to the first to get the second."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

Op = Literal["add", "remove", "replace"]
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """One place of a value. `before` is None for what is added, `after` for what is removed; see `op`."""

    op: Op
    path: Path
    before: Any = None
    after: Any = None


def same(one: Any, other: Any) -> bool:
    """Equal as JSON is: 1, 1.0 and true are three values."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def changes(before: Any, after: Any, path: Path = ()) -> Iterator[Change]:
    """In the order in which they are to be done."""
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            where = (*path, key)
            if key not in after:
                yield Change("remove", where, before=before[key])
            elif key not in before:
                yield Change("add", where, after=after[key])
            else:
                yield from changes(before[key], after[key], where)
    elif isinstance(before, list) and isinstance(after, list):
        yield from _in_list(before, after, path)
    elif not same(before, after):
        yield Change("replace", path, before, after)


def _in_list(before: list[Any], after: list[Any], path: Path) -> Iterator[Change]:
    """What begins and what ends alike stays; between that, item by item, and what one of them has more."""
    shorter = min(len(before), len(after))
    start = 0
    while start < shorter and same(before[start], after[start]):
        start += 1
    end = 0
    while end < shorter - start and same(before[-1 - end], after[-1 - end]):
        end += 1
    last = shorter - end
    for index in range(start, last):
        yield from changes(before[index], after[index], (*path, index))
    for index in range(len(before) - end - 1, last - 1, -1):
        if index >= len(after) - end:
            yield Change("remove", (*path, index), before=before[index])
    for index in range(max(last, len(before) - end), len(after) - end):
        yield Change("add", (*path, index), after=after[index])


def changed(value: Any, wanted: Iterable[Change]) -> Any:
    """A copy with the changes done to it."""
    holder = [copied(value)]
    for change in wanted:
        target: Any = holder
        path: Path = (0, *change.path)
        for part in path[:-1]:
            target = target[part]
        key: Any = path[-1]
        if change.op == "remove":
            del target[key]
        elif change.op == "add" and isinstance(target, list):
            target.insert(key, copied(change.after))
        else:
            target[key] = copied(change.after)
    return holder[0]


def copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: copied(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [copied(inner) for inner in value]
    return value
