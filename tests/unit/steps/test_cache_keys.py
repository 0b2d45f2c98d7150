"""What the address of a cached result is made from."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from apps.melodies.definition.expressions import Scope
from workers import caching
from workers.contract import StepContext, Workflow, runnable
from workers.steps.rendering import prepare, render_fields


def key(context: StepContext, kind: str, own: str | None = None, **written: Any) -> str | None:
    claimed = {
        "kind": kind,
        "params": written,
        "bodies": [],
        "reads": dict(context.scope.steps),
        "options": {"cache": {"key": own, "ttl_seconds": None}},
    }
    chosen = runnable(kind)
    fields = render_fields(chosen.kind, written, context.scope)
    return caching.key_of(chosen, claimed, fields, prepare(chosen.kind, written, context.scope), context)


@pytest.mark.parametrize("place", [{"melody_id": "m2"}, {"project_id": "p2"}])
@pytest.mark.parametrize("own", [None, "mine"])
def test_melodies_and_projects_share_nothing(context: StepContext, place: dict[str, Any], own: str | None) -> None:
    context.workflow = Workflow(name="it", fields={}, melody_id="m1", project_id="p1")
    here = key(context, "test_echo", own, value=1)
    assert here == key(context, "test_echo", own, value=1)
    context.workflow = replace(context.workflow, **place)
    assert here != key(context, "test_echo", own, value=1)


def test_what_a_prompt_reads_belongs_to_it(context: StepContext) -> None:
    keys = []
    for word in ("one", "two", "one"):
        context.scope = Scope(steps={"said": {"text": word}})
        keys.append(key(context, "claude", prompt=[{"type": "previous_response", "step": "said"}]))
    assert keys[0] == keys[2] != keys[1]
