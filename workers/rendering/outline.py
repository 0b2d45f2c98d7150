"""A plan as text, as JSON, and as a Mermaid flowchart."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from workers.compiler.plan import EDGE_CODES, JOIN_KIND, STRIPED, Plan, PlanNode

EDGE_NAMES: Final = {code: name for name, code in EDGE_CODES.items()}
_PLAIN: Final = frozenset({"success", "order"})
_COLUMNS: Final = ("node", "step", "kind", "queue", "starts when", "then", "rank")
_MARKUP: Final = re.compile(r'["#<>&\\`|\[\]{}()\n\r]')


def edges(plan: Plan, node: PlanNode) -> Iterator[tuple[PlanNode, str]]:
    """Successors with the kind of the edge; the virtual end of a body is left out."""
    for number, code in zip(node.successors, node.edge_on, strict=True):
        if plan.nodes[number].kind != JOIN_KIND:
            yield plan.nodes[number], EDGE_NAMES[code % STRIPED]


def shown(plan: Plan) -> list[PlanNode]:
    """All nodes but the virtual ones."""
    return [node for node in plan.nodes if node.kind != JOIN_KIND]


def as_json(plan: Plan) -> list[dict[str, Any]]:
    return [
        {
            "node": node.node,
            "name": node.name,
            "kind": node.kind,
            "queue": node.queue,
            "inline": node.inline,
            "parent": node.parent,
            "depth": node.depth,
            "waits_for": node.open,
            "needs": node.need,
            "successors": [{"node": target.node, "when": when} for target, when in edges(plan, node)],
            "bodies": [{"label": body.label, "first": body.first, "size": body.size} for body in node.bodies],
            "rank": node.rank,
        }
        for node in shown(plan)
    ]


def as_table(plan: Plan) -> list[str]:
    """One line for each step, inner steps below their body's number range."""
    rows = [_COLUMNS, *(_row(plan, node) for node in shown(plan))]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _row(plan: Plan, node: PlanNode) -> tuple[str, ...]:
    then = [f"{target.name}{'' if when in _PLAIN else f' (on {when})'}" for target, when in edges(plan, node)]
    then += [f"{body.label or 'body'}: from {body.first}" for body in node.bodies if body.size]
    return (
        str(node.node),
        "  " * node.depth + node.name,
        node.kind,
        "in place" if node.inline else node.queue,
        _starts(node),
        ", ".join(then),
        f"{node.rank:g}",
    )


def _starts(node: PlanNode) -> str:
    if node.open == 0:
        return "at once" if node.parent is None else "with its body"
    if node.need < node.open:
        return f"{node.need} of {node.open} before it"
    return "the one before it" if node.open == 1 else f"all {node.open} before it"


def as_mermaid(plan: Plan) -> list[str]:
    """Composite steps are subgraphs around their bodies."""
    lines = ["flowchart TD"]
    inside: dict[int | None, list[PlanNode]] = {}
    for node in shown(plan):
        inside.setdefault(node.parent, []).append(node)
    lines += _boxes(plan, inside)
    for node in shown(plan):
        for target, when in edges(plan, node):
            arrow = "-->" if when in _PLAIN else f"-. {when} .->"
            lines.append(f"  n{node.node} {arrow} n{target.node}")
    return lines


def _boxes(plan: Plan, inside: dict[int | None, list[PlanNode]]) -> Iterator[str]:
    """Iterative, for bodies may be nested as deep as documents."""
    pending: list[tuple[str, PlanNode | None, str]] = [("", node, "  ") for node in reversed(inside.get(None, []))]
    while pending:
        text, node, indent = pending.pop()
        if node is None:
            yield text
            continue
        if node.node not in inside:
            yield f'{indent}n{node.node}["{_label(node)}"]'
            continue
        yield f'{indent}subgraph n{node.node}["{_label(node)}"]'
        pending.append((f"{indent}end", None, ""))
        for body in reversed(node.bodies):
            own = [plan.nodes[number] for number in range(body.first, body.first + body.size)]
            within = [child for child in own if child.kind != JOIN_KIND]
            deeper = indent + ("    " if body.label else "  ")
            if body.label and within:
                pending.append((f"{indent}  end", None, ""))
            pending.extend(("", child, deeper) for child in reversed(within))
            if body.label and within:
                pending.append((f'{indent}  subgraph b{body.first}["{_escaped(body.label)}"]', None, ""))


def _label(node: PlanNode) -> str:
    return f"{_escaped(node.name)}<br/><i>{_escaped(node.kind)}</i>"


def _escaped(text: str) -> str:
    """Mermaid reads `#35;` as a character; so no name can end its label or begin markup."""
    return _MARKUP.sub(lambda found: f"#{ord(found.group())};", text)
