"""`claude_extract`: ask Claude, and bring the answer into a form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field

from apps.melodies.definition.kinds import StepKind
from workers.contract import StepContext, step_kind
from workers.steps.content.formats import code_blocks, formatted, json_inside, style_of
from workers.steps.content.operations import manner_of, processed
from workers.steps.fields import OrTemplate, TemplatedBool
from workers.steps.models import presets
from workers.steps.models.answers import now
from workers.steps.models.asking import Ask, attempt, once_approved
from workers.steps.models.claude_call import put, question
from workers.steps.models.fields import PresetStep
from workers.steps.models.options import Loose, Names, Positive
from workers.steps.models.structured import Outline, parsed, schema_of
from workers.steps.prompts.references import of_step

Form = Annotated[Literal["text", "json", "structured", "summary", "markdown"], OrTemplate()]


class Section(Loose):
    """One section of a structured text."""

    name: str
    max_length: Positive | None = None
    item_limit: Positive | None = None


class ExtractionConfig(Loose):
    """Which form the answer is brought into."""

    use_content_extractor: TemplatedBool = Field(
        True, description="Take JSON and Markdown out of the fences around it."
    )
    format: Form | None = Field(None, description="text, json, structured, summary or markdown.")
    output_format: Form | None = Field(None, description="The same as `format`.")
    post_processing: Names = Field(default_factory=list, description="Operations such as extract_links, in this order.")
    max_summary_length: Positive = Field(500, description="Characters of a summary.")
    include_metadata: TemplatedBool = Field(False, description="Tell what was done to the text.")
    sections: list[str | Section] | None = Field(None, description="Only these sections, in this order.")
    summary_style: str | None = Field(None, description="`bullet_points`, or running text.")
    max_points: Positive | None = Field(None, description="How many points, links, findings … at most.")
    include_key_metrics: TemplatedBool = Field(False, description="In a summary, add the figures of the text.")
    heading_level: Annotated[int, Field(ge=1, le=6), OrTemplate()] | None = Field(None, description="Highest heading.")
    include_toc: TemplatedBool = Field(False, description="Begin with a table of contents.")
    code_fence_style: str | None = None
    code_block_processing: dict[str, Any] | None = None
    recommendation_format: str | dict[str, Any] | None = None


class ClaudeExtract(PresetStep):
    """What to ask, and what to take out of the answer."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    extraction_config: ExtractionConfig = Field(
        default_factory=lambda: ExtractionConfig.model_validate({}), description="The form."
    )
    outline: Outline | None = Field(
        None,
        alias="schema",
        description="The shape of the answer: a JSON Schema, or an outline such as `{name: string, tags: [string]}`.",
    )


def work(params: ClaudeExtract, step: StepContext, ask: Ask) -> dict[str, Any]:
    """The answer, with its text in the form that was asked for."""
    preset = presets.chosen(params.preset, step.workflow, fallback="analysis")
    schema = schema_of(params.outline) if params.outline else None
    result = put(question(params, step, preset=preset, schema=schema), step, ask)
    config = params.extraction_config
    original = str(result["text"])
    text, applied, unknown = _extracted(original, config)
    if unknown:
        step.emit("post_processing_unknown", {"operations": unknown})
    result |= {"text": text, "success": True, "extraction_applied": True}
    data = result.get("data", parsed(text) if _form(config) == "json" else None)
    if data is not None:
        result["data"] = data
    if config.include_metadata:
        result["extraction_metadata"] = {
            "format": _form(config),
            "use_content_extractor": config.use_content_extractor,
            "post_processing_applied": applied,
            "extraction_timestamp": now(mock=bool(result["mock"])),
            "original_length": len(original),
            "processed_length": len(text),
            "step_name": step.name,
        }
    return result


def _form(config: ExtractionConfig) -> str:
    return config.format or config.output_format or "text"


def _extracted(text: str, config: ExtractionConfig) -> tuple[str, list[str], list[str]]:
    written: Mapping[str, Any] = config.model_dump(exclude_none=True)
    form = _form(config)
    if config.use_content_extractor:
        text = _unwrapped(text, form)
    operations = list(config.post_processing)
    if form == "summary" and config.include_key_metrics and "extract_metrics" not in operations:
        operations.append("extract_metrics")
    return processed(formatted(text, form, style_of(written)), operations, manner_of(dict(written)))


def _unwrapped(text: str, form: str) -> str:
    """What the model put into a fence of its own: JSON where that is asked for, or Markdown as its whole answer."""
    if form == "json":
        return json_inside(text)
    stripped = text.strip()
    blocks = code_blocks(text)
    if (
        len(blocks) == 1
        and blocks[0][0] in ("markdown", "md")
        and stripped.startswith("```")
        and stripped.endswith("```")
    ):
        return blocks[0][1]
    return text


@step_kind(
    StepKind(
        name="claude_extract",
        params=ClaudeExtract,
        summary="Ask Claude and bring the answer into a form",
        queue="calls",
        expressions=("prompt.*.condition",),
        per_item=("prompt.*.filter",),
        literals=("schema", "output_schema"),
        references=of_step,
    ),
    resume=once_approved(work),
)
def run(params: ClaudeExtract, step: StepContext) -> Any:
    """One call; a budget may make it wait."""
    return attempt(work, params, step)
