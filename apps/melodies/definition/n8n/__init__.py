"""Workflows of n8n as melodies. Pure.

`import_workflow` never raises for what it is given: it answers a valid melody with a list of what did not come over, or
no melody and the reasons. What the steps mean, and what has no counterpart, is told in docs/agents.md.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from apps.melodies.definition.kinds import StepKind
from apps.melodies.definition.n8n.assembling import Assembly
from apps.melodies.definition.n8n.catalogue import part_of
from apps.melodies.definition.n8n.model import Imported, Issue, Workflow
from apps.melodies.definition.n8n.notes import note
from apps.melodies.definition.n8n.reading import NotAWorkflowError, read
from apps.melodies.definition.problems import InvalidDocument
from apps.melodies.definition.validation import load

MOST_PASSES: Final = 6
LONGEST_TRIGGER: Final = 4_000
_STEP: Final = re.compile(r"/steps/(\d+)")


def import_workflow(source: str | bytes, kinds: Mapping[str, StepKind], *, strict: bool = False) -> Imported:
    """A melody of the workflow's JSON. With `strict`, an error leaves no melody at all; else a node that has no
    counterpart is left as a disabled step."""
    try:
        workflow = read(source)
    except NotAWorkflowError as error:
        return Imported(None, [Issue("", "", "not_a_workflow", str(error))])
    assembly = Assembly(workflow)
    steps = assembly.steps()
    if not steps:
        return Imported(
            None, [*assembly.issues, Issue("", "", "empty", "The workflow has no node that could be a step.")]
        )
    document = {"workflow": {"name": workflow.name, "mode": "dag", "metadata": _metadata(workflow), "steps": steps}}
    valid = _made_valid(document, assembly, kinds)
    refused = strict and any(issue.severity == "error" for issue in assembly.issues)
    return Imported(
        document if valid and not refused else None, tuple(assembly.issues), assembly.positions, assembly.names
    )


def _made_valid(document: dict[str, Any], assembly: Assembly, kinds: Mapping[str, StepKind]) -> bool:
    """Whether the document is valid, after steps that cannot stand as they are were left as notes."""
    nodes = {step: assembly.workflow.nodes[name] for name, step in assembly.names.items()}
    for _ in range(MOST_PASSES):
        try:
            load(json.dumps(document), kinds, media="json")
            return True
        except InvalidDocument as invalid:
            problems = [
                (problem.pointer, problem.message) for problem in invalid.problems if problem.severity == "error"
            ]
        changed = False
        for pointer, message in problems:
            step = _step_at(document, pointer)
            node = nodes.get(step["name"]) if step is not None else None
            if step is None or node is None or step.get("enabled") is False:
                continue
            assembly.tell(node, "not_valid", message)
            needs = {"depends_on": step["depends_on"]} if "depends_on" in step else {}
            name = step["name"]
            step.clear()
            step.update({"name": name, **note(node, message), **needs})
            changed = True
        if not changed:
            for pointer, message in problems[:20]:
                assembly.issues.append(Issue("", "", "not_valid", f"{pointer}: {message}"))
            return False
    assembly.issues.append(Issue("", "", "not_valid", "What was made of the workflow is no valid melody."))
    return False


def _step_at(document: Mapping[str, Any], pointer: str) -> dict[str, Any] | None:
    """The innermost step a pointer leads to."""
    found: Any = document.get("workflow")
    step = None
    place = len("/workflow")
    while (match := _STEP.match(pointer, place)) is not None:
        steps = found.get("steps") if isinstance(found, Mapping) else None
        number = int(match[1])
        if not isinstance(steps, list) or number >= len(steps):
            break
        found = step = steps[number]
        place = match.end()
    return step


def _metadata(workflow: Workflow) -> dict[str, Any]:
    """What starts the workflow there: kept, because here a run is started by whoever starts it."""
    triggers = []
    for node in workflow.nodes.values():
        if part_of(node) == "trigger" and not node.disabled:
            small = len(json.dumps(node.parameters)) <= LONGEST_TRIGGER
            triggers.append(
                {"name": node.name, "type": node.type, **({"parameters": dict(node.parameters)} if small else {})}
            )
    return {"imported_from": "n8n", "triggers": triggers}


__all__ = ["Imported", "Issue", "import_workflow"]
