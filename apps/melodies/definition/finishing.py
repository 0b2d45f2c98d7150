"""From a resolved draft to the `Step` that everybody else sees."""

from __future__ import annotations

from .defaults import is_model_kind
from .drafts import Draft, DraftBody
from .model import Body, Step
from .params import own_names
from .policies import CachePolicy, RetryPolicy
from .timeouts import Timeouts


def made(draft: Draft) -> Step:
    """The step, completed by what the workflow around it says for all of its steps."""
    common, tolerates = draft.common, draft.common.continue_on_error
    return Step(
        name=draft.name,
        kind=draft.kind.name,
        pointer=draft.pointer,
        params=draft.params,
        edges=tuple(draft.edges.values()),
        join=common.join,
        cancel_rest=common.cancel_rest,
        condition=common.condition if common.enabled else False,
        continue_on_error=draft.defaults.continue_on_error if tolerates is None else tolerates,
        output_to_file=common.output_to_file,
        timeout_seconds=_timeout(draft),
        timeouts=_timeouts(draft),
        reads=tuple(draft.reads.values()),
        variables=tuple(dict.fromkeys(draft.variables)),
        bodies=tuple([_body(below) for below in draft.bodies]),
        description=common.description,
        retry=_retry(draft),
        cache=_cache(draft),
        output_schema=common.output_schema,
        error_output=common.error_output,
        local_variables=common.variables,
        exclusive=common.exclusive,
        streaming=common.streaming,
        queue=_queue(draft),
        requires=_requires(draft),
        limit=common.limit,
    )


def _body(body: DraftBody) -> Body:
    steps = tuple([made(step) for step in body.steps])
    if body.workflow is None:
        return Body(body.label, steps, field=body.field)
    workflow = body.workflow
    return Body(
        body.label, steps, isolated=True, variables=workflow.variables, workflow=workflow.fields, field=body.field
    )


def _is_leaf(draft: Draft) -> bool:
    """Whether a step does something itself: what a workflow says for all of its steps is meant for these."""
    return all(body.handler for body in draft.bodies)


def _timeout(draft: Draft) -> float | None:
    said, default = draft.common.timeout_seconds, draft.defaults.timeout_seconds
    if said is not None or default is None or draft.kind.waits or not _is_leaf(draft):
        return said
    return None if "timeout_seconds" in own_names(draft.kind.params) else default


def _timeouts(draft: Draft) -> Timeouts:
    """Small steps take no time, and those that wait are meant to."""
    said = draft.common.timeouts
    return said if draft.kind.waits or draft.kind.inline or not _is_leaf(draft) else said.over(draft.defaults.timeouts)


def _is_placed(draft: Draft) -> bool:
    """Whether the defaults say where it runs: small steps stay with what is before them."""
    return _is_leaf(draft) and not draft.kind.inline


def _queue(draft: Draft) -> str | None:
    said = draft.common.queue
    return draft.defaults.queue if said is None and _is_placed(draft) else said


def _requires(draft: Draft) -> tuple[str, ...]:
    said = draft.common.requires
    return draft.defaults.requires if said is None and _is_placed(draft) else said or ()


def _retry(draft: Draft) -> RetryPolicy | None:
    said, default = draft.common, draft.defaults.retry
    # People are not asked again unless their own step says so.
    apart = draft.kind.retries_itself or draft.kind.waits
    if said.retry_said or default is None or apart or not _is_leaf(draft):
        return said.retry
    return default


def _cache(draft: Draft) -> CachePolicy | None:
    said, default = draft.common, draft.defaults.cache
    if default is None or said.cache_said or not (is_model_kind(draft.kind) and _is_leaf(draft)):
        return said.cache
    return default
