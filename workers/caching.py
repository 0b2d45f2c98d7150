"""Results of earlier runs of a melody: found by what they were made from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Q

from apps.core.tenancy import working_for
from apps.executions.models import CachedResult
from apps.melodies.definition.expressions import compile_template
from workers.contract import Runnable, StepContext
from workers.outcomes import Claimed, Outcome
from workers.pit import store
from workers.steps.prompts.build import build


def key_of(chosen: Runnable, claimed: Claimed, fields: Mapping[str, Any], params: Any, step: StepContext) -> str | None:
    """The address of this step's result: the melody, the step, and the `key` it names or all that it is made from.

    None where there is nothing to remember: no `cache`, or an answer within a conversation.
    """
    policy = claimed["options"].get("cache")
    if policy is None or chosen.kind.sets_variables:
        return None
    if policy["key"] is not None:
        made_from: Any = {"key": compile_template(policy["key"]).render(step.scope)}
    elif chosen.kind.references is not None:
        made_from = _question(fields, params, step)
    else:
        made_from = _everything(claimed) if claimed["bodies"] or _looks_around(chosen) else {"fields": fields}
    if made_from is None:
        return None
    # A nested melody uses the secrets of the project its run began in.
    place = [step.workflow.melody_id, step.workflow.project_id, step.name]
    text = json.dumps([claimed["kind"], place, made_from], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _question(fields: Mapping[str, Any], params: Any, step: StepContext) -> Any:
    """What a model is asked: the prompt's text, not the names of what it is made from."""
    if getattr(params, "prompt", None) is None:
        return {"fields": fields, "reads": dict(step.scope.steps)}
    prompt = build(params.prompt, step)
    if prompt.continues is not None:
        return None
    return {"fields": {name: value for name, value in fields.items() if name != "prompt"}, "prompt": prompt.text}


def _looks_around(chosen: Runnable) -> bool:
    """Whether the kind reads more than its rendered fields show."""
    kind = chosen.kind
    return bool(kind.expressions or kind.sources or kind.per_item or kind.literals)


def _everything(claimed: Claimed) -> dict[str, Any]:
    """The version and all the values the step could see."""
    seen = ("version", "node", "params", "reads", "variables", "loop", "input")
    return {name: claimed.get(name) for name in seen}


def find(claimed: Claimed, key: str) -> tuple[Any, str] | None:
    """The result under a key and the id of the task that made it."""
    with working_for(claimed["organization"]):
        found = (
            CachedResult.objects.filter(organization_id=claimed["organization"], key=key)
            .filter(Q(expires_at__isnull=True) | Q(expires_at__gt=datetime.now(UTC)))
            .first()
        )
    if found is None:
        return None
    return store.value_of(claimed, {"output": found.output, "ref": found.output_ref}), str(found.task_id)


def keep(outcome: Outcome, key: str) -> None:
    """Remember a result. What a mock made up is not remembered: it would hide the real answer later."""
    if isinstance(outcome.output, Mapping) and outcome.output.get("mock"):
        return
    claimed = outcome.claimed
    ttl = claimed["options"]["cache"]["ttl_seconds"]
    now = datetime.now(UTC)
    with working_for(claimed["organization"]):
        CachedResult.objects.update_or_create(
            organization_id=claimed["organization"],
            key=key,
            defaults={
                "output": outcome.output,
                "output_ref": outcome.ref,
                "task_id": claimed["task"],
                "created_at": now,
                "expires_at": None if ttl is None else now + timedelta(seconds=ttl),
            },
        )
