"""`http`: call an address of the internet."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from apps.melodies.definition.kinds import StepKind
from workers.contract import StepContext, StepFailed, step_kind
from workers.steps.web.addresses import Reach
from workers.steps.web.answers import result_of
from workers.steps.web.calling import Caller
from workers.steps.web.fields import Http
from workers.steps.web.secrets import Secrets


@step_kind(
    StepKind(
        name="http",
        params=Http,
        summary="Call an http or https address",
        queue="calls",
        literals=("secret_headers", "secret_query", "auth"),
    )
)
def run(params: Http, step: StepContext) -> Any:
    """Ask, wait without a database connection, and read the answer."""
    _check_budget(step)
    secrets = Secrets(step.engine.secret if step.engine is not None else lambda name: None)
    reach = Reach.of(settings.SYMPHONY_HTTP_ALLOW_PRIVATE, step.workflow.section("safety"))
    caller = Caller(params, step, reach, secrets)
    answer = caller.call()
    step.emit(
        "http_called",
        {
            "method": params.method,
            "url": answer.url,
            "status": answer.status,
            "bytes": len(answer.data),
            "duration_ms": round(answer.seconds * 1000),
        },
    )
    return result_of(params, step, answer, secrets)


def _check_budget(step: StepContext) -> None:
    most = step.workflow.section("resource_limits").get("max_network_requests")
    if step.engine is None or not isinstance(most, int) or isinstance(most, bool):
        return
    if step.engine.started_tasks("http") > most:
        raise StepFailed(
            f"The melody's `resource_limits.max_network_requests` of {most} is used up.",
            code="too_many_network_requests",
            final=True,
        )
