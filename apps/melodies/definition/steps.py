"""Reading the steps of a document: names, kinds, fields, and the bodies of composite steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from .common_fields import NOTHING_SAID, UNDERSTOOD, UNSUPPORTED, CommonFields, read_common
from .drafts import Draft, DraftBody, set_by
from .fields import read_name, what, wrong_type
from .kinds import BodyField, StepKind
from .params import check_params, own_names
from .pointers import child
from .problems import ProblemList
from .references import ReferenceReader, StepUses


class _NoFields(BaseModel):
    """Stands in for the model of a kind nobody knows, so that its steps keep their names."""


_UNKNOWN = StepKind(name="", params=_NoFields, summary="")
_NO_NAMES: frozenset[str] = frozenset()
_BODY_MODE = "mode"


PLANNED = frozenset(
    {
        "claude", "claude_batch", "claude_extract", "claude_robust", "claude_session", "claude_smart", "gemini",
        "gemini_instructor", "parallel_claude", "pipeline", "while_loop",
    }
)  # fmt: skip
"""Step types of the language that a registry may not hold."""


class StepReader:
    """Reads the steps of one document. Steps that are too broken to go on with are reported and left out."""

    def __init__(self, kinds: Mapping[str, StepKind], problems: ProblemList) -> None:
        self._kinds = kinds
        self._problems = problems
        self._references = ReferenceReader(problems)

    def body(self, written: list[Any], label: str, pointer: str, *, dag: bool) -> DraftBody:
        """Read a list of steps."""
        body = DraftBody(label, pointer, [], dag)
        for index, item in enumerate(written):
            where = child(pointer, index)
            step = self._step(item, where)
            if step is None:
                continue
            if step.common.depends_on is not None:
                body.dag = True
            place = len(body.steps)
            if body.positions.setdefault(step.name, place) != place:
                first = body.steps[body.positions[step.name]].pointer
                message = f"The name `{step.name[:80]}` is taken already by the step at {first}; names are unique within a list of steps."
                self._problems.add("duplicate_name", message, child(where, "name"))
            body.steps.append(step)
            if step.bodies or step.kind.sets_variables:
                self._index(body, step, place)
        return body

    def _index(self, body: DraftBody, step: Draft, place: int) -> None:
        for variable in set_by(step):
            places = body.setters.setdefault(variable, [])
            if not places or places[-1] != place:
                places.append(place)
        if is_branch(step.kind):
            for name in {inner.name for below in step.bodies for inner in below.steps}:
                body.inner.setdefault(name, []).append(place)

    def _step(self, item: Any, pointer: str) -> Draft | None:
        if not isinstance(item, dict):
            self._problems.add(
                "wrong_type", f"A step should be a mapping with `name` and `type`, not {what(item)}.", pointer
            )
            return None
        name = read_name(item, "A step", pointer, self._problems)
        kind = self._kind(item, pointer)
        common = read_common(item, pointer, self._problems)
        if kind is None:
            return Draft(name, _UNKNOWN, pointer, {}, common, [], [], [], None) if name is not None else None
        bodies, given = self._bodies(kind, item, pointer) if kind.bodies else ([], _NO_NAMES)
        if bodies and common.timeout_seconds is not None:
            message = "A timeout of a whole loop or switch is not supported yet by this version; give its steps one."
            self._problems.add("unsupported_field", message, pointer)
        params = self._params(kind, item, pointer, given)
        uses = self._references.read(kind, params, pointer, given)
        if common is not NOTHING_SAID:
            self._common_references(common, pointer, uses)
        iterator = params.get("iterator") if bodies else None
        loop_item = iterator if isinstance(iterator, str) else None
        if name is None:
            return None
        return Draft(name, kind, pointer, params, common, uses.uses, uses.variables, bodies, loop_item)

    def _kind(self, item: Mapping[str, Any], pointer: str) -> StepKind | None:
        written = item.get("type")
        if isinstance(written, str):
            kind = self._kinds.get(written)
            if kind is None:
                message = f"There is no step type `{written[:80]}`; known are {', '.join(sorted(self._kinds))}."
                if written in PLANNED:
                    message = (
                        f"The step type `{written}` is part of the language but not supported yet by this version."
                    )
                self._problems.add("unknown_type", message, child(pointer, "type"), meant=(written, self._kinds))
            return kind
        if written is None:
            self._problems.add(
                "missing_type", "A step needs a `type`.", child(pointer, "type") if "type" in item else pointer
            )
        else:
            wrong_type(self._problems, "type", "text", written, child(pointer, "type"))
        return None

    def _common_references(self, common: CommonFields, pointer: str, uses: StepUses) -> None:
        if common.condition is not None:
            self._references.condition(common.condition, child(pointer, "condition"), uses)
        if common.output_to_file is not None:
            self._references.template(common.output_to_file, child(pointer, "output_to_file"), uses)

    def _params(self, kind: StepKind, item: Mapping[str, Any], pointer: str, given: frozenset[str]) -> dict[str, Any]:
        """A step's own fields, checked. Bodies the kind's model asks for are in there as an outline of names and types."""
        own = own_names(kind.params)
        params: dict[str, Any] = {}
        for key, value in item.items():
            if key in UNDERSTOOD or (key == _BODY_MODE and kind.bodies and key not in own):
                continue
            if key in given:
                if key in own:
                    params[key] = _outline(value)
            elif key in UNSUPPORTED and key not in own:
                message = f"`{key}` is part of the language but not supported yet by this version; remove it to run this melody."
                self._problems.add("unsupported_field", message, child(pointer, key), at_key=True)
            else:
                params[key] = value
        check_params(kind, params, pointer, self._problems, silent=given)
        return params

    def _bodies(self, kind: StepKind, item: Mapping[str, Any], pointer: str) -> tuple[list[DraftBody], frozenset[str]]:
        """The bodies of a composite step, and the names of the fields that hold them."""
        dag = self._body_mode(kind, item, pointer)
        bodies: list[DraftBody] = []
        given = set()
        for field in kind.bodies:
            if item.get(field.name) is not None:
                given.add(field.name)
                bodies.extend(self._body_field(kind, field, item[field.name], child(pointer, field.name), dag=dag))
        if not given and not any(name in own_names(kind.params) for name in _body_names(kind)):
            names = " or ".join(f"`{name}`" for name in _body_names(kind))
            self._problems.add("missing_field", f"{names} is required here (step type {kind.name}).", pointer)
        return bodies, frozenset(given)

    def _body_mode(self, kind: StepKind, item: Mapping[str, Any], pointer: str) -> bool:
        if _BODY_MODE not in item or _BODY_MODE in own_names(kind.params):
            return False
        mode = item[_BODY_MODE]
        if mode not in ("order", "dag"):
            self._problems.add("invalid_mode", "`mode` should be order or dag.", child(pointer, _BODY_MODE))
        return bool(mode == "dag")

    def _body_field(
        self, kind: StepKind, field: BodyField, written: Any, pointer: str, *, dag: bool
    ) -> list[DraftBody]:
        if field.shape == "list":
            if not isinstance(written, list):
                wrong_type(self._problems, field.name, "a list of steps", written, pointer)
                return []
            if not written and len(kind.bodies) == 1:
                self._problems.add("missing_steps", f"`{field.name}` needs at least one step.", pointer)
            return [self.body(written, "default" if field.name == "default" else "", pointer, dag=dag)]
        if not isinstance(written, dict):
            wrong_type(self._problems, field.name, "a mapping from value to a list of steps", written, pointer)
            return []
        bodies = []
        for label, steps in in_stored_order(written).items():
            where = child(pointer, label)
            if not isinstance(steps, list):
                wrong_type(self._problems, label, "a list of steps", steps, where)
                continue
            if label == "default" and "default" in _body_names(kind):
                message = (
                    f"`default` inside `{field.name}` would be taken for the step's own `default`; use that instead."
                )
                self._problems.add("invalid_case", message, where, at_key=True)
            bodies.append(self.body(steps, label, where, dag=dag))
        return bodies


def is_branch(kind: StepKind) -> bool:
    """Whether a composite step runs one of several bodies once, so that its inner results keep their names afterwards."""
    return any(body.shape == "map" for body in kind.bodies)


def in_stored_order(cases: Mapping[str, Any]) -> dict[str, Any]:
    """Cases as PostgreSQL's jsonb keeps them: shorter keys first, then by bytes. The order says nothing to the language,
    and bodies are known by their number: so the number survives being stored, and equal documents give equal plans."""
    return dict(sorted(cases.items(), key=lambda case: (len(case[0].encode()), case[0].encode())))


def _body_names(kind: StepKind) -> list[str]:
    return [body.name for body in kind.bodies]


def _outline(body: Any) -> Any:
    """A body as names and types only: what a kind may want to know of it without carrying the steps twice."""
    if isinstance(body, dict):
        return {label: _outline(steps) for label, steps in in_stored_order(body).items()}
    if isinstance(body, list):
        return [{"name": step.get("name"), "type": step.get("type")} for step in body if isinstance(step, dict)]
    return body
