"""The earlier steps a prompt reads through its `previous_response` parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def in_prompt(prompt: Any, pointer: str) -> list[tuple[str, str]]:
    """`(step name, JSON pointer)` of every such part; the pointer is relative to the step. Parts that cannot be read, and
    names that are templates, are left out."""
    if not isinstance(prompt, list):
        return []
    return [
        (part["step"], f"{pointer}/{index}/step")
        for index, part in enumerate(prompt)
        if isinstance(part, Mapping)
        and part.get("type") == "previous_response"
        and isinstance(part.get("step"), str)
        and part["step"]
        and "{{" not in part["step"]
    ]


def of_step(written: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    """Those of a step's own prompt."""
    return in_prompt(written.get("prompt"), "/prompt")
