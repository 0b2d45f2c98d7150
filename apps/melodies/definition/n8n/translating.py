"""Nodes of n8n and the steps they become: one function for each kind of node that has a counterpart."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from apps.melodies.definition.n8n import conditions
from apps.melodies.definition.n8n.model import Issue, Node, UntranslatableError
from apps.melodies.definition.n8n.scripts import Data
from apps.melodies.definition.n8n.texts import any_value, is_script, json_value, literal, text


@dataclass(slots=True)
class Place:
    """Where a node stands: `step` is its name here, `data` what it can reach, `inputs` the data of each input it has, in
    order, `conditional` whether one of them may never come. `models` are the sub-nodes that say which model to ask."""

    node: Node
    step: str
    data: Data
    inputs: Sequence[str]
    conditional: bool = False
    models: Sequence[Node] = ()
    in_loop: bool = False
    issues: list[Issue] = field(default_factory=list)

    @property
    def given(self) -> str:
        return (
            self.inputs[0]
            if len(self.inputs) == 1
            else f"coalesce({', '.join(self.inputs)})"
            if self.inputs
            else "inputs"
        )

    def warn(self, code: str, message: str) -> None:
        self.issues.append(Issue(self.node.name, self.node.type, code, message, "warning"))

    def option(self, name: str) -> Any:
        """A field of the node's `options`."""
        options = self.node.parameters.get("options")
        return options.get(name) if isinstance(options, Mapping) else None


Fields = dict[str, Any]
Translate = Callable[[Place], Fields]


def variable(step: str) -> str:
    """The variable that holds what a step without a result of its own gives on."""
    return f"{step}_data"


def route_variable(step: str) -> str:
    return f"{step}_route"


def kept(place: Place, value: Any, **more: Any) -> Fields:
    """A step that keeps a value for those after it."""
    fields: Fields = {"type": "set_variable", "variables": {variable(place.step): value, **more}}
    return {**fields, "scope": "loop"} if place.in_loop else fields


def passes_on(place: Place) -> Fields:
    return kept(place, f"{{{{{place.given}}}}}")


def trigger(place: Place) -> Fields:
    """What starts the workflow is said elsewhere; what it gives are the inputs of the run."""
    return kept(place, "{{inputs}}")


def assigned(place: Place) -> Fields:
    """`set`: new fields, of all the forms the node has had."""
    parameters = place.node.parameters
    if parameters.get("mode") == "raw":
        return kept(place, json_value(parameters.get("jsonOutput", "{}"), place.data))
    fields: Fields = {}
    for name, value in _assignments(parameters):
        _put(fields, name, any_value(value, place.data))
    others = parameters.get("includeOtherFields") is True or (
        place.node.version < 3 and parameters.get("keepOnlySet") is not True
    )
    if others and place.inputs:
        place.warn("fields_dropped", "The fields that came in are not passed on; name those that are needed.")
    return kept(place, fields)


def _assignments(parameters: Mapping[str, Any]) -> list[tuple[str, Any]]:
    today = parameters.get("assignments")
    if isinstance(today, Mapping):
        items = today.get("assignments")
        return [(str(item.get("name", "")), item.get("value")) for item in items or () if isinstance(item, Mapping)]
    fields = parameters.get("fields")
    if isinstance(fields, Mapping):
        found = []
        for item in fields.get("values") or ():
            if isinstance(item, Mapping):
                value = next((item[key] for key in item if key.endswith("Value")), None)
                found.append((str(item.get("name", "")), value))
        return found
    values = parameters.get("values")
    groups = values.values() if isinstance(values, Mapping) else ()
    return [
        (str(item.get("name", "")), item.get("value"))
        for group in groups
        for item in (group if isinstance(group, list) else ())
        if isinstance(item, Mapping)
    ]


def _put(fields: Fields, name: str, value: Any) -> None:
    """`a.b` is a field in a field."""
    *outer, last = name.split(".")[:10] if name else ["value"]
    inner = fields
    for part in outer:
        found = inner.setdefault(part, {})
        if not isinstance(found, dict):
            raise UntranslatableError(f"two assignments to {name[:60]!r}")
        inner = found
    inner[last] = value


def chosen(place: Place) -> Fields:
    """`if`: what came in, and which output it takes."""
    test = conditions.condition(place.node.parameters, place.data)
    return kept(place, f"{{{{{place.given}}}}}", **{route_variable(place.step): f"{{{{{test} ? 0 : 1}}}}"})


def switched(place: Place) -> Fields:
    number = conditions.route(place.node.parameters, place.node.version, place.data)
    return kept(place, f"{{{{{place.given}}}}}", **{route_variable(place.step): f"{{{{{number}}}}}"})


def merged(place: Place) -> Fields:
    mode = place.node.parameters.get("mode", "append")
    if not place.inputs:
        raise UntranslatableError("a merge without inputs")
    if place.conditional or mode in ("chooseBranch", "wait"):
        # Where one way was taken, the other has nothing to give.
        return kept(place, f"{{{{{place.given}}}}}")
    if mode == "append":
        return kept(place, f"{{{{[{', '.join(place.inputs)}]}}}}")
    if mode in ("combine", "mergeByPosition", "multiplex", "mergeByIndex", "passThrough"):
        if place.node.parameters.get("combineBy") == "combineBySql":
            raise UntranslatableError("a merge by SQL")
        place.warn("merged_as_one", "The inputs are merged as one object each, not item by item.")
        return kept(place, f"{{{{merge({', '.join(f'coalesce({one}, {{}})' for one in place.inputs)})}}}}")
    raise UntranslatableError(f"a merge of mode {str(mode)[:40]!r}")


_SECONDS: Final = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86_400}
LONGEST_WAIT: Final = 366 * 86_400


def waited(place: Place) -> Fields:
    parameters = place.node.parameters
    how = parameters.get("resume", "timeInterval")
    if how == "timeInterval":
        unit = parameters.get("unit", "hours" if place.node.version < 1.1 else "seconds")
        amount = parameters.get("amount", 1)
        if isinstance(amount, bool) or not isinstance(amount, int | float) or unit not in _SECONDS:
            raise UntranslatableError("a wait of a length that is computed")
        seconds = amount * _SECONDS[unit]
        if not 0 <= seconds <= LONGEST_WAIT:
            raise UntranslatableError("a wait of more than 366 days")
        return {"type": "wait", "seconds": seconds, "output": f"{{{{{place.given}}}}}"}
    if how == "specificTime":
        return {
            "type": "wait",
            "until": text(parameters.get("dateTime"), place.data),
            "output": f"{{{{{place.given}}}}}",
        }
    if how in ("webhook", "form"):
        place.warn("waits_for_signal", f"It waits for the signal {place.step!r}; its sender has to tell it.")
        return {"type": "signal", "signal": place.step}
    raise UntranslatableError(f"a wait of kind {str(how)[:40]!r}")


def programmed(place: Place) -> Fields:
    """`code`: Python as it is, in the sandbox. JavaScript has no counterpart."""
    parameters = place.node.parameters
    language = parameters.get("language", "javaScript")
    source = parameters.get("pythonCode", "")
    if language not in ("python", "pythonNative") or not isinstance(source, str) or not source.strip():
        raise UntranslatableError("a program in JavaScript; write it in Python")
    place.warn("code_in_sandbox", "It runs in the sandbox of the installation; what it returns is the field `value`.")
    lines = [
        "def _program(_input, _items, _json):",
        *(f"    {line}" for line in source.splitlines()),
        "    return None",
        "_given = inputs['given']",
        "_listed = _given if isinstance(_given, list) else [_given]",
        "_wrapped = [{'json': one} for one in _listed]",
        "result = _program(_wrapped, _wrapped, _listed[0] if _listed else None)",
    ]
    return {"type": "python", "source": "\n".join(lines), "inputs": {"given": f"{{{{{place.given}}}}}"}}


def nested(place: Place) -> Fields:
    parameters = place.node.parameters
    named = parameters.get("workflowId")
    if isinstance(named, Mapping):
        named = named.get("cachedResultName") or named.get("value")
    if parameters.get("source", "database") not in ("database", "") or not isinstance(named, str) or not named.strip():
        raise UntranslatableError("a nested workflow that is not named")
    if is_script(named):
        raise UntranslatableError("a nested workflow whose name is computed")
    place.warn("nested_by_name", f"It runs the melody called {named[:80]!r}, which has to be there.")
    given = parameters.get("workflowInputs")
    values = given.get("value") if isinstance(given, Mapping) else None
    inputs = any_value(values, place.data) if isinstance(values, Mapping) else {"given": f"{{{{{place.given}}}}}"}
    return {"type": "pipeline", "pipeline_ref": literal(named.strip()), "inputs": inputs}


def answered(place: Place) -> Fields:
    """`respondToWebhook`: the answer is the output of the end."""
    parameters = place.node.parameters
    how = parameters.get("respondWith", "firstIncomingItem")
    if how == "json":
        output = json_value(parameters.get("responseBody"), place.data)
    elif how == "text":
        output = text(parameters.get("responseBody"), place.data)
    elif how == "noData":
        output = None
    elif how in ("firstIncomingItem", "allIncomingItems"):
        output = f"{{{{{place.given}}}}}"
    else:
        raise UntranslatableError(f"an answer of kind {str(how)[:40]!r}")
    return {"type": "end", "status": "completed", "output": output}


def stopped(place: Place) -> Fields:
    message = place.node.parameters.get("errorMessage", "Stopped.")
    return {"type": "end", "status": "failed", "message": text(message, place.data) or "Stopped."}


__all__ = [
    "Fields", "Place", "Translate", "answered", "assigned", "chosen", "kept", "merged", "nested", "passes_on",
    "programmed", "route_variable", "stopped", "switched", "trigger", "variable", "waited",
]  # fmt: skip
