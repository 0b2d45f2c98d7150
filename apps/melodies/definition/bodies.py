"""Reading the steps inside a step: loop bodies, cases, nested workflows, derived tasks, handlers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, Self

from .common_fields import HANDLERS
from .drafts import DraftBody
from .fields import wrong_type
from .kinds import BodyField, DerivedBody, StepKind
from .params import own_names
from .pointers import child
from .problems import ProblemList
from .workflow import Workflow, read_nested

_MODE = "mode"
_ERROR = ("error",)
_NONE: dict[str, Any] = {}


class Steps(Protocol):
    """Who reads the steps in a body (`StepReader`)."""

    def within(self, workflow: Workflow) -> Self: ...

    def workflow(self, workflow: Workflow) -> DraftBody: ...

    def body(self, written: list[Any], label: str, pointer: str, *, dag: bool) -> DraftBody: ...

    def add(self, body: DraftBody, item: Any, pointer: str) -> None: ...


class BodyReader:
    """Reads the bodies of the steps of one workflow; `steps` reads what is in them."""

    def __init__(self, steps: Steps, problems: ProblemList) -> None:
        self._steps = steps
        self._problems = problems

    def read(self, kind: StepKind, item: Mapping[str, Any], pointer: str) -> tuple[list[DraftBody], Mapping[str, Any]]:
        """The bodies of a step in the order of their numbers, and an outline of each field of the kind that held any."""
        if not (kind.bodies or kind.derive or any(name in item for name in HANDLERS)):
            return [], _NONE
        bodies: list[DraftBody] = []
        given: dict[str, Any] = {}
        dag = bool(kind.bodies) and self._mode(kind, item, pointer)
        for field in kind.bodies:
            written = item.get(field.name)
            if written is not None:
                found = self._field(kind, field, written, child(pointer, field.name), dag=dag)
                given[field.name] = _nested_outline(written, found) if field.shape == "workflow" else _outline(written)
                bodies.extend(found)
        if kind.bodies and not given:
            self._check_missing(kind, pointer)
        if kind.derive is not None:
            bodies.extend(self._derived(derived, pointer) for derived in kind.derive(item))
        items = item.get("iterator")
        for body in bodies:
            if isinstance(items, str) and not body.items:
                body.items = (items,)
            body.repeats = kind.repeats and body.workflow is None
        bodies.extend(self._handlers(kind, item, pointer))
        return bodies, given

    def _check_missing(self, kind: StepKind, pointer: str) -> None:
        own = own_names(kind.params)
        if all(body.optional for body in kind.bodies) or any(body.name in own for body in kind.bodies):
            return
        names = " or ".join(f"`{body.name}`" for body in kind.bodies)
        self._problems.add("missing_field", f"{names} is required here (step type {kind.name}).", pointer)

    def _mode(self, kind: StepKind, item: Mapping[str, Any], pointer: str) -> bool:
        if _MODE not in item or _MODE in own_names(kind.params):
            return False
        mode = item[_MODE]
        if mode not in ("order", "dag"):
            self._problems.add("invalid_mode", "`mode` should be order or dag.", child(pointer, _MODE))
        return bool(mode == "dag")

    def _field(self, kind: StepKind, field: BodyField, written: Any, pointer: str, *, dag: bool) -> list[DraftBody]:
        match field.shape:
            case "list":
                bodies = self._list(kind, field, written, pointer, dag=dag)
            case "map":
                bodies = self._map(kind, field, written, pointer, dag=dag)
            case "workflow":
                bodies = self._workflow(field, written, pointer)
        for body in bodies:
            body.field = field.name
        return bodies

    def _list(self, kind: StepKind, field: BodyField, written: Any, pointer: str, *, dag: bool) -> list[DraftBody]:
        if not isinstance(written, list):
            wrong_type(self._problems, field.name, "a list of steps", written, pointer)
            return []
        if not written and len(kind.bodies) == 1:
            self._problems.add("missing_steps", f"`{field.name}` needs at least one step.", pointer)
        return [self._steps.body(written, "default" if field.name == "default" else "", pointer, dag=dag)]

    def _map(self, kind: StepKind, field: BodyField, written: Any, pointer: str, *, dag: bool) -> list[DraftBody]:
        if not isinstance(written, dict):
            wrong_type(self._problems, field.name, "a mapping from value to a list of steps", written, pointer)
            return []
        bodies = []
        for label, steps in in_stored_order(written).items():
            where = child(pointer, label)
            if not isinstance(steps, list):
                wrong_type(self._problems, label, "a list of steps", steps, where)
                continue
            if label == "default" and any(body.name == "default" for body in kind.bodies):
                message = (
                    f"`default` inside `{field.name}` would be taken for the step's own `default`; use that instead."
                )
                self._problems.add("invalid_case", message, where, at_key=True)
            bodies.append(self._steps.body(steps, label, where, dag=dag))
        return bodies

    def _workflow(self, field: BodyField, written: Any, pointer: str) -> list[DraftBody]:
        workflow = read_nested(written, field.name, pointer, self._problems)
        return [self._steps.within(workflow).workflow(workflow)] if workflow is not None else []

    def _derived(self, derived: DerivedBody, pointer: str) -> DraftBody:
        body = DraftBody(derived.label, pointer, [], dag=False, field="derived")
        for step, where in zip(derived.steps, derived.pointers, strict=True):
            self._steps.add(body, step, pointer + where)
        if derived.loop_item is not None:
            body.items = (derived.loop_item,)
        return body

    def _handlers(self, kind: StepKind, item: Mapping[str, Any], pointer: str) -> list[DraftBody]:
        """What is to run when the step has failed, and what undoes it when the run has."""
        own = own_names(kind.params)
        names = [name for name in ("on_error", "error_handler") if item.get(name) is not None and name not in own]
        if len(names) > 1:
            message = "`error_handler` and `on_error` mean the same; keep one."
            self._problems.add("conflicting_fields", message, child(pointer, "error_handler"), at_key=True)
        handlers = []
        for field, name in [("on_error", name) for name in names[:1]] + [("compensate", "compensate")]:
            written, where = item.get(name), child(pointer, name)
            if written is None or name in own or (name == "on_error" and isinstance(written, str)):
                continue
            if not isinstance(written, list):
                wrong_type(self._problems, name, "a list of steps", written, where)
            elif not written:
                self._problems.add("missing_steps", f"`{name}` needs at least one step.", where)
            else:
                body = self._steps.body(written, "", where, dag=False)
                body.field, body.items = field, _ERROR
                handlers.append(body)
        return handlers


def in_stored_order(cases: Mapping[str, Any]) -> dict[str, Any]:
    """Cases as PostgreSQL's jsonb keeps them: shorter keys first, then by bytes. The order says nothing to the language,
    and bodies are known by their number: so the number survives being stored, and equal documents give equal plans."""
    return dict(sorted(cases.items(), key=lambda case: (len(case[0].encode()), case[0].encode())))


def _outline(body: Any) -> Any:
    """A body as names and types only: what a kind may want to know of it without carrying the steps twice."""
    if isinstance(body, dict):
        return {label: _outline(steps) for label, steps in in_stored_order(body).items()}
    if isinstance(body, list):
        return [{"name": step.get("name"), "type": step.get("type")} for step in body if isinstance(step, dict)]
    return body


def _nested_outline(written: Any, found: list[DraftBody]) -> Any:
    """A nested workflow, without the key around it, its steps as an outline."""
    if not found or found[0].workflow is None:
        return written
    workflow = found[0].workflow
    return {**workflow.fields, "steps": _outline(workflow.steps)}
