"""How many tokens a run may take, roughly: four characters of a prompt are one, and an answer is as long as it may be."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from apps.melodies.definition.defaults import is_model_kind
from apps.melodies.definition.rows_bodies import HANDLERS, Inner, inner_lists

from .look import Look
from .sizes import iterations_of, whole

MOST_TOKENS: Final = 50_000
CHARACTERS_PER_TOKEN: Final = 4
USUAL_ANSWER: Final = 1_000
"""Tokens of an answer whose length nobody limits."""


class _Cost(NamedTuple):
    name: str
    tokens: int


def check(look: Look) -> None:
    costs = list(_costs(look, look.workflow.get("steps"), 1))
    total = sum(cost.tokens for cost in costs)
    if total > MOST_TOKENS:
        most = max(costs, key=lambda cost: cost.tokens)
        message = f"A run may take about {total:,} tokens, {most.tokens:,} of them in `{most.name[:80]}`; see `defaults`, `resource_limits.max_tokens_total` and `max_cost_usd` to keep it in bounds."
        look.warn("many_tokens", message, look.pointer)


def _costs(look: Look, steps: Any, times: int) -> Iterator[_Cost]:
    pending: list[tuple[Any, int]] = [(steps, times)]
    while pending:
        current, count = pending.pop()
        for step in current if isinstance(current, list) else ():
            if not isinstance(step, dict):
                continue
            kind = look.kinds.get(str(step.get("type")))
            if kind is not None and is_model_kind(kind):
                yield _Cost(str(step.get("name")), count * sum(_calls(step)))
            runs = iterations_of(look, step)
            inside = inner_lists(step, look.kinds)
            pending.extend((inner.steps, count * _times(inner, runs)) for inner in inside)


def _times(inner: Inner, runs: int | None) -> int:
    if inner.field in HANDLERS or inner.field != "steps":
        return 1
    return 1 if runs is None else max(runs, 1)


def _calls(step: dict[str, Any]) -> Iterator[int]:
    """The tokens of each call a step makes."""
    tasks = [task for name in ("tasks", "parallel_tasks") for task in _list(step.get(name)) if isinstance(task, dict)]
    for call in tasks or [step]:
        yield _length(call.get("prompt")) // CHARACTERS_PER_TOKEN + _answer(call, step)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _length(prompt: Any) -> int:
    """Characters of a prompt; the answer of another step counts as one of usual length."""
    if isinstance(prompt, str):
        return len(prompt)
    total = 0
    for part in _list(prompt):
        if isinstance(part, dict):
            content = part.get("content", part.get("new_prompt"))
            total += len(content) if isinstance(content, str) else 0
            if part.get("type") == "previous_response":
                total += whole(part.get("max_length")) or USUAL_ANSWER * CHARACTERS_PER_TOKEN
    return total


def _answer(call: dict[str, Any], step: dict[str, Any]) -> int:
    for holder in (call, step):
        for section, field in (("token_budget", "max_output_tokens"), ("claude_options", "max_tokens")):
            inside = holder.get(section)
            limit = whole(inside.get(field)) if isinstance(inside, dict) else None
            if limit is not None:
                return limit
        limit = whole(holder.get("max_tokens"))
        if limit is not None:
            return limit
    return USUAL_ANSWER
