"""A claimed task's values, as templates and conditions see them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from apps.melodies.definition.expressions import Scope
from workers.pit import store


def build(claimed: Mapping[str, Any]) -> Scope:
    """Only what the step refers to is here: the ledger sent no more."""
    now = datetime.now(UTC)
    state = claimed["variables"] or {}
    return Scope(
        steps={name: _result(claimed, read) for name, read in (claimed["reads"] or {}).items()},
        state=state,
        inputs=claimed["input"],
        loop=claimed["loop"],
        global_vars=state,
        builtins={
            "execution_id": claimed["execution"],
            "timestamp": now.isoformat(),
            "date": now.date().isoformat(),
        },
        step={"name": claimed["name"]},
    )


def _result(claimed: Mapping[str, Any], read: Mapping[str, Any]) -> Any:
    value = store.value_of(claimed, read)
    if read["inner"] is not None:
        return value.get("results", {}).get(read["inner"]) if isinstance(value, Mapping) else None
    if read["status"] == "failed":
        return {"success": False, "error": read["error"]}
    return value
