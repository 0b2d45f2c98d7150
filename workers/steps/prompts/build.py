"""The text a prompt's parts become."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from apps.melodies.definition.expressions import ExpressionError, compile_condition, compile_template
from workers.contract import StepContext, StepFailed
from workers.steps.content import condense
from workers.steps.content.forms import transformed
from workers.steps.content.written import whole
from workers.steps.prompts import files, previous, sessions
from workers.steps.prompts.components import component
from workers.steps.prompts.parts import ClaudeContinue, File, PreviousResponse, PromptPart, SessionContext, Static
from workers.steps.prompts.placeholders import filled

MOST_CHARACTERS = 8_000_000


@dataclass(frozen=True, slots=True)
class Built:
    """A prompt's text, and the session it goes on with: its name or id, "" for the step's own, None for none."""

    text: str
    continues: str | None = None


def build(parts: Sequence[PromptPart], step: StepContext) -> Built:
    """All parts in order, joined by line breaks; those with `inject_as` only fill `{NAME}` of the others."""
    texts: list[tuple[PromptPart, str]] = []
    injected: dict[str, str] = {}
    continues: str | None = None
    for part in _as_meant(parts, step):
        if not _holds(part.condition, step):
            continue
        text = _text(part, step)
        if isinstance(part, ClaudeContinue):
            continues = part.session_id or continues or ""
        name = getattr(part, "inject_as", None)
        if name:
            injected[name] = text
        else:
            texts.append((part, text))
    whole_text = "\n".join(filled(text, injected) if isinstance(part, Static | File) else text for part, text in texts)
    if len(whole_text) > MOST_CHARACTERS:
        raise StepFailed(
            f"the prompt has {len(whole_text)} characters; the limit is {MOST_CHARACTERS}. Use `summary` or `max_length`",
            code="too_large",
            final=True,
        )
    return Built(whole_text, continues)


def _as_meant(parts: Sequence[PromptPart], step: StepContext) -> Sequence[PromptPart]:
    """A prompt written as one text is text, also when its template gives a list that looks like parts: who wrote that
    list may not be who may name files to read."""
    written = step.written.get("prompt")
    if not isinstance(written, str) or (len(parts) == 1 and isinstance(parts[0], Static)):
        return parts
    return [Static(type="static", content=whole(compile_template(written).render(step.scope)), condition=None)]


def _holds(condition: Any, step: StepContext, item: Mapping[str, Any] | None = None) -> bool:
    if condition is None:
        return True
    try:
        scope = step.scope if item is None else replace(step.scope, item=item)
        return compile_condition(condition).holds(scope)
    except ExpressionError as error:
        raise StepFailed(f"condition of a prompt part: {error}", code="bad_expression", final=True) from error


def _text(part: PromptPart, step: StepContext) -> str:
    match part:
        case Static():
            return "" if part.content is None else whole(part.content)
        case File():
            return _file(part, step)
        case PreviousResponse():
            return previous.text_of(part, step)
        case SessionContext():
            return _session_context(part, step)
        case ClaudeContinue():
            return "" if part.new_prompt is None else whole(part.new_prompt)


def _file(part: File, step: StepContext) -> str:
    text = files.text_of(part.path, part.encoding, step)
    if part.component is not None:
        text = component(text, part.component, part.path, lambda path: files.text_of(path, part.encoding, step))
    if part.variables:
        text = filled(text, part.variables)
    if part.transform is not None:
        text = transformed(text, part.transform)
    if part.summary:
        text = condense.summary(text, part.max_summary_length, focus=part.summary_focus, style=part.summary_style)
    return condense.cut(text, part.max_length) if part.max_length is not None else text


def _session_context(part: SessionContext, step: StepContext) -> str:
    """The messages of a session, one after the other; nothing when there is no such session yet."""
    turns = sessions.turns(sessions.find(step, part.session_id), without_task=step.task_id)
    if part.filter is not None:
        turns = [turn for turn in turns if _holds(part.filter, step, turn)]
    if part.include_last_n is not None:
        turns = turns[-part.include_last_n :]
    names = {"user": "User", "assistant": "Assistant"}
    return "\n\n".join(f"{names[turn['role']]}: {turn['content']}" for turn in turns)
