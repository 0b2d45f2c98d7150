"""The JSON of a workflow of n8n, read with care: what cannot be meant is told, what is too much is refused."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from apps.melodies.definition.json_source import read_json
from apps.melodies.definition.limits import Limits
from apps.melodies.definition.n8n.model import (
    LONGEST_NAME,
    MOST_CONNECTIONS,
    MOST_NODES,
    Edge,
    Issue,
    Node,
    Workflow,
)
from apps.melodies.definition.problems import InvalidDocument

LIMITS = Limits(max_bytes=5_000_000, max_depth=60, max_nodes=300_000)
_FARTHEST = 1e6
_SETTINGS = ("retryOnFail", "maxTries", "waitBetweenTries", "continueOnFail", "onError", "notes")


class NotAWorkflowError(ValueError):
    """The document is no workflow of n8n; the message says why."""


def read(source: str | bytes) -> Workflow:
    """Raises `NotAWorkflowError`."""
    try:
        text = source if isinstance(source, str) else source.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NotAWorkflowError("The document is not UTF-8.") from error
    if len(text) > LIMITS.max_bytes:
        raise NotAWorkflowError(f"The document is longer than {LIMITS.max_bytes:,} characters.")
    try:
        value, problems = read_json(text, LIMITS)
    except InvalidDocument as error:
        raise NotAWorkflowError(f"The document is not JSON: {error.problems[0].message}") from error
    if problems:
        raise NotAWorkflowError(f"The document is not JSON as it should be: {problems[0].message}")
    return workflow_of(value)


def workflow_of(value: Any) -> Workflow:
    """From plain values."""
    if not isinstance(value, Mapping) or not isinstance(value.get("nodes"), list):
        raise NotAWorkflowError("A workflow of n8n is an object with a list `nodes` and an object `connections`.")
    if len(value["nodes"]) > MOST_NODES:
        raise NotAWorkflowError(f"The workflow has more than {MOST_NODES:,} nodes.")
    issues: list[Issue] = []
    nodes: dict[str, Node] = {}
    for place, item in enumerate(value["nodes"]):
        node = _node(item, place, issues)
        if node is not None and node.name in nodes:
            issues.append(
                Issue(node.name, node.type, "duplicate_name", "Another node has this name already; left out.")
            )
        elif node is not None:
            nodes[node.name] = node
    edges = list(_edges(value.get("connections"), nodes, issues))
    name = value.get("name")
    title = "".join(sign for sign in name if sign.isprintable()).strip()[:200] if isinstance(name, str) else ""
    return Workflow(title or "Imported workflow", nodes, edges, issues)


def _node(item: Any, place: int, issues: list[Issue]) -> Node | None:
    if not isinstance(item, Mapping):
        issues.append(Issue("", "", "not_a_node", f"The entry {place} of `nodes` is no object; left out."))
        return None
    name, kind = item.get("name"), item.get("type")
    if not isinstance(name, str) or not name.strip() or len(name) > LONGEST_NAME or not isinstance(kind, str):
        issues.append(
            Issue("", "", "not_a_node", f"The entry {place} of `nodes` has no usable `name` and `type`; left out.")
        )
        return None
    parameters = item.get("parameters")
    version = item.get("typeVersion")
    return Node(
        name=name,
        type=kind[:200],
        version=_number(version, 1.0),
        parameters=parameters if isinstance(parameters, Mapping) else {},
        position=_position(item.get("position")),
        disabled=item.get("disabled") is True,
        settings={key: item[key] for key in _SETTINGS if key in item},
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _FARTHEST


def _number(value: Any, default: float) -> float:
    return float(value) if _is_number(value) else default


def _position(value: Any) -> tuple[float, float]:
    if isinstance(value, list) and len(value) == 2 and all(_is_number(one) for one in value):
        x, y = (float(one) for one in value)
        if math.isfinite(x) and math.isfinite(y):
            return x, y
    return 0.0, 0.0


def _edges(value: Any, nodes: Mapping[str, Node], issues: list[Issue]) -> Iterator[Edge]:
    if not isinstance(value, Mapping):
        if value is not None:
            issues.append(Issue("", "", "no_connections", "`connections` is no object; no edge was read."))
        return
    seen: set[Edge] = set()
    for source, ports in value.items():
        if source not in nodes or not isinstance(ports, Mapping):
            issues.append(
                Issue(str(source)[:200], "", "loose_edge", "A connection starts at a node that is not there; left out.")
            )
            continue
        for edge in _of_ports(source, ports):
            if edge.target not in nodes:
                issues.append(
                    Issue(
                        source,
                        nodes[source].type,
                        "loose_edge",
                        f"A connection leads to {edge.target[:80]!r}, which is not there; left out.",
                    )
                )
            elif edge not in seen:
                seen.add(edge)
                if len(seen) > MOST_CONNECTIONS:
                    raise NotAWorkflowError(f"The workflow has more than {MOST_CONNECTIONS:,} connections.")
                yield edge


def _of_ports(source: str, ports: Mapping[str, Any]) -> Iterator[Edge]:
    for port, outputs in ports.items():
        for output, targets in enumerate(outputs if isinstance(outputs, list) else ()):
            for target in targets if isinstance(targets, list) else ():
                if isinstance(target, Mapping) and isinstance(target.get("node"), str):
                    index = target.get("index")
                    yield Edge(
                        source,
                        output,
                        target["node"],
                        index if isinstance(index, int) and 0 <= index < 100 else 0,
                        str(port)[:60],
                    )


__all__ = ["NotAWorkflowError", "read", "workflow_of"]
