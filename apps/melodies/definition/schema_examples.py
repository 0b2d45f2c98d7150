"""One example of each step kind, for the schema: an editor offers it as a snippet. Each is a valid step."""

from __future__ import annotations

from typing import Any, Final

_ASK: Final = [{"type": "static", "content": "Summarise in three sentences: {{inputs.text}}"}]

EXAMPLES: Final[dict[str, dict[str, Any]]] = {
    "agent": {"name": "answer", "type": "agent", "agent": "support", "input": "{{inputs.question}}"},
    "approval": {"name": "approve", "type": "approval", "role": "admin", "title": "May this be published?"},
    "cancel": {"name": "call_off", "type": "cancel", "steps": ["other"]},
    "checkpoint": {"name": "save", "type": "checkpoint", "checkpoint_name": "half-way", "state": {"count": "{{state.count}}"}},
    "claude": {"name": "summarise", "type": "claude", "prompt": _ASK},
    "claude_batch": {
        "name": "batch",
        "type": "claude_batch",
        "tasks": [{"id": "first", "prompt": "Name a river."}, {"id": "second", "prompt": "Name a mountain."}],
    },
    "claude_extract": {"name": "extract", "type": "claude_extract", "prompt": _ASK, "extraction_config": {"format": "json"}},
    "claude_robust": {"name": "try_hard", "type": "claude_robust", "prompt": _ASK, "retry_config": {"max_retries": 3}},
    "claude_session": {"name": "talk", "type": "claude_session", "prompt": _ASK, "session_config": {"session_name": "talk"}},
    "claude_smart": {"name": "analyse", "type": "claude_smart", "preset": "analysis", "prompt": _ASK},
    "codebase_query": {"name": "look", "type": "codebase_query", "queries": {"sources": {"find_files": {"extension": ".py"}}}},
    "data_transform": {
        "name": "sort",
        "type": "data_transform",
        "input_source": [{"price": 3}, {"price": 1}],
        "operations": [{"operation": "sort", "by": "price"}],
    },
    "end": {"name": "stop", "type": "end", "status": "completed", "message": "Nothing to do."},
    "file_ops": {"name": "write", "type": "file_ops", "operation": "write", "path": "notes.md", "content": "# Notes"},
    "for_loop": {
        "name": "each",
        "type": "for_loop",
        "iterator": "item",
        "data_source": ["one", "two"],
        "steps": [{"name": "say", "type": "test_echo", "value": "{{loop.item}}"}],
    },
    "gemini": {"name": "plan", "type": "gemini", "prompt": _ASK},
    "gemini_instructor": {
        "name": "structure",
        "type": "gemini_instructor",
        "prompt": _ASK,
        "schema": {"type": "object", "properties": {"title": {"type": "string"}}, "required": ["title"]},
    },
    "http": {"name": "fetch", "type": "http", "url": "https://example.org/data.json"},
    "parallel_claude": {
        "name": "both",
        "type": "parallel_claude",
        "parallel_tasks": [{"id": "pro", "prompt": _ASK}, {"id": "contra", "prompt": _ASK}],
    },
    "pipeline": {
        "name": "inner",
        "type": "pipeline",
        "pipeline": {"name": "inner", "steps": [{"name": "say", "type": "test_echo", "value": "{{inputs.word}}"}]},
        "inputs": {"word": "Hello"},
        "outputs": ["say"],
    },
    "python": {"name": "compute", "type": "python", "source": "print(6 * 7)"},
    "race": {
        "name": "first",
        "type": "race",
        "branches": {
            "answer": [{"name": "answered", "type": "signal", "signal": "answer"}],
            "patience": [{"name": "waited", "type": "wait", "seconds": 3600}],
        },
    },
    "set_variable": {"name": "count", "type": "set_variable", "variables": {"count": 1}},
    "shell": {"name": "list", "type": "shell", "command": ["ls", "-l"]},
    "signal": {"name": "paid", "type": "signal", "signal": "payment"},
    "simulate": {"name": "pretend", "type": "simulate", "seconds": 1, "output": {"answer": 42}},
    "switch": {
        "name": "choose",
        "type": "switch",
        "expression": "inputs.kind",
        "cases": {"short": [{"name": "brief", "type": "test_echo", "value": "Short."}]},
        "default": [{"name": "long", "type": "test_echo", "value": "Long."}],
    },
    "tell": {"name": "announce", "type": "tell", "signal": "payment", "payload": {"amount": 10}},
    "test_echo": {"name": "say", "type": "test_echo", "value": "Hello"},
    "wait": {"name": "rest", "type": "wait", "seconds": 60},
    "while_loop": {
        "name": "again",
        "type": "while_loop",
        "condition": "state.count < 3",
        "max_iterations": 10,
        "steps": [{"name": "step", "type": "set_variable", "variables": {"count": "{{state.count + 1}}"}}],
    },
}  # fmt: skip
