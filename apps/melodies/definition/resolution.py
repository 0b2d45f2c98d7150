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


class Resolver:
    """Resolves the names of one document, whose workflow variables are `variables`."""

    def __init__(self, root: DraftBody, variables: Collection[str], problems: ProblemList) -> None:
        self._root = root
        self._variables = {*variables, *root.setters}
        self._problems = problems
        self._owners: dict[str, str] | None = None

    def resolve(self) -> None:
        """Resolve everything; explicit edges must be there already."""
        self._body(self._root, [], ())

    def _body(self, body: DraftBody, around: list[_Level], loop_items: tuple[str, ...]) -> None:
        for place, step in enumerate(body.steps):
            if not (step.uses or step.variables or step.bodies):
                continue
            levels = [*around, _Level(body, place)]
            self._uses(step, levels, loop_items)
            if step.variables:
                self._variable_edges(step, levels)
            inside = (*loop_items, step.loop_item) if step.loop_item else loop_items
            for below in step.bodies:
                self._body(below, levels, inside)

    def _uses(self, step: Draft, levels: list[_Level], loop_items: tuple[str, ...]) -> None:
        for use in step.uses:
            if use.how != "step" and use.name in loop_items:
                continue
            if use.how != "step" and use.name in self._variables:
                step.variables.append(use.name)
            elif use.how == "maybe":
                self._maybe(use, step, levels)
            elif (target := self._find(use, step, levels)) is not None:
                self._read(use, target, step, levels)
            elif any(use.name in body.positions for body in step.bodies):
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
                own = found == place and any(use.name in below.positions for below in step.bodies)
                return None if own else _Target(depth, found, None)
            holders = _holders(body, use.name, place)
            if len(holders) > 1:
                names = " and ".join(f"`{body.steps[holder].name}`" for holder in holders)
                message = f"There is a step `{use.name}` in {names}; say which by steps.{body.steps[holders[0]].name}.results.{use.name}."
                self._problems.add("ambiguous_step", message, use.pointer)
            if holders:
                return _Target(depth, holders[0], body.steps[holders[0]].name)
        return None

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

    def _read(self, use: Use, target: _Target, step: Draft, levels: list[_Level]) -> None:
        body, place = levels[target.depth]
        reader, read = body.steps[place], body.steps[target.place]
        if target.place == place:
            if reader is step:
                self._problems.add("self_reference", f"The step `{step.name}` refers to its own result.", use.pointer)
            else:
                message = f"`{use.name}` is the step around this one; it has no result before this one has ended."
                self._problems.add("self_reference", message, use.pointer)
            return
        if body.dag:
            reader.edges.setdefault(read.name, Edge(read.name))
        elif target.place > place:
            message = (
                f"The step `{read.name}` runs after this one, so it has no result yet; move it up, or use `depends_on`."
            )
            self._problems.add("later_step", message, use.pointer)
        step.reads.setdefault((use.name, target.depth), Read(use.name, target.depth, target.via))

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

    def _unknown(self, use: Use, levels: list[_Level]) -> None:
        if self._problems.full:
            self._problems.add("unknown_step", f"There is no step `{use.name}`.", use.pointer)
            return
        if self._owners is None:
            self._owners = _owners(self._root)
        owner = self._owners.get(use.name)
        if owner is not None:
            message = (
                f"The step `{use.name}` runs inside `{owner}` and cannot be read from here; read steps.{owner} instead."
            )
            self._problems.add("unknown_step", message, use.pointer)
            return
        if not self._problems.wants_suggestions:
            levels = []
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
