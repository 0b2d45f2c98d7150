"""What an expression reads, found without running it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from apps.melodies.definition.expressions.errors import ExpressionError
from apps.melodies.definition.expressions.nodes import Environment, Name, Node, Path, PerItem, children

NAMESPACES = frozenset(
    {"steps", "state", "inputs", "loop", "workflow", "global_vars", "variables", "config", "environment", "step"}
)

_REFUSED = (
    "Secrets cannot be read in templates: they would end up in results and events."
    " Name the secret in a field of the step that is made for it"
)


@dataclass(frozen=True, slots=True)
class References:
    """Names an expression reads.

    `variables` are names that can only be variables (`state.x`). `bare` are roots like the x of `x.y`, which may be
    loop items, variables, steps, inputs or built-ins. `maybe` are bare roots inside the condition of any, all, count,
    filter or map: usually fields of the items, but an item without the field lets the name mean what it means outside.
    `environment` are the names of `${NAME}`. `namespaces` are those of NAMESPACES that are read as a whole, or hold no steps,
    variables, inputs or loop data.
    """

    steps: frozenset[str] = frozenset()
    variables: frozenset[str] = frozenset()
    bare: frozenset[str] = frozenset()
    inputs: frozenset[str] = frozenset()
    loop: bool = False
    maybe: frozenset[str] = frozenset()
    environment: frozenset[str] = frozenset()
    namespaces: frozenset[str] = frozenset()


NOTHING = References()


def union(many: Iterable[References]) -> References:
    """All references together."""
    found = [references for references in many if references is not NOTHING]
    if len(found) < 2:
        return found[0] if found else NOTHING
    return References(
        steps=frozenset().union(*(each.steps for each in found)),
        variables=frozenset().union(*(each.variables for each in found)),
        bare=frozenset().union(*(each.bare for each in found)),
        inputs=frozenset().union(*(each.inputs for each in found)),
        loop=any(each.loop for each in found),
        maybe=frozenset().union(*(each.maybe for each in found)),
        environment=frozenset().union(*(each.environment for each in found)),
        namespaces=frozenset().union(*(each.namespaces for each in found)),
    )


def references_of(node: Node) -> References:
    """The references of a whole tree. Naming a secret is an error."""
    names: dict[str, set[str]] = {}
    pending = [(node, False)]
    while pending:
        current, per_item = pending.pop()
        if isinstance(current, Path) and isinstance(current.root, Name):
            kind, name = _read_path(current, current.root, per_item=per_item)
            if kind:
                names.setdefault(kind, set()).add(name)
        elif isinstance(current, PerItem):
            per_item = True
        elif isinstance(current, Environment):
            names.setdefault("environment", set()).add(current.name)
        pending.extend([(child, per_item) for child in children(current) if type(child) is not Name])
    if not names:
        return NOTHING
    loop = names.pop("loop", None) is not None
    return References(loop=loop, **{kind: frozenset(found) for kind, found in names.items()})


def _read_path(path: Path, root: Name, *, per_item: bool) -> tuple[str, str]:
    if root.name == "secrets" and path.segments and not per_item:
        raise ExpressionError(_REFUSED, root.position)
    return _read(root.name, path.segments[0] if path.segments else None, per_item=per_item)


def _read(root: str, field: object, *, per_item: bool) -> tuple[str, str]:
    """The kind of name a path reads, and the name. Kind "" means nothing that needs to be known."""
    if root == "loop":
        return ("maybe" if per_item and field is None else "loop", root)
    if root in NAMESPACES and isinstance(field, (str, int)):
        kinds = {"steps": "steps", "state": "variables", "variables": "variables", "inputs": "inputs"}
        return (kinds[root], str(field)) if root in kinds else ("namespaces", root)
    if root in NAMESPACES and root != "steps":
        return ("namespaces", root)
    if per_item:
        return ("" if root in ("item", "record") else "maybe", root)
    return ("bare", root)
