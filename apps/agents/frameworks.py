"""What the config of a version says, and whether it can be stored. Pure.

Two roads lead to an agent's graph: `graph` names one in a Python module that the operator allows (langgraph only), and
`endpoint` is an address that speaks the HTTP adapter contract (any framework).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from apps.core.storable import problems_of as unstorable

LARGEST_CONFIG: Final = 262_144
LARGEST_SOURCE: Final = 1_048_576
DEEPEST: Final = 40
LONGEST_ENDPOINT: Final = 2000

_GRAPH: Final = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)
_SECRET: Final = re.compile(r"[A-Z][A-Z0-9_]{0,99}", re.ASCII)
KNOWN: Final = ("graph", "endpoint", "secret", "recursion_limit", "timeout_seconds", "configurable", "health_path")


@dataclass(frozen=True, slots=True)
class Problem:
    """`pointer` is relative to the config."""

    code: str
    message: str
    pointer: str


def problems_of(framework: str, config: Any) -> list[Problem]:
    """Everything that keeps a config from being stored. Fields that nobody knows are the framework's own, and kept."""
    found = mapping_problem(config)
    return [found] if found is not None else list(_problems(framework, config))


def mapping_problem(value: Any, largest: int = LARGEST_CONFIG) -> Problem | None:
    """What keeps a mapping (config, metadata) from being stored, whatever is in it."""
    if not isinstance(value, Mapping):
        return Problem("invalid", "This is a mapping.", "")
    if _depth(value) > DEEPEST:
        return Problem("too_deep", f"This is nested more than {DEEPEST} deep.", "")
    text = json.dumps(value)
    if len(text) > largest:
        return Problem("too_large", f"This is at most {largest:,} bytes of JSON.", "")
    return next((Problem(**found) for found in unstorable(value, "", text)), None)


def _problems(framework: str, config: Mapping[str, Any]) -> Iterator[Problem]:
    graph, endpoint, secret = config.get("graph"), config.get("endpoint"), config.get("secret")
    if graph is not None and endpoint is not None:
        yield Problem("conflict", "Give `graph` or `endpoint`, not both.", "/endpoint")
    if graph is not None:
        if framework != "langgraph":
            yield Problem(
                "invalid", f"Only langgraph runs a `graph` here; an agent of {framework} has an `endpoint`.", "/graph"
            )
        elif not (isinstance(graph, str) and len(graph) <= 300 and _GRAPH.fullmatch(graph)):
            yield Problem(
                "invalid", "`graph` is written module.path:attribute, such as my_agents.support:graph.", "/graph"
            )
    if endpoint is not None and not _is_address(endpoint):
        yield Problem("invalid", "`endpoint` is an http or https address without a user name in it.", "/endpoint")
    if secret is not None and not (isinstance(secret, str) and _SECRET.fullmatch(secret)):
        yield Problem("invalid", "`secret` is the name of a secret: capital letters, digits and _.", "/secret")
    if "recursion_limit" in config and not _is_count(config["recursion_limit"], 10_000):
        yield Problem("invalid", "`recursion_limit` is a whole number from 1 to 10,000.", "/recursion_limit")
    if "timeout_seconds" in config and not _is_count(config["timeout_seconds"], 86_400):
        yield Problem("invalid", "`timeout_seconds` is a whole number from 1 to 86,400.", "/timeout_seconds")
    if not isinstance(config.get("configurable", {}), Mapping):
        yield Problem("invalid", "`configurable` is a mapping.", "/configurable")


def _is_count(value: Any, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most


def _is_address(text: Any) -> bool:
    if not isinstance(text, str) or len(text) > LONGEST_ENDPOINT or not text.isprintable() or " " in text:
        return False
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.username is None and port != 0


def _depth(value: Any) -> int:
    deepest, waiting = 0, [(value, 1)]
    while waiting:
        one, depth = waiting.pop()
        deepest = max(deepest, depth)
        if isinstance(one, Mapping):
            waiting.extend((inner, depth + 1) for inner in one.values())
        elif isinstance(one, list | tuple):
            waiting.extend((inner, depth + 1) for inner in one)
    return deepest


__all__ = ["DEEPEST", "KNOWN", "LARGEST_CONFIG", "LARGEST_SOURCE", "Problem", "mapping_problem", "problems_of"]
