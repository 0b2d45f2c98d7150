"""A claimed task's values, as templates and conditions see them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from django.conf import settings

from apps.melodies.definition.expressions import Scope, compile_template
from workers.contract import Workflow
from workers.pit import store


def build(claimed: Mapping[str, Any], workflow: Workflow) -> Scope:
    """Only what the step refers to is here: the ledger sent no more."""
    now = datetime.now(UTC)
    state = claimed["variables"] or {}
    loop = claimed.get("loop")
    steps = {name: _result(claimed, read) for name, read in (claimed["reads"] or {}).items()}
    for name in claimed["options"].get("previous", ()):
        steps.setdefault(name, (loop or {}).get("previous", {}).get(name))
    scope = Scope(
        steps=steps,
        state=state,
        inputs=claimed["input"] or {},
        loop=loop,
        global_vars=state,
        workflow=workflow.fields,
        environment=exposed_environment(),
        builtins={
            "execution_id": claimed["execution"],
            "timestamp": now.isoformat(),
            "date": now.date().isoformat(),
        },
        step={"name": claimed["name"]},
        error=_error(loop),
    )
    local = claimed["options"].get("variables")
    if local:
        scope.locals = {name: compile_template(value).render(scope) for name, value in local.items()}
    return scope


@lru_cache(maxsize=1)
def exposed_environment() -> Mapping[str, str]:
    """The variables of this process that melodies may read."""
    return {name: os.environ[name] for name in settings.SYMPHONY_MELODY_ENVIRONMENT if name in os.environ}


def _error(loop: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Inside an error handler, however deep: what it handles."""
    while isinstance(loop, Mapping):
        error = loop.get("error")
        if isinstance(error, Mapping):
            return error
        loop = loop.get("parent")
    return None


def _result(claimed: Mapping[str, Any], read: Mapping[str, Any]) -> Any:
    value = store.value_of(claimed, read)
    if read["inner"] is not None:
        if not isinstance(value, Mapping):
            return None
        return (value if read["field"] else value.get("results", {})).get(read["inner"])
    if read["status"] == "failed":
        return {"success": False, "error": read["error"]}
    return value
