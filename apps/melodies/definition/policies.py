"""What the engine does around a step: tries it again, remembers its result; and what it allows a whole run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Backoff = Literal["constant", "linear", "exponential"]
BACKOFFS: tuple[Backoff, ...] = ("constant", "linear", "exponential")

DEFAULT_RETRIES = 3


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a failed step is tried again, and how long it waits before.

    Before retry k (from 0) it waits `delay_seconds`, `delay_seconds * (k + 1)` or `delay_seconds * 2**k`, at most
    `max_delay_seconds`, changed by up to `jitter` (a part of it, 0 to 1) in either direction. With `retry_on`, only errors
    whose code or lower-cased message contains one of these texts (lower-cased too). After `budget_seconds` since the first
    attempt began, no other is started.
    """

    max_retries: int = DEFAULT_RETRIES
    backoff: Backoff = "exponential"
    delay_seconds: float = 1.0
    max_delay_seconds: float = 300.0
    jitter: float = 0.0
    retry_on: tuple[str, ...] = ()
    budget_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class CachePolicy:
    """A step's result may be taken from an earlier run. `key` is a template for what the result depends on, None for all
    of the step's own fields; `ttl_seconds` None for as long as results are kept."""

    key: str | None = None
    ttl_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class WorkflowLimits:
    """What one run may use at most, from `resource_limits`, `safety` and `max_execution_time`; the lower one where two say
    it. None: the document does not say."""

    max_total_steps: int | None = None
    max_execution_time_s: float | None = None
    max_nesting_depth: int | None = None
    max_parallel_steps: int | None = None
    max_memory_mb: float | None = None
    max_workspace_size_mb: float | None = None
    max_output_size_mb: float | None = None
    max_api_calls: int | None = None
    max_tokens_total: int | None = None
    max_cost_usd: float | None = None
    max_file_operations: int | None = None
    max_shell_commands: int | None = None
    max_network_requests: int | None = None
    max_recursion_time_s: float | None = None
