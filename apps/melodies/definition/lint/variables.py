"""Variables that nothing reads."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from apps.melodies.definition.pointers import child

from .look import Look, strings

_WORD: Final = re.compile(r"[^\W\d][\w-]*")
_TEMPLATE: Final = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
_WHOLE: Final = re.compile(r"\b(?:state|variables|global_vars)\b(?!\s*[.\[:])")
# Texts that are expressions without braces.
_EXPRESSIONS: Final = frozenset({"condition", "expression", "data_source", "input_source", "right_source", "variables"})


def check(look: Look) -> None:
    """Names that occur in no expression at all: better to miss one than to accuse a variable that is used."""
    defined = list(_defined(look))
    if not defined or _reads_unseen(look):
        return
    words = _words(look)
    if words is None:
        return
    for name, pointer in defined:
        if name not in words:
            look.warn("unused_variable", f"Nothing reads the variable `{name[:80]}`.", pointer, at_key=True)


def _defined(look: Look) -> Iterator[tuple[str, str]]:
    for section in ("variables", "global_vars"):
        for name in _mapping(look.workflow.get(section)):
            yield name, child(child(look.pointer, section), name)
    for written in look.steps:
        kind = look.kinds.get(str(written.step.get("type")))
        # One of a session is there for the next run, one of a loop for a step the eye does not see here.
        if kind is not None and kind.sets_variables and written.step.get("scope", "global") == "global":
            for name in _mapping(written.step.get("variables")):
                yield name, child(child(written.pointer, "variables"), name)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _reads_unseen(look: Look) -> bool:
    """Whether a melody outside this document may read the variables."""
    for written in look.steps:
        if written.step.get("pipeline_file") is not None or written.step.get("pipeline_ref") is not None:
            config = written.step.get("config")
            if isinstance(config, dict) and config.get("inherit_context"):
                return True
    return False


def _words(look: Look) -> set[str] | None:
    """All names in expressions; None when all variables are read at once."""
    names = {written.step.get("type") for written in look.steps}
    used = [kind for name, kind in look.kinds.items() if name in names]
    bare = _EXPRESSIONS | {path.rpartition(".")[2] for kind in used for path in _paths(kind)}
    words: set[str] = set()
    for _, key, text in strings(look.workflow, ""):
        parts = [text] if key in bare or "condition" in key else _TEMPLATE.findall(text) if "{{" in text else []
        for part in parts:
            if _WHOLE.search(part):
                return None
            words.update(_WORD.findall(part))
    for written in look.steps:
        # A prompt's file may name variables in single braces; the names it is given stand here.
        words.update(_mapping(written.step.get("outputs")))
    return words


def _paths(kind: Any) -> Iterator[str]:
    yield from (*kind.expressions, *kind.sources, *kind.literals, *kind.per_item)
