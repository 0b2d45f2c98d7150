"""The part of the JSON Schema that says what stands beside the steps."""

from __future__ import annotations

from typing import Final

from .schema_common import (
    ANYTHING,
    COUNT,
    FLAG,
    MAPPING,
    MORE_THAN_0,
    NUMBER,
    PLAIN,
    TEXT,
    Schema,
    or_null,
    ref,
    said,
)
from .workflow import DEBUG_LEVELS, FIELDS, MODES


def _open(description: str, **fields: Schema) -> Schema:
    """A mapping with fields that are known; others are kept too."""
    return {"type": ["object", "null"], "description": description, "properties": fields}


def _amounts(**described: str) -> dict[str, Schema]:
    return {name: or_null(NUMBER, description) for name, description in described.items()}


_KEPT: Final = "Kept in the document; no run depends on it."
_DESCRIBED: Final[dict[str, str]] = {
    "author": "For readers.",
    "inputs": "The inputs a run expects, by name: for readers.",
    "outputs": "What it gives back: for readers.",
    "input_schema": "A JSON Schema of the inputs: for readers.",
    "retry_on_failure": f"{_KEPT} Give steps a `retry`.",
    "retry_attempts": f"{_KEPT} Give steps a `retry`.",
    "providers": f"{_KEPT} See `defaults`.",
    "models": f"{_KEPT} See `defaults`.",
}

_CARRIED_OUT: Final[dict[str, Schema]] = {
    "name": {
        "type": "string",
        "minLength": 1,
        "maxLength": 200,
        "description": "What the melody is called.",
        "examples": ["code-review"],
    },
    "description": or_null(TEXT, "What it is for."),
    "version": {"type": ["string", "number", "null"], "description": "For readers.", "examples": ["1.0.0"]},
    "tags": {"type": ["array", "null"], "description": "For readers and searches."},
    "max_execution_time": or_null(MORE_THAN_0, "Seconds the run may take."),
    "metadata": or_null(MAPPING, "For readers."),
    "steps": ref("steps"),
    "mode": ref("mode"),
    "connections": {
        "type": ["array", "null"],
        "description": "Edges as an editor draws them; they make the steps a graph.",
        "items": ref("connection"),
    },
    "variables": or_null(MAPPING, "The variables' first values: {{state.NAME}}.", examples=[{"language": "en"}]),
    "global_vars": or_null(MAPPING, "The older name of `variables`."),
    "defaults": ref("defaults"),
    "resource_limits": ref("resource_limits"),
    "safety": ref("safety"),
    "environment": ref("environment"),
    "gemini_functions": {
        "type": ["object", "null"],
        "description": "Functions that gemini steps may offer the model, by name.",
        "additionalProperties": {
            "type": "object",
            "properties": {
                "description": said(TEXT, "What it does, for the model."),
                "parameters": said(MAPPING, "A JSON Schema of its arguments."),
            },
            "required": ["description", "parameters"],
        },
    },
    "claude_auth": _open(
        "How to sign in; keys themselves are secrets of the project.",
        provider={"enum": ["anthropic", "aws_bedrock", "google_vertex", None]},
        auto_check=FLAG,
        fallback_mock=FLAG,
        diagnostics=FLAG,
    ),
    "gemini_auth": _open("How to sign in; keys themselves are secrets of the project."),
    "workspace_dir": or_null(TEXT, "The folder of the run's files."),
    "checkpoint_dir": or_null(TEXT, "The folder of checkpoints."),
    "output_dir": or_null(TEXT, "The folder for files of `output_to_file`."),
    "checkpoint_enabled": or_null(FLAG, "Every step is recorded here in any case."),
    "continue_on_error": or_null(FLAG, "For every step that does not say otherwise."),
}

WORKFLOW_FIELDS: Final[dict[str, Schema]] = {
    **_CARRIED_OUT,
    **{name: said(ANYTHING, _DESCRIBED.get(name, _KEPT)) for name in sorted(FIELDS - _CARRIED_OUT.keys())},
}
"""All fields of a workflow. Those that are only kept may hold anything."""

_LIMITS: Final[dict[str, Schema]] = _amounts(
    max_total_steps="Tasks, those of loops and nested melodies counted.",
    max_execution_time_s="Seconds.",
    max_nesting_depth="Melodies inside melodies.",
    max_parallel_steps="Tasks at once.",
    max_memory_mb="Megabytes.",
    max_workspace_size_mb="Megabytes of files.",
    max_output_size_mb="Megabytes of results.",
    max_api_calls="Calls of models.",
    max_tokens_total="Tokens, in and out.",
    max_cost_usd="US dollars.",
    max_file_operations="Steps of type file_ops.",
    max_shell_commands="Steps of type shell.",
    max_network_requests="Steps of type http.",
)
_SAFETY_FLAGS: Final[dict[str, str]] = {
    "allow_network": "Steps of type http may run.",
    "block_local_network": "Addresses of private networks are refused.",
    "restrict_file_access": "Only the files of the run, and `allowed_paths`.",
    "detect_circular_deps": "A melody may not run itself inside itself.",
}
_SAFETY_LISTS: Final[dict[str, str]] = {
    "allowed_commands": "Programs steps of type shell may start.",
    "blocked_commands": "Programs they may not start.",
    "allowed_domains": "Hosts steps of type http may ask.",
    "allowed_paths": "Files and folders of the run that file_ops may touch.",
    "read_only_paths": "Files and folders it may read only.",
}

WORKFLOW_DEFS: Final[dict[str, Schema]] = {
    "connection": {
        "type": "object",
        "properties": {
            "from": said(TEXT, "The name of a step."),
            "from_output": or_null(TEXT, "Its port, for the editor."),
            "to": said(TEXT, "The name of a step."),
            "to_input": or_null(TEXT, "Its port, for the editor."),
        },
        "required": ["from", "to"],
        "additionalProperties": False,
    },
    "defaults": _open(
        "What steps take that do not say otherwise.",
        claude_model=or_null(TEXT, "For steps that ask Claude.", examples=["sonnet", "opus", "haiku"]),
        claude_fallback_model=or_null(TEXT, "When that model is overloaded."),
        claude_options=or_null(MAPPING, "For steps that ask Claude, below their own `claude_options`."),
        claude_output_format={"enum": ["text", "json", "stream_json", "stream-json", None]},
        claude_preset={"enum": ["development", "production", "analysis", "chat", "test", None]},
        gemini_model=or_null(TEXT, "For steps that ask Gemini."),
        gemini_token_budget=or_null(MAPPING, "For steps that ask Gemini."),
        output_dir=or_null(TEXT, "The folder for files of `output_to_file`."),
        timeout_seconds=or_null(MORE_THAN_0, "For steps that have no timeout of their own."),
        retry_on_error=or_null(FLAG, "For every step that does not say otherwise."),
        continue_on_error=or_null(FLAG, "For every step that does not say otherwise."),
        cache_results=or_null(FLAG, "For every step that does not say otherwise."),
        cache_ttl=or_null(MORE_THAN_0, "Seconds."),
        timeout=or_null(MORE_THAN_0, "The same as `timeout_seconds`."),
        queue_timeout_seconds=or_null(MORE_THAN_0, "Seconds a step may wait for a worker."),
        total_timeout_seconds=or_null(MORE_THAN_0, "Seconds a step may take with every further attempt."),
        retry=ref("retry"),
        max_retries=or_null(COUNT, "Short for `retry: {max_retries: …}`."),
        retry_on=ref("texts"),
        queue=or_null(PLAIN, "The queue of workers of every step that does something itself."),
        requires=said(ref("capabilities"), "What the workers of these steps must have."),
    ),
    "resource_limits": _open("What one run may use at most.", **_LIMITS),
    "safety": _open(
        "What its steps may do.",
        **_LIMITS,
        sandbox_mode={"type": ["boolean", "string", "null"], "description": "Run programs in a sandbox only."},
        **{name: or_null(FLAG, description) for name, description in _SAFETY_FLAGS.items()},
        **{name: said(ref("texts"), description) for name, description in _SAFETY_LISTS.items()},
        max_recursion_time=or_null(MORE_THAN_0, "Seconds."),
        network_policy=or_null(TEXT, _KEPT),
    ),
    "environment": _open(
        "Where it runs.",
        mode={"enum": [*MODES, None], "description": "test asks no real model."},
        debug_level={"enum": [*DEBUG_LEVELS, None]},
        force_mock_providers=or_null(FLAG, "Ask no real model."),
        cost_alerts={
            "type": ["object", "null"],
            "properties": {
                "enabled": or_null(FLAG, "Whether to look at the costs."),
                "threshold_usd": or_null(NUMBER, "US dollars."),
                "notify_on_exceed": or_null(FLAG, "Say so when it is passed."),
            },
        },
    ),
}
