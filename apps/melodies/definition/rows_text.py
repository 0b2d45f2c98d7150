"""Writing a document as YAML that people like to read, and that means exactly this document."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

import yaml

from .document import parse
from .kinds import StepKind
from .limits import DEFAULT
from .problems import InvalidDocument
from .rows_bodies import inner_lists, workflow_of

_FIRST: Final = ("name", "type", "description", "role", "enabled", "condition", "depends_on", "join", "cancel_rest")
_LAST: Final = ("continue_on_error", "retry", "error_output", "on_error", "error_handler", "compensate")
_WORKFLOW: Final = ("name", "description", "version", "author", "tags", "metadata", "mode", "inputs", "variables")
_WORKFLOW_LAST: Final = ("steps", "connections")
# Text that no reader of YAML, of whatever version, could take for anything else.
_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*(?: [A-Za-z0-9_./-]+)*\Z")
_WORDS: Final = frozenset({"true", "false", "null", "yes", "no", "off", "y", "n", "nan", "inf"})


def as_yaml(document: Mapping[str, Any], kinds: Mapping[str, StepKind]) -> str:
    """The document, fields in the order of the documentation."""
    ordered = in_order(document, kinds)
    text = yaml.dump(ordered, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=DEFAULT.max_bytes)
    return text if _means(text, document) else as_json(document)


def as_json(document: Mapping[str, Any]) -> str:
    """JSON with indentation, which is YAML too."""
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _means(text: str, document: Mapping[str, Any]) -> bool:
    try:
        return bool(parse(text, media="yaml").value == document)
    except InvalidDocument:
        return False


class _Dumper(yaml.SafeDumper):
    """Blocks, lists indented below their keys, texts of several lines as they are, short lists in one line."""

    # `on` is a field of dependencies. YAML 1.1 took it for true; everything written here reads by 1.2.
    yaml_implicit_resolvers = {
        first: known for first, known in yaml.SafeDumper.yaml_implicit_resolvers.items() if first not in ("o", "O")
    }

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: FBT001, FBT002
        super().increase_indent(flow, False)


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None if _PLAIN.match(text) and text.lower() not in _WORDS else '"'
    if "\n" in text.strip("\n") and not re.search(r"[ \t]$|^[ \t]|\t|\A\n", text, re.MULTILINE):
        style = "|"
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _list(dumper: yaml.SafeDumper, items: list[Any]) -> yaml.SequenceNode:
    short = all(isinstance(item, str | int | float | bool) or item is None for item in items)
    short = short and sum(len(str(item)) + 2 for item in items) < 80
    return dumper.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=short)


def _mapping(dumper: yaml.SafeDumper, mapping: dict[str, Any]) -> yaml.MappingNode:
    return dumper.represent_mapping("tag:yaml.org,2002:map", list(mapping.items()), flow_style=not mapping)


_Dumper.add_representer(str, _text)
_Dumper.add_representer(list, _list)
_Dumper.add_representer(dict, _mapping)


# -- order ---------------------------------------------------------------------------------------------------------
def in_order(document: Mapping[str, Any], kinds: Mapping[str, StepKind]) -> dict[str, Any]:
    """A copy with fields of workflows and steps in a readable order: stored documents have none."""
    found = workflow_of(dict(document))
    if found is None or not found[1]:
        return dict(document)
    return {"workflow": _workflow(found[0], kinds), **{key: document[key] for key in document if key != "workflow"}}


def _workflow(workflow: Mapping[str, Any], kinds: Mapping[str, StepKind]) -> dict[str, Any]:
    ordered = _sorted(workflow, _WORKFLOW, _WORKFLOW_LAST)
    if isinstance(ordered.get("steps"), list):
        ordered["steps"] = [_step(step, kinds) if isinstance(step, dict) else step for step in ordered["steps"]]
    return ordered


def _step(step: dict[str, Any], kinds: Mapping[str, StepKind]) -> dict[str, Any]:
    kind = kinds.get(str(step.get("type")))
    bodies = tuple(field.name for field in kind.bodies) if kind is not None else ()
    own = [name for name in (kind.params.model_fields if kind is not None else ()) if name not in bodies]
    ordered = _sorted(step, (*_FIRST, *own), (*_LAST, *bodies))
    for inner in inner_lists(step, kinds):
        steps = [_step(below, kinds) if isinstance(below, dict) else below for below in inner.steps]
        holder = ordered[inner.field]
        if inner.wrapper is not None:
            nested = _workflow(inner.wrapper, kinds)
            ordered[inner.field] = (
                {**holder, "workflow": nested} if isinstance(holder.get("workflow"), dict) else nested
            )
        elif isinstance(holder, dict):
            ordered[inner.field] = {**holder, inner.label: steps}
        else:
            ordered[inner.field] = steps
    return ordered


def _sorted(mapping: Mapping[str, Any], first: tuple[str, ...], last: tuple[str, ...]) -> dict[str, Any]:
    rest = sorted(key for key in mapping if key not in first and key not in last)
    return {key: mapping[key] for key in (*first, *rest, *last) if key in mapping}
