"""Keys of mappings that change their names and keep their places and comments.

For ruamel.yaml, the comment behind a value, and the lines after it, belong to the key: `ca.items[key][2]`. Behind a key whose value
is a block, they belong to that block as well: `ca.comment`.
"""

from __future__ import annotations

from typing import Any

from ruamel.yaml.comments import CommentedMap


def rename(mapping: dict[str, Any], old: str, new: str, value: Any) -> None:
    """Put `new: value` where `old` stands. Does nothing if it was done already: an alias leads to the same mapping twice."""
    if old not in mapping:
        return
    if not isinstance(mapping, CommentedMap):
        items = [(new, value) if key == old else (key, member) for key, member in mapping.items()]
        mapping.clear()
        mapping.update(items)
        return
    place = list(mapping).index(old)
    comment = mapping.ca.items.pop(old, None)
    del mapping[old]
    mapping.insert(place, new, value)
    if comment is not None:
        mapping.ca.items[new] = comment
        if isinstance(value, CommentedMap):
            value.ca.comment = [comment[2], None]


def pair_up(mapping: dict[str, Any], name_key: str, value_key: str, new: str) -> None:
    """Make `new: {NAME: VALUE}` of `name_key: NAME` and `value_key: VALUE`, where the name stood."""
    if name_key not in mapping:
        return
    name = str(mapping[name_key])
    made = type(mapping)()
    if isinstance(mapping, CommentedMap) and isinstance(made, CommentedMap):
        comment = mapping.ca.items.pop(value_key, None)
        if mapping.fa.flow_style():
            made.fa.set_flow_style()
        if comment is not None:
            made.ca.items[name] = comment
    made[name] = mapping.pop(value_key, None)
    rename(mapping, name_key, new, made)


def insert_before(mapping: dict[str, Any], key: str, new: str, value: dict[str, Any]) -> None:
    """Put `new: value` in front of `key`, or at the end when there is no such key."""
    made = type(mapping)()
    made.update(value)
    if isinstance(mapping, CommentedMap):
        mapping.insert(list(mapping).index(key) if key in mapping else len(mapping), new, made)
        return
    items = list(mapping.items())
    place = list(mapping).index(key) if key in mapping else len(items)
    mapping.clear()
    mapping.update([*items[:place], (new, made), *items[place:]])
