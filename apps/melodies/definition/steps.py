"""Reading the steps of a document: names, kinds, fields, and the bodies of composite steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from pydantic import BaseModel

from .bodies import BodyReader
from .common_fields import NOTHING_SAID, UNDERSTOOD, CommonFields, read_common
from .drafts import Draft, DraftBody, set_by
from .fields import read_name, what, wrong_type
from .kinds import StepKind
from .params import ParamsChecker, Path, own_names
from .pointers import child
from .problems import InvalidDocument, Problem, ProblemList
from .references import ReferenceReader, StepUses
from .suggestions import suggest
from .workflow import Workflow


class _NoFields(BaseModel):
    """Stands in for the model of a kind nobody knows, so that its steps keep their names."""


_UNKNOWN = StepKind(name="", params=_NoFields, summary="")
_ALL_COMMON: frozenset[str] = frozenset()
_READ_AS_COMMON = frozenset({"output_schema"})
"""What is checked for all kinds alike, even where a kind wants to see it."""
_SHOWN = 80


class StepReader:
    """Reads the steps of one workflow. Steps that are too broken to go on with are reported and left out."""

    def __init__(
        self,
        kinds: Mapping[str, StepKind],
        workflow: Workflow,
        problems: ProblemList,
        references: ReferenceReader | None = None,
    ) -> None:
        self._kinds = kinds
        self._defaults = workflow.defaults
        self._functions = workflow.functions
        self._problems = problems
        self._references = references or ReferenceReader(problems)
        self._bodies = BodyReader(self, problems)

    def within(self, workflow: Workflow) -> StepReader:
        """A reader for a workflow nested in this one. Its steps may use the functions defined around it."""
        inner = replace(workflow, functions=workflow.functions | self._functions)
        return StepReader(self._kinds, inner, self._problems, self._references)

    def workflow(self, workflow: Workflow) -> DraftBody:
        """Read the steps of the workflow this reader is for."""
        wants_dag = workflow.mode == "dag" or bool(workflow.connections)
        body = self.body(workflow.steps, workflow.name, workflow.steps_at, dag=wants_dag)
        if body.dag and workflow.mode == "order":
            culprit = "connections" if workflow.connections else "steps with `depends_on`"
            message = f"`mode: order` runs the steps one after the other, but there are {culprit}; write mode: dag or leave it out."
            self._problems.add("conflicting_fields", message, child(workflow.pointer, "mode"))
        body.workflow = workflow
        return body

    def body(self, written: list[Any], label: str, pointer: str, *, dag: bool) -> DraftBody:
        """Read a list of steps."""
        body = DraftBody(label, pointer, [], dag)
        for index, item in enumerate(written):
            self.add(body, item, child(pointer, index))
        return body

    def add(self, body: DraftBody, item: Any, pointer: str) -> None:
        """Read one step of a body. Raises `InvalidDocument` when there are too many in the document."""
        if not self._problems.allowance.affords("max_steps"):
            message = f"The document has more than {self._problems.allowance.limits.max_steps:,} steps (aliases count each time they are used)."
            raise InvalidDocument([Problem("too_many_steps", message, pointer)])
        step = self._step(item, pointer)
        if step is None:
            return
        if step.common.depends_on is not None:
            body.dag = True
        place = len(body.steps)
        if body.positions.setdefault(step.name, place) != place:
            first = body.steps[body.positions[step.name]].pointer
            message = f"The name `{step.name[:_SHOWN]}` is taken already by the step at {first}; names are unique within a list of steps."
            self._problems.add("duplicate_name", message, child(pointer, "name"))
        body.steps.append(step)
        self._index(body, step, place)

    def _index(self, body: DraftBody, step: Draft, place: int) -> None:
        alias = step.params.get("output_field")
        if isinstance(alias, str):
            body.aliases.setdefault(alias, []).append(place)
        if not (step.bodies or step.kind.sets_variables or step.common.error_output):
            return
        for variable in set_by(step):
            places = body.setters.setdefault(variable, [])
            if not places or places[-1] != place:
                places.append(place)
        if is_branch(step.kind):
            inside = [below for below in step.bodies if not below.handler]
            for name in {inner.name for below in inside for inner in below.steps}:
                body.inner.setdefault(name, []).append(place)

    def _step(self, item: Any, pointer: str) -> Draft | None:
        if not isinstance(item, dict):
            message = f"A step should be a mapping with `name` and `type`, not {what(item)}."
            self._problems.add("wrong_type", message, pointer)
            return None
        name = read_name(item, "A step", pointer, self._problems)
        kind = self._kind(item, pointer)
        own = own_names(kind.params) if kind is not None else _ALL_COMMON
        said = {**kind.common(item), **item} if kind is not None and kind.common is not None else item
        common = read_common(said, own, pointer, self._problems)
        if kind is None:
            return Draft(name, _UNKNOWN, pointer, {}, common, [], [], [], self._defaults) if name is not None else None
        bodies, given = self._bodies.read(kind, item, pointer)
        params, uses = self._params(kind, item, pointer, given)
        if common is not NOTHING_SAID:
            self._common_references(common, pointer, uses)
        if name is None:
            return None
        draft = Draft(name, kind, pointer, params, common, uses.uses, uses.variables, bodies, self._defaults)
        if kind.steps:
            draft.siblings = _siblings(kind, params, pointer)
        return draft

    def _kind(self, item: Mapping[str, Any], pointer: str) -> StepKind | None:
        written = item.get("type")
        if isinstance(written, str):
            kind = self._kinds.get(written)
            if kind is None:
                message = f"There is no step type `{written[:_SHOWN]}`."
                if not suggest(written, self._kinds):
                    message = f"{message[:-1]}; known are {', '.join(sorted(self._kinds))}."
                if "{{" in written:
                    message = "The `type` of a step cannot be a template; use a `switch` with one case for each type."
                self._problems.add("unknown_type", message, child(pointer, "type"), meant=(written, self._kinds))
            return kind
        if written is None:
            where = child(pointer, "type") if "type" in item else pointer
            self._problems.add("missing_type", "A step needs a `type`.", where)
        else:
            wrong_type(self._problems, "type", "text", written, child(pointer, "type"))
        return None

    def _common_references(self, common: CommonFields, pointer: str, uses: StepUses) -> None:
        if common.condition is not None:
            self._references.condition(common.condition, child(pointer, "condition"), uses)
        if common.output_to_file is not None:
            self._references.template(common.output_to_file, child(pointer, "output_to_file"), uses)
        if common.variables:
            self._references.templates(common.variables, child(pointer, "variables"), uses)
        if common.cache is not None and common.cache.key is not None:
            self._references.template(common.cache.key, f"{pointer}/cache/key", uses)

    def _params(
        self, kind: StepKind, item: Mapping[str, Any], pointer: str, given: Mapping[str, Any]
    ) -> tuple[dict[str, Any], StepUses]:
        """A step's own fields, checked and completed by the defaults, and what they refer to.

        Bodies the kind's model asks for are in there as an outline of names and types.
        """
        own = own_names(kind.params)
        params: dict[str, Any] = {}
        for key, value in item.items():
            if key in given:
                if key in own:
                    params[key] = given[key]
            elif key in own or not (key in UNDERSTOOD or (key == "mode" and kind.bodies)):
                params[key] = value
        silent = _READ_AS_COMMON.union(given) if given else _READ_AS_COMMON
        uses = self._references.read(kind, params, pointer, given)
        filled = self._defaults.complete(kind, params)
        for path, value, where in filled:
            self._references.value(value, kind, path, where, uses)
        elsewhere: dict[Path, str] = {path: where for path, _, where in filled}
        params = ParamsChecker(kind, pointer, self._problems, silent=silent, elsewhere=elsewhere).check(params)
        if "functions" in own:
            self._check_functions(params.get("functions"), child(pointer, "functions"))
        return params, uses

    def _check_functions(self, functions: Any, pointer: str) -> None:
        for index, name in enumerate(functions if isinstance(functions, list) else ()):
            if isinstance(name, str) and name not in self._functions and "{{" not in name:
                message = f"There is no function `{name[:_SHOWN]}`; define it in the workflow's `gemini_functions`."
                self._problems.add("unknown_function", message, child(pointer, index), meant=(name, self._functions))


def _siblings(kind: StepKind, params: Mapping[str, Any], pointer: str) -> list[tuple[str, str]]:
    """The steps named by the kind's `steps` fields, each with where."""
    found: list[tuple[str, str]] = []
    for field in kind.steps:
        value, where = params.get(field), child(pointer, field)
        if isinstance(value, str):
            found.append((value, where))
        elif isinstance(value, list):
            found.extend((name, child(where, index)) for index, name in enumerate(value) if isinstance(name, str))
    return [(name, where) for name, where in found if "{{" not in name]


def is_branch(kind: StepKind) -> bool:
    """Whether a composite step runs one of several bodies once, so that its inner results keep their names afterwards."""
    return kind.branches or any(body.shape == "map" for body in kind.bodies)
