"""Names that nothing in the document gives a value: they are null when the melody runs."""

from __future__ import annotations

import re
from typing import Final

from apps.melodies.definition.pointers import child

from .look import Look, strings

_TEMPLATE: Final = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_STATE: Final = re.compile(r"(?<![\w.])state\.([^\W\d][\w-]*)")
_WORD: Final = re.compile(r"\s*([^\W\d][\w-]*)\s*")
_CONSTANTS: Final = frozenset({"true", "false", "null", "nil", "none"})
_OF_CONDITIONS: Final = frozenset({"condition", "break_condition", "continue_condition", "complete_when"})


def check(look: Look) -> None:
    """`state.x` where nothing sets x, and conditions that are one word which is the name of nothing."""
    variables = _variables(look)
    names = variables | {str(written.step.get("name")) for written in look.steps} | _items(look) | _CONSTANTS
    for pointer, key, text in strings(look.workflow, look.pointer):
        parts = [text] if key in _OF_CONDITIONS else _TEMPLATE.findall(text) if "{{" in text else []
        for name in sorted({name for part in parts for name in _STATE.findall(part)} - variables):
            _warn(look, name, pointer)
    for written in look.steps:
        for key in _OF_CONDITIONS & written.step.keys():
            word = _WORD.fullmatch(written.step[key]) if isinstance(written.step[key], str) else None
            if word is not None and word[1] not in names:
                _warn(look, word[1], child(written.pointer, key))


def _warn(look: Look, name: str, pointer: str) -> None:
    message = (
        f"Nothing here sets `{name[:80]}`, so it is null; for something the run is given write inputs.{name[:80]}."
    )
    look.warn("unset_name", message, pointer)


def _variables(look: Look) -> set[str]:
    """Whatever any step or section sets, in whatever scope; those of nested workflows as well."""
    names: set[str] = set()
    pending = [look.workflow, *(written.step for written in look.steps)]
    for place in pending:
        for section in ("variables", "global_vars", "inputs"):
            value = place.get(section)
            names.update(map(str, value) if isinstance(value, dict | list) else ())
        names.update(str(place[name]) for name in ("variable", "error_output") if isinstance(place.get(name), str))
        if isinstance(place.get("pipeline"), dict):
            pending.append(place["pipeline"])
        if isinstance(place.get("workflow"), dict):
            pending.append(place["workflow"])
    return names


def _items(look: Look) -> set[str]:
    iterators = {str(written.step["iterator"]) for written in look.steps if written.step.get("iterator")}
    return iterators | {"error", "iterations", "results", "loop"}
