"""The part of the JSON Schema that says what every step may have."""

from __future__ import annotations

from typing import Any, Final

from .common_fields import ON_ERROR
from .limiting import MOST_SLOTS
from .placing import MOST_REQUIRED, PLAIN_NAME
from .policies import BACKOFFS

Schema = dict[str, Any]


def ref(name: str) -> Schema:
    """A definition of the schema."""
    return {"$ref": f"#/$defs/{name}"}


def said(schema: Schema, description: str, **more: Any) -> Schema:
    """A schema with a description; a reference keeps its own beside it, which draft 2020-12 allows."""
    return {**schema, "description": description, **more}


def or_null(schema: Schema, description: str, **more: Any) -> Schema:
    """The same, and null for "as if it were not there"."""
    kind = schema.get("type")
    if isinstance(kind, str) and "enum" not in schema:
        return {**schema, "type": [kind, "null"], "description": description, **more}
    return {"anyOf": [schema, {"type": "null"}], "description": description, **more}


TEXT: Final[Schema] = {"type": "string"}
FLAG: Final[Schema] = {"type": "boolean"}
MAPPING: Final[Schema] = {"type": "object"}
ANYTHING: Final[Schema] = {}
COUNT: Final[Schema] = {"type": "integer", "minimum": 0}
NUMBER: Final[Schema] = {"type": "number", "minimum": 0}
MORE_THAN_0: Final[Schema] = {"type": "number", "exclusiveMinimum": 0}
TEXTS: Final[Schema] = {"type": "array", "items": {"type": "string"}}

PLAIN: Final[Schema] = {"type": "string", "pattern": f"^{PLAIN_NAME}$"}

STEP_LIST: Final[Schema] = {"type": "array", "description": "A list of steps.", "items": ref("step"), "minItems": 1}

_BACKOFF: Final[Schema] = {"enum": [*BACKOFFS, "fixed", None]}

COMMON_FIELDS: Final[dict[str, Schema]] = {
    "name": {
        "type": "string",
        "minLength": 1,
        "maxLength": 200,
        "description": "Unique in its list of steps: the result is read as {{steps.NAME}}.",
        "examples": ["review", "write_summary"],
    },
    "type": {"type": "string", "description": "What the step does."},
    "description": or_null(TEXT, "For readers."),
    "role": or_null(TEXT, "For readers: brain or muscle.", examples=["brain", "muscle"]),
    "condition": said(ref("condition"), "The step is skipped unless this holds."),
    "enabled": or_null(FLAG, "false skips the step always.", default=True),
    "depends_on": {
        "anyOf": [ref("dependency"), {"type": "array", "items": ref("dependency")}, {"type": "null"}],
        "description": "What must have happened before. One dependency makes the list of steps a graph.",
        "examples": ["plan", [{"step": "build", "on": "failure"}]],
    },
    "join": {
        "anyOf": [{"enum": ["all", "any", None]}, {"type": "integer", "minimum": 1}],
        "description": "How many of the dependencies must hold: all, any, or a number.",
        "examples": ["any", 2],
    },
    "cancel_rest": or_null(FLAG, "With `join` any or a number: cancel the dependencies that have not ended."),
    "continue_on_error": or_null(FLAG, "Those that depend on this step run although it has failed.", default=False),
    "output_to_file": or_null(TEXT, "Also write the result to this file of the run.", examples=["report.md"]),
    "output_schema": said(ref("json_schema"), "A JSON Schema the result must match; a result that does not fails the step."),
    "timeout_seconds": or_null(MORE_THAN_0, "Seconds the step may take.", examples=[300]),
    "timeout": or_null(MORE_THAN_0, "The same as `timeout_seconds`.", deprecated=True),
    "queue_timeout_seconds": or_null(
        MORE_THAN_0, "Seconds the step may wait for a worker; then it has failed with queue_timeout.", examples=[60]
    ),
    "heartbeat_timeout_seconds": or_null(
        MORE_THAN_0, "Seconds between two signs of life of the running step; else it fails with heartbeat_timeout."
    ),
    "total_timeout_seconds": or_null(
        MORE_THAN_0, "Seconds for all of it, waiting and further attempts included; then it fails with total_timeout."
    ),
    "retry": said(ref("retry"), "How a step that has failed is tried again."),
    "retry_on_error": or_null(FLAG, "Short for a `retry` with its defaults."),
    "max_retries": or_null(COUNT, "Short for `retry: {max_retries: …}`."),
    "retry_on": said(
        ref("texts"),
        "Retry only errors whose code or message contains one of these texts.",
        examples=[["timeout", "rate_limit"]],
    ),
    "on_error": {
        "anyOf": [ref("steps"), {"enum": [*ON_ERROR, None], "description": "The older form of continue_on_error."}],
        "description": "Steps that run when this one has finally failed; they see {{error.message}}. If they succeed, the failure is handled.",
    },
    "error_handler": {"anyOf": [ref("steps"), {"type": "null"}], "description": "The same as `on_error`."},
    "error_output": or_null(TEXT, "The name of a variable that is set to the error when the step fails."),
    "compensate": {
        "anyOf": [ref("steps"), {"type": "null"}],
        "description": "Steps that undo this one when the run fails after all, the last that completed first.",
    },
    "cache": said(ref("cache"), "Take the result of an equal step that has run before."),
    "variables": or_null(MAPPING, "Variables of this step only: {{step.variables.NAME}}, or the bare name."),
    "exclusive": or_null(TEXT, "Of the steps of one run that say the same name here, one runs at a time."),
    "streaming": said(ref("streaming"), "Keep the result as a stream."),
    "queue": or_null(PLAIN, "The queue of workers it is for, when it is not that of its kind.", examples=["heavy"]),
    "requires": said(ref("capabilities"), "What its worker must have.", examples=["gpu", ["docker", "eu"]]),
    "limit": said(
        ref("limit"), "The pool it takes slots of while it runs.", examples=["search-api", {"name": "gpu", "slots": 2}]
    ),
}  # fmt: skip
"""By name; a kind that has a field of the same name means its own."""

COMMON_DEFS: Final[dict[str, Schema]] = {
    "condition": {
        "description": "An expression as text, a list of conditions that must all hold, or one of and, or, not.",
        "anyOf": [
            {"type": ["string", "boolean", "null"]},
            {"type": "array", "items": ref("condition")},
            *(
                {"type": "object", "properties": {word: of}, "required": [word], "additionalProperties": False}
                for word, of in (
                    ("and", {"type": "array", "items": ref("condition")}),
                    ("or", {"type": "array", "items": ref("condition")}),
                    ("not", ref("condition")),
                )
            ),
        ],
        "examples": ["steps.review.score >= 7", {"and": ["state.ready", {"not": "steps.review.blocked"}]}],
    },
    "dependency": {
        "anyOf": [
            {"type": "string", "description": "The name of a step of the same list, which must succeed."},
            {
                "type": "object",
                "properties": {
                    "step": {"type": "string", "description": "The name of a step of the same list."},
                    "on": {
                        "enum": ["success", "failure", "skipped", "done"],
                        "description": "How it must have ended; done: in any way.",
                    },
                },
                "required": ["step"],
                "additionalProperties": False,
            },
        ]
    },
    "mode": {
        "enum": ["order", "dag", None],
        "description": "order: one after the other. dag: as soon as what they need is there.",
    },
    "json_schema": {"type": ["object", "boolean", "null"]},
    "capabilities": {
        "anyOf": [PLAIN, {"type": "array", "items": PLAIN, "maxItems": MOST_REQUIRED}, {"type": "null"}],
    },
    "limit": {
        "anyOf": [
            PLAIN,
            {
                "type": "object",
                "properties": {
                    "name": {**PLAIN, "description": "The pool."},
                    "slots": or_null(
                        {"type": "integer", "minimum": 1, "maximum": MOST_SLOTS}, "How many; 1 if not said."
                    ),
                },
                "required": ["name"],
                "additionalProperties": False,
            },
            {"type": "null"},
        ],
    },
    "texts": {"anyOf": [TEXT, TEXTS, {"type": "null"}]},
    "retry": {
        "anyOf": [
            {"type": "integer", "minimum": 0, "description": "How often at most."},
            {"type": ["boolean", "null"]},
            {
                "type": "object",
                "properties": {
                    "max_retries": or_null(COUNT, "How often at most after the first attempt."),
                    "max_attempts": or_null({"type": "integer", "minimum": 1}, "The same, the first attempt counted."),
                    "backoff": said(_BACKOFF, "How the delay grows."),
                    "backoff_strategy": said(_BACKOFF, "The same as `backoff`."),
                    "delay_seconds": or_null(NUMBER, "The first delay."),
                    "base_delay_ms": or_null(NUMBER, "The first delay in milliseconds."),
                    "max_delay_seconds": or_null(NUMBER, "No delay is longer."),
                    "jitter": {
                        "anyOf": [FLAG, {"type": "number", "minimum": 0, "maximum": 1}, {"type": "null"}],
                        "description": "Change each delay by chance, by up to this part of it.",
                    },
                    "retry_on": said(ref("texts"), "Only errors whose code or message contains one of these texts."),
                    "retry_conditions": said(ref("texts"), "The same as `retry_on`."),
                    "budget_seconds": or_null(MORE_THAN_0, "Start no attempt later than this after the first."),
                },
                "additionalProperties": False,
            },
        ],
        "examples": [3, {"max_retries": 5, "backoff": "exponential", "delay_seconds": 2}],
    },
    "cache": {
        "anyOf": [
            {"type": ["boolean", "null"]},
            {
                "type": "object",
                "properties": {
                    "key": or_null(TEXT, "A template for what the result depends on; else all fields of the step."),
                    "ttl": or_null(MORE_THAN_0, "Seconds a result may be used."),
                    "ttl_seconds": or_null(MORE_THAN_0, "The same."),
                    "enabled": or_null(FLAG, "false: as if `cache` were not there."),
                },
                "additionalProperties": False,
            },
        ],
        "examples": [True, {"key": "{{inputs.file}}", "ttl": 3600}],
    },
    "streaming": {"anyOf": [{"type": ["boolean", "null"]}, {"type": "object"}]},
}
