"""What the engine does when something happens below it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from django.dispatch import receiver

from apps.executions.services import store_plan
from apps.melodies.definition import Definition
from apps.melodies.definition.collector import paused_collector
from apps.melodies.definition.kinds import known_kinds
from apps.melodies.events import version_published
from apps.melodies.models import MelodyVersion
from workers.compiler.canvas import look_ahead
from workers.compiler.plan import Plan, PlanNode, compile_plan


@receiver(version_published)
def plan_version(version: MelodyVersion, definition: Definition, **_: Any) -> None:
    """Compile a version once, when it is published, and store the plan with it."""
    with paused_collector():
        plan = compile_plan(definition, known_kinds())
        store_plan(version=version, nodes=(_row(plan, node) for node in plan.nodes))


def _row(plan: Plan, node: PlanNode) -> dict[str, Any]:
    row = {name: getattr(node, name) for name in _STORED}
    row["params"] = dict(node.params)
    row["bodies"] = [asdict(body) for body in node.bodies]
    row["successors"] = _array(node.successors)
    row["edge_on"] = _array(node.edge_on)
    row["stripes"] = _array(node.stripes)
    row["ahead"] = look_ahead(plan, node)
    row["requires"] = None if node.requires is None else _array(node.requires)
    return row


def _array(items: Sequence[int | str]) -> str:
    """An array of numbers or plain names as PostgreSQL writes it; from JSON it would be cast element by element."""
    return "{" + ",".join(map(str, items)) + "}"


_STORED = (
    "node",
    "name",
    "kind",
    "queue",
    "inline",
    "parent",
    "depth",
    "condition",
    "open",
    "need",
    "wants",
    "tolerates",
    "handled",
    "ends",
    "compensates",
    "exclusive",
    "reads",
    "variables",
    "options",
    "rank",
)
