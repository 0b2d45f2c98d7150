"""Presets: prepared `claude_options` for a kind of work, and how a step comes to one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from workers.contract import StepFailed, Workflow

TOOLS = ("Write", "Edit", "Read", "Bash", "Search", "Glob", "Grep")
AUTO = "auto"


def _retries(number: int, strategy: str, *conditions: str) -> dict[str, Any]:
    return {"max_retries": number, "backoff_strategy": strategy, "retry_conditions": list(conditions)}


PRESETS: Mapping[str, Mapping[str, Any]] = {
    "development": {
        "max_turns": 20,
        "verbose": True,
        "output_format": "stream_json",
        "allowed_tools": list(TOOLS),
        "model": "sonnet",
        "retry_config": _retries(3, "exponential", "timeout", "api_error"),
        "timeout_ms": 300_000,
        "debug_mode": True,
        "telemetry_enabled": True,
        "cost_tracking": True,
    },
    "production": {
        "max_turns": 10,
        "verbose": False,
        "output_format": "json",
        "allowed_tools": ["Read"],
        "model": "opus",
        "fallback_model": "sonnet",
        "retry_config": _retries(2, "linear", "timeout"),
        "timeout_ms": 120_000,
        "debug_mode": False,
        "telemetry_enabled": True,
        "cost_tracking": True,
    },
    "analysis": {
        "max_turns": 5,
        "verbose": True,
        "output_format": "json",
        "allowed_tools": ["Read", "Glob", "Grep"],
        "model": "opus",
        "retry_config": _retries(2, "exponential", "timeout", "api_error"),
        "timeout_ms": 180_000,
        "debug_mode": False,
        "telemetry_enabled": True,
        "cost_tracking": True,
    },
    "chat": {
        "max_turns": 15,
        "verbose": False,
        "output_format": "text",
        "allowed_tools": [],
        "retry_config": _retries(1, "linear", "timeout"),
        "timeout_ms": 60_000,
        "debug_mode": False,
        "telemetry_enabled": False,
        "cost_tracking": True,
    },
    "test": {
        "max_turns": 3,
        "verbose": True,
        "output_format": "json",
        "allowed_tools": ["Read"],
        "retry_config": _retries(1, "linear"),
        "timeout_ms": 30_000,
        "debug_mode": True,
        "telemetry_enabled": False,
        "cost_tracking": False,
    },
}

_MANNERS = {
    "development": "Explain what you do as you go, and say what you would look at next.",
    "production": "Be careful and brief; say so plainly when something is uncertain.",
    "analysis": "Analyse thoroughly, give reasons, and keep findings apart from recommendations.",
    "chat": "Answer in a friendly, conversational tone.",
    "test": "Answer as briefly as possible.",
}


def chosen(written: str | None, workflow: Workflow, *, fallback: str, environment_aware: bool = False) -> str:
    """The preset of a step: its own, else `defaults.claude_preset`, else (environment aware) that of the same name as
    `environment.mode`, else `fallback`. `auto` is as if nothing were written."""
    if written is not None and written != AUTO:
        return written
    preferred = workflow.section("defaults").get("claude_preset")
    if preferred is not None:
        if preferred not in PRESETS:
            known = ", ".join(PRESETS)
            raise StepFailed(
                f"defaults.claude_preset is {str(preferred)[:80]!r}; there is only: {known}",
                code="bad_params",
                final=True,
            )
        return str(preferred)
    mode = workflow.section("environment").get("mode")
    return str(mode) if environment_aware and mode in PRESETS else fallback


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Both, the second one first: maps are merged deeply, everything else is replaced."""
    result = dict(base)
    for key, value in over.items():
        known = result.get(key)
        result[key] = merged(known, value) if isinstance(known, Mapping) and isinstance(value, Mapping) else value
    return result


def optimised(preset: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """The last word of claude_smart: how to answer, unless the step says it, and the preset's tools. Only `development`
    lets a step add tools to them."""
    result = dict(options)
    if not result.get("append_system_prompt"):
        result["append_system_prompt"] = _MANNERS[preset]
    tools = list(PRESETS[preset]["allowed_tools"])
    if preset == "development":
        tools += [tool for tool in options.get("allowed_tools") or () if tool not in tools]
    result["allowed_tools"] = tools
    return result
