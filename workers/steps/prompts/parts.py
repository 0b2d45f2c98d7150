"""The parts a prompt is made of, as a melody writes them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from workers.steps.fields import OrTemplate, TemplatedBool, is_rendered, require

Count = Annotated[int, Field(ge=1), OrTemplate()]
Length = Annotated[int, Field(ge=1, le=10_000_000), OrTemplate()]
Name = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]

_KNOWN = ("static", "file", "previous_response", "session_context", "claude_continue")
_NOT_A_PART = "each part of a prompt is a mapping with a `type`: " + ", ".join(_KNOWN)


class Part(BaseModel):
    """What every part may say. Fields nobody knows are kept: other tools write notes of their own."""

    model_config = ConfigDict(extra="allow")

    condition: Any = Field(None, description="The part is left out when this does not hold.")


class Static(Part):
    """Text written in the document."""

    type: Literal["static", "dynamic"]
    content: Any = Field(description="The text; templates are filled in.")

    @model_validator(mode="after")
    def _says_something(self, info: ValidationInfo) -> Static:
        require(is_rendered(info) or self.content is not None, "a static part needs `content`: the text itself")
        return self


class File(Part):
    """The text of a file, or of all files of a folder."""

    type: Literal["file"]
    path: Annotated[str, Field(min_length=1)] = Field(
        description="A file or folder of the workspace, or of a folder the operator lets melodies read."
    )
    variables: dict[str, Any] | None = Field(None, description="Values for `{NAME}` in the file.")
    inject_as: Name | None = Field(None, description="Fill `{NAME}` of the other parts with this text, instead.")
    encoding: str = Field("utf-8", description="How the file is encoded.")
    summary: TemplatedBool = Field(False, description="Only the sentences that say most.")
    max_summary_length: Length = Field(500, description="Characters of the summary.")
    summary_focus: str | None = Field(None, description="Prefer sentences with these words.")
    summary_style: str | None = Field(None, description="`bullet_points`, or running text.")
    transform: str | None = Field(None, description="Another form of the content: `csv_to_table`, `json_to_markdown` …")
    max_length: Length | None = Field(None, description="Cut the text after so many characters.")
    component: str | None = Field(None, description="One entry of a YAML file of prompt components.")

    @field_validator("path", mode="before")
    @classmethod
    def _leads_somewhere(cls, path: Any, info: ValidationInfo) -> Any:
        require(
            not is_rendered(info) or (isinstance(path, str) and path), "the template of a file's `path` gave no path"
        )
        return path


class PreviousResponse(Part):
    """What an earlier step gave."""

    type: Literal["previous_response"]
    step: Annotated[str, Field(min_length=1)] = Field(description="The step's name.")
    extract: str | None = Field(None, description="A path into its result: `data.items[0].name`, `items[*].name`.")
    strict: TemplatedBool = Field(True, description="A path that leads nowhere is an error; otherwise it gives `nil`.")
    extract_with: Annotated[Literal["content_extractor"], OrTemplate()] | None = Field(
        None, description="Take the text out of the result and give it the form of `format`."
    )
    format: str | None = Field(None, description="text, json, structured, summary or markdown.")
    post_processing: list[str] = Field(default_factory=list, description="Operations such as extract_code_blocks.")
    include_metadata: TemplatedBool = Field(False, description="Say first which step and field the text comes from.")
    summary: TemplatedBool = Field(False, description="Only the sentences that say most.")
    summary_style: str | None = Field(None, description="`bullet_points`, or running text.")
    max_summary_length: Length | None = Field(None, description="Characters of the summary.")
    max_length: Length | None = Field(None, description="Cut the text after so many characters.")
    transform: str | None = Field(None, description="Another form of the content: `json_to_markdown` …")
    inject_as: Name | None = Field(None, description="Fill `{NAME}` of the other parts with this text, instead.")


class SessionContext(Part):
    """What was said in a session."""

    type: Literal["session_context"]
    session_id: Annotated[str, Field(min_length=1)] = Field(description="The session's name or id.")
    include_last_n: Count | None = Field(None, description="Only the last messages; all of them when absent.")
    filter: str | None = Field(None, description="Only messages for which this holds: `role == 'assistant'`.")


class ClaudeContinue(Part):
    """Go on with a conversation: the messages so far are sent too."""

    type: Literal["claude_continue"]
    session_id: str | None = Field(
        None, description="The session's name or id; inside claude_session it may be left out."
    )
    new_prompt: Any = Field("", description="What to say next.")


def _type_of(part: Any) -> str | None:
    written = part.get("type") if isinstance(part, Mapping) else getattr(part, "type", None)
    if written == "dynamic":
        return "static"
    return written if isinstance(written, str) and written in _KNOWN else None


PromptPart = Annotated[
    Annotated[Static, Tag("static")]
    | Annotated[File, Tag("file")]
    | Annotated[PreviousResponse, Tag("previous_response")]
    | Annotated[SessionContext, Tag("session_context")]
    | Annotated[ClaudeContinue, Tag("claude_continue")],
    Discriminator(
        _type_of,
        custom_error_type="prompt_part",
        custom_error_message=_NOT_A_PART,
    ),
]


def _as_parts(written: Any, info: ValidationInfo) -> Any:
    """A bare text is one static part. Once rendered it may be any JSON: the value of a single template."""
    if isinstance(written, list) and any(isinstance(part, Mapping) and "type" in part for part in written):
        return written
    if is_rendered(info):
        return [{"type": "static", "content": "" if written is None else written}]
    if isinstance(written, str) and written.strip():
        return [{"type": "static", "content": written}]
    if isinstance(written, list) and written:
        raise PydanticCustomError("prompt_part", _NOT_A_PART)
    raise PydanticCustomError("prompt", "a prompt is a text or a list of parts, and says something")


Prompt = Annotated[list[PromptPart], BeforeValidator(_as_parts, json_schema_input_type=str | list[PromptPart])]
"""A list of parts; a bare text stands for one static part."""
