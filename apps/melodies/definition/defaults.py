"""The `defaults` of a workflow: what its steps get when they do not say it themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from .fields import read_flag, read_number, read_text, wrong_type
from .kinds import StepKind
from .params import own_names
from .placing import read_queue, read_requires
from .pointers import child
from .policies import CachePolicy, RetryPolicy
from .policy_fields import LONGEST, RETRY_FIELDS, read_retry
from .problems import ProblemList
from .timeouts import DEFAULT_TIMEOUTS, LONGEST_TIMEOUT, NO_TIMEOUTS, Timeouts, read_timeouts

_TEXT = ("gemini_model", "claude_output_format", "claude_preset", "claude_model", "claude_fallback_model", "output_dir")
_MAPPINGS = ("gemini_token_budget", "claude_options")
_OTHERS = (
    "queue", "requires", "timeout_seconds", "timeout", "continue_on_error", "cache_results", "cache_ttl", *DEFAULT_TIMEOUTS,
    *RETRY_FIELDS,
)  # fmt: skip
FIELDS = frozenset((*_TEXT, *_MAPPINGS, *_OTHERS))

_OPTIONS = {"claude_output_format": "output_format", "claude_model": "model", "claude_fallback_model": "fallback_model"}
"""Defaults that stand for one of the `claude_options`."""


class Filled(NamedTuple):
    """A value a step got from the defaults: where it is now, relative to the step's params, and where it was written."""

    path: tuple[str, ...]
    value: Any
    pointer: str


@dataclass(frozen=True, slots=True)
class Defaults:
    """The defaults of one workflow. `model` are its fields for claude and gemini steps, as written below `pointer`."""

    pointer: str = ""
    model: Mapping[str, Any] = field(default_factory=dict)
    timeout_seconds: float | None = None
    timeouts: Timeouts = NO_TIMEOUTS
    continue_on_error: bool = False
    retry: RetryPolicy | None = None
    cache: CachePolicy | None = None
    output_dir: str | None = None
    queue: str | None = None
    requires: tuple[str, ...] = ()

    def complete(self, kind: StepKind, params: dict[str, Any]) -> list[Filled]:
        """Fill in what a step of this kind does not say; `params` is changed, but nothing inside it."""
        if not self.model:
            return []
        own = own_names(kind.params)
        filled = []
        for name, source in (("model", "gemini_model"), ("token_budget", "gemini_token_budget")):
            if "token_budget" in own and name in own and source in self.model and params.get(name) is None:
                params[name] = self.model[source]
                filled.append(Filled((name,), params[name], child(self.pointer, source)))
        if "claude_options" in own:
            filled.extend(self._options(params))
            if "preset" in own and params.get("preset") is None and "claude_preset" in self.model:
                params["preset"] = self.model["claude_preset"]
                filled.append(Filled(("preset",), params["preset"], child(self.pointer, "claude_preset")))
        return filled

    def _options(self, params: dict[str, Any]) -> Iterator[Filled]:
        written = params.get("claude_options")
        if written is not None and not isinstance(written, dict):
            return
        options = dict(written or {})
        for name, value in self.model.get("claude_options", {}).items():
            if options.get(name) is None:
                options[name] = value
                yield Filled(("claude_options", name), value, f"{self.pointer}/claude_options/{name}")
        for source, name in _OPTIONS.items():
            if source in self.model and options.get(name) is None:
                options[name] = self.model[source]
                yield Filled(("claude_options", name), options[name], child(self.pointer, source))
        if options:
            params["claude_options"] = options


def is_model_kind(kind: StepKind) -> bool:
    """Whether steps of a kind ask a model: they have `claude_options` or a `token_budget`."""
    return not own_names(kind.params).isdisjoint(("claude_options", "token_budget"))


def read_defaults(workflow: Mapping[str, Any], pointer: str, problems: ProblemList) -> Defaults:
    """The defaults of a workflow, `continue_on_error` beside them included."""
    tolerates = read_flag(workflow, "continue_on_error", pointer, problems, default=False)
    written = workflow.get("defaults")
    if not isinstance(written, dict):
        return Defaults(continue_on_error=tolerates)
    where = child(pointer, "defaults")
    _check_names(written, where, problems)
    timeout = "timeout_seconds" if written.get("timeout_seconds") is not None else "timeout"
    retry = {name: written[name] for name in RETRY_FIELDS if written.get(name) is not None}
    return Defaults(
        pointer=where,
        model=_model_fields(written, where, problems),
        timeout_seconds=read_number(written, timeout, where, problems, most=LONGEST_TIMEOUT),
        timeouts=read_timeouts(written, DEFAULT_TIMEOUTS, where, problems),
        continue_on_error=read_flag(written, "continue_on_error", where, problems, default=tolerates),
        retry=read_retry(retry, where, problems) if retry else None,
        cache=_cache(written, where, problems),
        output_dir=read_text(written, "output_dir", where, problems),
        queue=read_queue(written, where, problems),
        requires=read_requires(written, where, problems) or (),
    )


def _check_names(written: Mapping[str, Any], pointer: str, problems: ProblemList) -> None:
    for name in written:
        if name in FIELDS:
            continue
        where = child(pointer, name)
        if problems.misspelt(name, FIELDS):
            message = f"`{name}` is not one of the defaults."
            problems.add("unknown_field", message, where, at_key=True, meant=(name, FIELDS))
        else:
            message = f"`{name}` is not one of the defaults; it is kept and has no effect."
            problems.warn("unknown_field", message, where, at_key=True)


def _model_fields(written: Mapping[str, Any], pointer: str, problems: ProblemList) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name in (*_TEXT, *_MAPPINGS):
        value = written.get(name)
        if value is None or name == "output_dir":
            continue
        if isinstance(value, str if name in _TEXT else dict):
            fields[name] = value
        else:
            expected = "text" if name in _TEXT else "a mapping"
            wrong_type(problems, name, expected, value, child(pointer, name))
    return fields


def _cache(written: Mapping[str, Any], pointer: str, problems: ProblemList) -> CachePolicy | None:
    wanted = read_flag(written, "cache_results", pointer, problems, default=False)
    seconds = read_number(written, "cache_ttl", pointer, problems, most=LONGEST)
    return CachePolicy(None, seconds) if wanted else None
