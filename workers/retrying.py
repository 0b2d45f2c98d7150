"""Whether a failed attempt is followed by another, and when. Pure."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

TRANSIENT: Mapping[str, Any] = {
    "max_retries": 4,
    "backoff": "exponential",
    "delay_seconds": 1.0,
    "max_delay_seconds": 60.0,
    "jitter": 0.2,
    "retry_on": (),
    "budget_seconds": None,
}
"""For failures that pass by themselves, when the step does not say what to do."""


def delay_before_next(
    policy: Mapping[str, Any] | None,
    failure: Mapping[str, Any],
    *,
    retries: int,
    elapsed: float,
    transient: bool = False,
    final: bool = False,
    retry_after: float | None = None,
) -> float | None:
    """Seconds until the next attempt; None: there is none. `policy` has the fields of `RetryPolicy`.

    `retries` attempts have failed before this one, the first began `elapsed` seconds ago.
    """
    if final or (policy is None and not transient):
        return None
    rules = TRANSIENT if policy is None else policy
    if retries >= rules["max_retries"] or not _concerns(rules["retry_on"], failure):
        return None
    delay = max(_backoff(rules, retries), retry_after or 0.0)
    if rules["budget_seconds"] is not None and elapsed + delay > rules["budget_seconds"]:
        return None
    return delay


def _concerns(texts: Any, failure: Mapping[str, Any]) -> bool:
    if not texts:
        return True
    said = f"{failure.get('code', '')} {failure.get('message', '')}".lower()
    return any(str(text).lower() in said for text in texts)


def _backoff(rules: Mapping[str, Any], retries: int) -> float:
    delay = float(rules["delay_seconds"])
    if rules["backoff"] == "linear":
        delay *= retries + 1
    elif rules["backoff"] == "exponential":
        delay *= 2.0 ** min(retries, 60)
    delay = min(delay, float(rules["max_delay_seconds"]))
    return max(0.0, delay * (1 + random.uniform(-1, 1) * float(rules["jitter"])))
