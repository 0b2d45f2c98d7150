"""The fields that the step kinds which call models have in common."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, ValidationInfo, model_validator

from workers.steps.fields import Params, TemplatedBool, is_rendered, require
from workers.steps.models.options import (
    ClaudeOptions,
    Fraction,
    Loose,
    Positive,
    PresetName,
    Settings,
    Streaming,
    Temperature,
    TokenBudget,
)
from workers.steps.prompts.parts import ClaudeContinue, Prompt


class ModelStep(Params):
    """A step that asks a model once."""

    prompt: Prompt = Field(description="What to ask: a text, or a list of parts that are joined by line breaks.")
    model: str | None = Field(None, description="Which model; without it that of the options, then of `defaults`.")
    max_tokens: Positive | None = Field(None, description="Tokens of the answer, at most.")
    temperature: Temperature | None = Field(None, description="0 is sober, 1 lively.")
    config: Settings | None = Field(None, description="The same settings as some files group them.")
    output_schema: dict[str, Any] | None = Field(
        None,
        description="A JSON Schema: the model is asked for such a value, and its fields become fields of the result.",
    )
    streaming: TemplatedBool | Streaming | None = Field(None, description="Show the answer while it is written.")


class ClaudeStep(ModelStep):
    """A step that asks Claude."""

    claude_options: ClaudeOptions | None = Field(None, description="How Claude is to be asked.")
    options: ClaudeOptions | None = Field(None, description="The same as `claude_options`, which win.")

    @model_validator(mode="after")
    def _continues_something(self, info: ValidationInfo) -> ClaudeStep:
        require(
            is_rendered(info) or self.knows_its_session() or not self._loose_continuations(),
            "`claude_continue` outside claude_session needs a `session_id`: which conversation to go on with",
        )
        return self

    def knows_its_session(self) -> bool:
        """Whether a `claude_continue` part may leave open which session it means."""
        return any(options is not None and options.session_id for options in (self.claude_options, self.options))

    def _loose_continuations(self) -> bool:
        return any(isinstance(part, ClaudeContinue) and not part.session_id for part in self.prompt)


class PresetStep(ClaudeStep):
    """A step that starts from a preset's options."""

    preset: PresetName | None = Field(
        None, description="Start from these options: development, production, analysis, chat."
    )


class Function(Loose):
    """A function the model may ask for, written in the step itself."""

    name: str = Field(min_length=1)
    description: str = ""
    parameters: dict[str, Any] | None = Field(
        None, description="A JSON Schema of an object, or names with their types."
    )


class GeminiStep(ModelStep):
    """A step that asks Gemini."""

    token_budget: TokenBudget | None = Field(None, description="How long and how lively the answer may be.")
    functions: list[Annotated[str, Field(min_length=1)] | Function] | None = Field(
        None, description="Functions the model may ask for: names out of `gemini_functions`, or written out."
    )
    tools: list[Any] | None = Field(None, description="The same, used when there are no `functions`.")
    timeout_ms: Positive | None = Field(None, description="How long the call may take, in milliseconds.")
    top_p: Fraction | None = None
    top_k: Positive | None = None
