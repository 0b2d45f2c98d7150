"""A note: a disabled step in the place of a node that has no counterpart. It is skipped, and so is what needs it."""

from __future__ import annotations

import json
from typing import Any, Final

from apps.melodies.definition.n8n.model import Node
from apps.melodies.definition.n8n.texts import literal, literals

LONGEST: Final = 4_000
"""Characters of JSON of a node's parameters that a note keeps."""


def note(node: Node, reason: str) -> dict[str, Any]:
    kept: dict[str, Any] = {"n8n_type": literal(node.type)}
    try:
        if len(json.dumps(node.parameters)) <= LONGEST:
            kept["parameters"] = literals(node.parameters)
    except (ValueError, RecursionError):
        kept["parameters"] = None
    return {
        "type": "test_echo",
        "enabled": False,
        "description": literal(f"n8n: {node.name} has no counterpart here: {reason}")[:1000],
        "value": kept,
    }


__all__ = ["note"]
