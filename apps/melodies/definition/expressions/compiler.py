"""From the syntax tree to closures. Each closure takes the frame of one evaluation and gives a value."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from apps.melodies.definition.expressions.environment import read_environment
from apps.melodies.definition.expressions.errors import ExpressionError
from apps.melodies.definition.expressions.functions import FUNCTIONS, PER_ITEM_USAGE
from apps.melodies.definition.expressions.named import compile_named
from apps.melodies.definition.expressions.nodes import (
    Between,
    Call,
    Chain,
    Check,
    Choice,
    Compare,
    Each,
    Environment,
    Item,
    ListOf,
    Literal,
    Logic,
    MapOf,
    Name,
    Negative,
    Node,
    Not,
    Path,
    PerItem,
    Text,
    children,
)
from apps.melodies.definition.expressions.operators import ARITHMETIC, COMPARISONS, between, is_empty, negative
from apps.melodies.definition.expressions.paths import Step, walk
from apps.melodies.definition.expressions.scope import MISSING, Frame, Missing, Run
from apps.melodies.definition.expressions.values import Impossible, is_list, kind_of, solid, to_text, truthy

Steps = Callable[[Frame], tuple[Step, ...]]


def compile_node(node: Node) -> Run:
    """The closure of a tree. Depth is bounded by the parser."""
    match node:
        case Literal(value):
            return lambda frame: value
        case Path(root, segments):
            return _path(root, segments)
        case Item():
            return _item
        case Environment(name, default, position):
            return lambda frame: read_environment(name, default, frame.scope.environment, position)
        case Chain():
            return _chain(node)
        case Logic():
            return _logic(node)
        case Compare() | Between() | Check() | Not():
            return _test(node)
        case Choice(condition, then, otherwise):
            return _choice(compile_node(condition), compile_node(then), compile_node(otherwise))
        case Negative(operand, position):
            return _negative(compile_node(operand), position)
        case Call():
            return _per_item_call(node) if node.name in PER_ITEM_USAGE else _call(node)
        case Text() | ListOf() | MapOf():
            return _composed(node)
        case Name():
            return _path(node, ())
        case PerItem(body):
            return compile_node(body)


def _item(frame: Frame) -> Any:
    return None if frame.item is MISSING else frame.item


def _path(root: Node, segments: tuple[str | int | Each | Node, ...]) -> Run:
    if isinstance(root, Name):
        fixed, rest = _named_field(root, segments)
        return compile_named(root.name, fixed, _steps(rest), root.position)
    base, steps = compile_node(root), _steps(segments)

    def run(frame: Frame) -> Any:
        value = base(frame)
        if type(value) is Impossible:
            return value
        found = walk(value, steps(frame), frame.budget)
        return None if found is MISSING else found

    return run


def _named_field(root: Name, segments: tuple[str | int | Each | Node, ...]) -> tuple[str | None, tuple[Any, ...]]:
    """The field directly below a root when it is fixed, and the remaining segments."""
    if segments and isinstance(segments[0], (str, int)):
        return str(segments[0]), segments
    return None, segments


def _steps(segments: tuple[str | int | Each | Node, ...]) -> Steps:
    fixed = tuple(segment for segment in segments if isinstance(segment, (str, int, Each)))
    if len(fixed) == len(segments):
        return lambda frame: fixed
    parts = [part if isinstance(part, (str, int, Each)) else compile_node(part) for part in segments]
    return lambda frame: tuple(_key(part(frame)) if callable(part) else part for part in parts)


def _key(value: Any) -> str | int | Missing:
    """A computed index or field name; null leads nowhere."""
    if value is None:
        return MISSING
    if isinstance(value, str) or type(value) is int:
        return value
    if type(value) is float and value.is_integer():
        return int(value)
    raise ExpressionError(f"An index must be a number or a text, got {kind_of(value)}")


def _chain(node: Chain) -> Run:
    first = compile_node(node.first)
    rest = tuple((ARITHMETIC[operator], compile_node(operand), position) for operator, operand, position in node.rest)

    def run(frame: Frame) -> Any:
        value = first(frame)
        for operate, operand, position in rest:
            other = operand(frame)
            try:
                value = operate(value, other, frame.budget)
            except ExpressionError as error:
                raise ExpressionError(error.message, position) from None
            if type(value) is Impossible and not value.position:
                value = replace(value, position=position)
        return value

    return run


def _negative(operand: Run, position: int) -> Run:
    def run(frame: Frame) -> Any:
        value = negative(operand(frame), frame.budget)
        return replace(value, position=position) if type(value) is Impossible else value

    return run


def _logic(node: Logic) -> Run:
    operands = [compile_node(operand) for operand in node.operands]
    *leading, last = operands
    decisive = node.operator == "or"

    def run(frame: Frame) -> Any:
        for operand in leading:
            value = operand(frame)
            if truthy(value) is decisive:
                return value
        return last(frame)

    return run


def _choice(condition: Run, then: Run, otherwise: Run) -> Run:
    return lambda frame: then(frame) if truthy(condition(frame)) else otherwise(frame)


def _test(node: Compare | Between | Check | Not) -> Run:
    match node:
        case Compare(operator, left, right):
            return _compare(operator, compile_node(left), compile_node(right))
        case Between(value, low, high):
            subject, lower, upper = compile_node(value), compile_node(low), compile_node(high)
            return lambda frame: between(subject(frame), lower(frame), upper(frame))
        case Check("exists", operand):
            checked = compile_node(operand)
            return lambda frame: not isinstance(value := checked(frame), Impossible) and value is not None
        case Check(_, operand):
            checked = compile_node(operand)
            return lambda frame: is_empty(checked(frame))
        case Not(operand):
            negated = compile_node(operand)
            return lambda frame: not truthy(negated(frame))


def _compare(operator: str, left: Run, right: Run) -> Run:
    test = COMPARISONS[operator]
    return lambda frame: test(left(frame), right(frame), frame.budget)


def _composed(node: Text | ListOf | MapOf) -> Run:
    if isinstance(node, ListOf):
        items = [compile_node(item) for item in node.items]
        return lambda frame: [solid(item(frame)) for item in items]
    if isinstance(node, MapOf):
        entries = [(key, compile_node(entry)) for key, entry in node.entries]
        return lambda frame: {key: solid(entry(frame)) for key, entry in entries}
    parts = [part if isinstance(part, str) else compile_node(part) for part in node.parts]

    def run(frame: Frame) -> str:
        text = "".join(part if isinstance(part, str) else to_text(part(frame), frame.budget) for part in parts)
        frame.budget.written(len(text))
        return text

    return run


def _call(node: Call) -> Run:
    function = FUNCTIONS[node.name]
    arguments = tuple(compile_node(argument) for argument in node.arguments)
    compute, position = function.run, node.position

    def run(frame: Frame) -> Any:
        values = [solid(argument(frame)) for argument in arguments]
        try:
            value = compute(frame.budget, *values)
        except ExpressionError as error:
            raise ExpressionError(error.message, position) from None
        return replace(value, position=position) if type(value) is Impossible else value

    return run


def _per_item_call(node: Call) -> Run:
    name, position = node.name, node.position
    source = compile_node(node.arguments[0])
    body = compile_node(node.arguments[1]) if len(node.arguments) == 2 else _item
    cost = _cost(node.arguments[1]) if len(node.arguments) == 2 else 1
    decide = _PER_ITEM[name]
    size_only = name == "count" and len(node.arguments) == 1

    def run(frame: Frame) -> Any:
        value = solid(source(frame))
        if size_only:
            return len(value) if isinstance(value, (list, tuple, dict, str)) else 0
        if not is_list(value):
            return _without_list(name, value, position)
        frame.budget.fits(len(value))
        outer = frame.item
        try:
            return decide(_outcomes(frame, value, body, cost))
        finally:
            frame.item = outer

    return run


def _without_list(name: str, value: Any, position: int) -> Any:
    """What a per-item function gives when there is no list. Without checks nothing is checked, so `all` is false."""
    if value is not None and name in ("filter", "map"):
        raise ExpressionError(f"{PER_ITEM_USAGE[name]} needs a list, got {kind_of(value)}", position)
    return {"any": False, "all": False, "count": 0}.get(name, [])


def _outcomes(frame: Frame, items: list[Any] | tuple[Any, ...], body: Run, cost: int) -> Iterator[tuple[Any, Any]]:
    """Pairs of an item and what the body gives for it. The caller restores the frame's item."""
    for item in items:
        frame.budget.spend(cost)
        frame.item = item
        yield item, body(frame)


_PER_ITEM: dict[str, Callable[[Iterator[tuple[Any, Any]]], Any]] = {
    "any": lambda outcomes: any(truthy(outcome) for _, outcome in outcomes),
    "all": lambda outcomes: all(truthy(outcome) for _, outcome in outcomes),
    "count": lambda outcomes: sum(truthy(outcome) for _, outcome in outcomes),
    "filter": lambda outcomes: [item for item, outcome in outcomes if truthy(outcome)],
    "map": lambda outcomes: [solid(outcome) for _, outcome in outcomes],
}


def _cost(node: Node) -> int:
    """Steps of computing a body once: its operators and calls; long paths count as well."""
    steps = 0
    pending = [node]
    while pending:
        current = pending.pop()
        if isinstance(current, Path):
            steps += len(current.segments) // 4
        elif not isinstance(current, (Literal, Name, Item, PerItem)):
            steps += max(1, len(children(current)) - 1)
        pending.extend(children(current))
    return max(1, steps)


def builds_values(node: Node) -> bool:
    """False when the outcome is always a part of what the scope holds, so that its size needs no look."""
    if isinstance(node, (Call, ListOf, MapOf, Chain, Negative)):
        return True
    return any(builds_values(child) for child in children(node))
