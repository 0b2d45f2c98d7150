"""What the names in a document stand for: loop items, variables, steps. Gives each step its reads and data edges."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection
from typing import NamedTuple

from .drafts import Draft, DraftBody
from .model import Edge, Read
from .problems import ProblemList
from .references import Use

_SHOWN = 5


class _Level(NamedTuple):
    """A body around the step at hand, and the place in it of the step that is, or holds, the one at hand."""

    body: DraftBody
    place: int


class _Target(NamedTuple):
    depth: int
    place: int
    via: str | None
    field: bool = False


class Resolver:
    """Resolves the names of one document. A nested workflow is a namespace of its own: what is around it cannot be seen."""

    def __init__(self, root: DraftBody, problems: ProblemList) -> None:
        self._root = root
        self._problems = problems
        self._owners: dict[str, str] | None = None
        self._insides: dict[int, frozenset[str]] = {}

    def resolve(self) -> None:
        """Resolve everything; explicit edges must be there already."""
        self._body(self._root, [], (), frozenset())

    def _body(self, body: DraftBody, around: list[_Level], items: tuple[str, ...], variables: frozenset[str]) -> None:
        if body.workflow is not None:
            items, variables = (), frozenset((*body.workflow.variables, *body.setters))
        for place, step in enumerate(body.steps):
            if step.siblings:
                self._siblings(step, body)
            if not (step.uses or step.variables or step.bodies):
                continue
            levels = [*around, _Level(body, place)]
            if step.uses:
                hidden = frozenset((*items, *step.common.variables)) if step.common.variables else items
                self._uses(step, levels, hidden, variables)
            if step.variables:
                self._variable_edges(step, levels)
            for below in step.bodies:
                self._body(below, levels, (*items, *below.items) if below.items else items, variables)

    def _siblings(self, step: Draft, body: DraftBody) -> None:
        for name, pointer in step.siblings:
            if name not in body.positions:
                message = f"There is no step `{name[:80]}` in the same list of steps."
                self._problems.add("unknown_step", message, pointer, meant=(name, body.positions))

    def _uses(self, step: Draft, levels: list[_Level], hidden: Collection[str], variables: frozenset[str]) -> None:
        for use in step.uses:
            if use.how != "step" and use.name in hidden:
                continue
            if use.how != "step" and use.name in variables:
                step.variables.append(use.name)
            elif use.how == "maybe":
                self._maybe(use, step, levels)
            elif (target := self._find(use, step, levels)) is not None:
                self._read(use, target, step, levels)
            elif step.bodies and use.name in self._inside(step):
                # A loop may look at its own inner steps to decide whether to go on.
                continue
            elif use.how == "bare":
                step.variables.append(use.name)
            else:
                self._unknown(use, levels)

    def _find(self, use: Use, step: Draft, levels: list[_Level]) -> _Target | None:
        """The step of that name nearest to the reader: same body first, then the bodies around it."""
        for depth in range(len(levels) - 1, -1, -1):
            body, place = levels[depth]
            found = body.positions.get(use.name)
            if found is not None:
                own = found == place and bool(step.bodies) and use.name in self._inside(step)
                return None if own else _Target(depth, found, None)
            holders = _holders(body, use.name, place)
            if len(holders) > 1:
                names = " and ".join(f"`{body.steps[holder].name}`" for holder in holders)
                message = f"There is a step `{use.name}` in {names}; say which by steps.{body.steps[holders[0]].name}.results.{use.name}."
                self._problems.add("ambiguous_step", message, use.pointer)
            if holders:
                return _Target(depth, holders[0], body.steps[holders[0]].name)
            named = _named_outputs(body, use.name, place)
            if named is not None:
                return _Target(depth, named, body.steps[named].name, field=True)
            if body.workflow is not None:
                break
        return None

    def _inside(self, step: Draft) -> frozenset[str]:
        """The names of the steps a composite step may look at by name: its own, but not those of a namespace of their own."""
        key = id(step)
        if key not in self._insides:
            below = [body for body in step.bodies if body.workflow is None and not body.handler]
            self._insides[key] = frozenset().union(*(body.positions for body in below))
        return self._insides[key]

    def _maybe(self, use: Use, step: Draft, levels: list[_Level]) -> None:
        """A name that is most likely a field of list items. If it is a step too, let that one run before, but insist on
        nothing."""
        for depth in range(len(levels) - 1, -1, -1):
            body, place = levels[depth]
            found = body.positions.get(use.name)
            if found is not None:
                if found != place and (body.dag or found < place):
                    step.reads.setdefault((use.name, depth), Read(use.name, depth))
                    if body.dag:
                        body.wishes.append((found, place))
                return
            if body.workflow is not None:
                return

    def _read(self, use: Use, target: _Target, step: Draft, levels: list[_Level]) -> None:
        body, place = levels[target.depth]
        reader, read = body.steps[place], body.steps[target.place]
        earlier_pass = False
        if target.place == place:
            handler = levels[target.depth + 1].body if reader is not step else None
            if handler is not None and handler.field == "compensate":
                pass
            elif body.repeats:
                earlier_pass = True
            else:
                self._own_result(use, step, handler)
                return
        elif body.dag:
            reader.edges.setdefault(read.name, Edge(read.name))
        elif target.place > place:
            if not body.repeats:
                self._later(use, read, levels[target.depth + 1 :])
                return
            earlier_pass = True
        found = Read(use.name, target.depth, target.via, target.field, earlier_pass)
        step.reads.setdefault((use.name, target.depth), found)

    def _own_result(self, use: Use, step: Draft, handler: DraftBody | None) -> None:
        if handler is None:
            message = f"The step `{step.name}` refers to its own result."
        elif handler.handler:
            message = f"`{use.name}` has failed when these steps run, so it has no result; read {{{{error.message}}}} or {{{{error.code}}}}."
        else:
            message = f"`{use.name}` is the step around this one; it has no result before this one has ended."
        self._problems.add("self_reference", message, use.pointer)

    def _later(self, use: Use, read: Draft, inside: list[_Level]) -> None:
        name = read.name if use.name == read.name else use.name
        way = "move it up" if inside else "move it up, or use `depends_on`"
        message = f"The step `{name}` runs after this one, so it has no result yet; {way}."
        self._problems.add("later_step", message, use.pointer)

    def _variable_edges(self, step: Draft, levels: list[_Level]) -> None:
        """Wish for an edge from the one step that sets a variable, in the nearest body where anybody sets it."""
        step.variables = list(dict.fromkeys(step.variables))
        for variable in step.variables:
            for body, place in reversed(levels):
                setters = body.setters.get(variable)
                if setters and setters != [place]:
                    if body.dag and len(setters) == 1:
                        body.wishes.append((setters[0], place))
                    break
                if body.workflow is not None:
                    break

    def _unknown(self, use: Use, levels: list[_Level]) -> None:
        if self._problems.full:
            self._problems.add("unknown_step", f"There is no step `{use.name}`.", use.pointer)
            return
        if not self._problems.wants_suggestions:
            levels = []
        start = max((depth for depth, level in enumerate(levels) if level.body.workflow is not None), default=0)
        if any(use.name in body.positions or use.name in body.inner for body, _ in levels[:start]):
            message = (
                f"The step `{use.name}` is outside of this nested workflow, which sees nothing around it; hand the value over "
                f"by the `inputs` of the step that holds it, and read it as inputs.NAME."
            )
            self._problems.add("unknown_step", message, use.pointer)
            return
        levels = levels[start:]
        if self._owners is None:
            self._owners = _owners(self._root)
        owner = self._owners.get(use.name)
        if owner is not None:
            message = (
                f"The step `{use.name}` runs inside `{owner}` and cannot be read from here; read steps.{owner} instead."
            )
            self._problems.add("unknown_step", message, use.pointer)
            return
        names = [name for body, _ in levels for known in (body.positions, body.inner) for name in known]
        self._problems.add("unknown_step", f"There is no step `{use.name}`.", use.pointer, meant=(use.name, names))


def _holders(body: DraftBody, name: str, place: int) -> list[int]:
    """Places of branches, other than the one at `place`, that hold a step of that name; a few are enough to choose or to
    complain. Where order matters, those before `place` come first."""
    places = body.inner.get(name)
    if not places:
        return []
    earlier = 0 if body.dag else bisect_left(places, place)
    return places[: min(earlier, _SHOWN)] if earlier else [other for other in places[: _SHOWN + 1] if other != place]


def _named_outputs(body: DraftBody, name: str, place: int) -> int | None:
    """The place of the step whose result holds a field that its `output_field` calls by this name: the last one before
    `place`, where order matters."""
    places = body.aliases.get(name, ())
    if body.dag:
        return next((other for other in places if other != place), None)
    earlier = bisect_left(places, place)
    return places[earlier - 1] if earlier else None


def _owners(root: DraftBody) -> dict[str, str]:
    """For the name of every inner step, the name of the composite step it is in."""
    owners: dict[str, str] = {}
    pending = [root]
    while pending:
        for step in pending.pop().steps:
            for body in step.bodies:
                owners.update((inner.name, step.name) for inner in body.steps)
                pending.append(body)
    return owners
