"""The `previous_response` parts of prompts: what an earlier step gave."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workers.contract import StepContext, StepFailed
from workers.steps.content import condense
from workers.steps.content.formats import FORMATS, Style, formatted
from workers.steps.content.forms import transformed
from workers.steps.content.operations import processed
from workers.steps.content.paths import NotFound, fields_of, follow, tokens_of
from workers.steps.content.written import dumped, plain, spoken, whole
from workers.steps.prompts.parts import PreviousResponse

_ABSENT = object()
_SUMMARY = 500


def text_of(part: PreviousResponse, step: StepContext) -> str:
    """The text of the part. Its steps are taken in this order: `extract`, `extract_with`, `transform`, `summary`,
    `max_length`."""
    result = step.scope.steps.get(part.step, _ABSENT)
    if result is _ABSENT:
        raise StepFailed(
            f"the prompt reads the result of step {part.step[:100]!r}, which has none: it is unknown here or has not run",
            code="unknown_step",
            final=True,
        )
    text = _extracted(part, result, step) if part.extract is not None else None
    if text is None:
        text = spoken(result) if part.extract_with or part.summary else whole(result)
    if part.extract_with or part.format or part.post_processing:
        text = _processed(part, text, step)
    if part.transform:
        value = text if part.extract is not None or isinstance(result, str) else _source(result, part.transform)
        text = transformed(value, part.transform)
    text = _condensed(part, text)
    if part.include_metadata:
        field = f", field {part.extract}" if part.extract else ""
        text = f"[from step {part.step}{field}: {len(text)} characters]\n{text}"
    return text


def _extracted(part: PreviousResponse, result: Any, step: StepContext) -> str:
    path = part.extract or ""
    found = follow(result, tokens_of(path))
    if not isinstance(found, NotFound):
        return plain(found)
    if _is_mock(found.inside):
        # A real answer may well have this field; the mock provider cannot know.
        step.emit("prompt_field_mocked", {"step": part.step, "extract": path})
        return f"[mock {path}]"
    if not part.strict:
        return "nil"
    raise StepFailed(
        f"the result of step {part.step!r} has no {path[:200]!r}: there is no {found.key!r}; available: "
        f"{fields_of(found.inside)}",
        code="field_not_found",
        final=True,
    )


def _is_mock(value: Any) -> bool:
    return isinstance(value, Mapping) and value.get("mock") is True


def _source(result: Any, transform: str) -> str:
    """What a transform of a whole result works on: of a model's answer what it said, else the value itself."""
    said = spoken(result)
    if transform.startswith("json_to_") and isinstance(result, Mapping | list) and said.lstrip()[:1] not in ("{", "["):
        return dumped(result)
    return said


def _processed(part: PreviousResponse, text: str, step: StepContext) -> str:
    form = part.format or "text"
    if form not in FORMATS:
        raise StepFailed(
            f"there is no format {form[:60]!r}; there are {', '.join(FORMATS)}", code="bad_params", final=True
        )
    style = Style(max_summary_length=part.max_summary_length or _SUMMARY, summary_style=part.summary_style)
    text, _, unknown = processed(formatted(text, form, style), part.post_processing)
    if unknown:
        step.emit("post_processing_unknown", {"operations": unknown})
    return text


def _condensed(part: PreviousResponse, text: str) -> str:
    if part.summary:
        length = part.max_summary_length or part.max_length or _SUMMARY
        text = condense.summary(text, length, style=part.summary_style)
    return condense.cut(text, part.max_length) if part.max_length is not None else text
