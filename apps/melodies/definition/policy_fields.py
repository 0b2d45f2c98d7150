"""Reading `retry` and `cache`, in all their spellings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from .fields import read_flag, read_list_of_text, read_number, read_text, wrong_type
from .pointers import child
from .policies import BACKOFFS, DEFAULT_RETRIES, CachePolicy, RetryPolicy
from .problems import ProblemList

RETRY_FIELDS = ("retry", "retry_on_error", "max_retries", "retry_on")
RETRY_KEYS = (
    "max_retries", "max_attempts", "backoff", "backoff_strategy", "delay_seconds", "base_delay_ms", "max_delay_seconds",
    "jitter", "retry_on", "retry_conditions", "budget_seconds",
)  # fmt: skip
CACHE_KEYS = ("enabled", "key", "ttl", "ttl_seconds")
MOST_RETRIES = 100
LONGEST_DELAY = 24 * 3600.0
LONGEST = 366 * LONGEST_DELAY
_SPELLINGS = {"fixed": "constant"}


def read_retry(fields: Mapping[str, Any], pointer: str, problems: ProblemList) -> RetryPolicy | None:
    """The policy of a mapping that says at least one of `RETRY_FIELDS`; None when it says not to try again."""
    written = fields.get("retry")
    if written is None:
        return _short(fields, pointer, problems)
    also = [name for name in RETRY_FIELDS[1:] if fields.get(name) is not None]
    if also:
        message = f"`{also[0]}` and `retry` say the same; put it into `retry`."
        problems.add("conflicting_fields", message, child(pointer, also[0]), at_key=True)
    where = child(pointer, "retry")
    if isinstance(written, bool):
        return RetryPolicy() if written else None
    if isinstance(written, int | float):
        retries = read_number(fields, "retry", pointer, problems, most=MOST_RETRIES, whole=True, zero=True)
        return RetryPolicy(max_retries=int(retries)) if retries else None
    if isinstance(written, dict):
        return _policy(written, where, problems)
    wrong_type(problems, "retry", "a number of retries, or a mapping such as {max_retries, backoff}", written, where)
    return None


def _short(fields: Mapping[str, Any], pointer: str, problems: ProblemList) -> RetryPolicy | None:
    """`retry_on_error`, `max_retries` and `retry_on` on the step itself."""
    wanted = read_flag(fields, "retry_on_error", pointer, problems, default=True)
    policy = RetryPolicy(
        max_retries=_retries(fields, pointer, problems),
        retry_on=read_list_of_text(fields, "retry_on", pointer, problems),
    )
    return policy if wanted and policy.max_retries else None


def _retries(fields: Mapping[str, Any], pointer: str, problems: ProblemList) -> int:
    retries = read_number(fields, "max_retries", pointer, problems, most=MOST_RETRIES, whole=True, zero=True)
    attempts = read_number(fields, "max_attempts", pointer, problems, most=MOST_RETRIES + 1, whole=True)
    if retries is not None and attempts is not None:
        message = "`max_attempts` counts the first attempt, `max_retries` does not; keep one of them."
        problems.add("conflicting_fields", message, child(pointer, "max_attempts"), at_key=True)
    if retries is not None:
        return int(retries)
    return int(attempts) - 1 if attempts is not None else DEFAULT_RETRIES


def _policy(written: Mapping[str, Any], pointer: str, problems: ProblemList) -> RetryPolicy | None:
    for key in written:
        if key not in RETRY_KEYS:
            message = f"`{key}` is not a field of `retry`."
            problems.add("unknown_field", message, child(pointer, key), at_key=True, meant=(key, RETRY_KEYS))
    policy = RetryPolicy(max_retries=_retries(written, pointer, problems))
    said = "backoff" if written.get("backoff") is not None else "backoff_strategy"
    backoff = read_text(written, said, pointer, problems)
    if backoff is not None:
        found = next((known for known in BACKOFFS if known == _SPELLINGS.get(backoff, backoff)), None)
        if found is None:
            message = "`backoff` should be constant, linear or exponential."
            problems.add("invalid_value", message, child(pointer, said), meant=(backoff, BACKOFFS))
        else:
            policy = replace(policy, backoff=found)
    delay = read_number(written, "delay_seconds", pointer, problems, most=LONGEST_DELAY, zero=True)
    if delay is None and (base := read_number(written, "base_delay_ms", pointer, problems, most=LONGEST_DELAY * 1000, zero=True)) is not None:  # fmt: skip
        delay = base / 1000
    longest = read_number(written, "max_delay_seconds", pointer, problems, most=LONGEST_DELAY, zero=True)
    conditions = "retry_on" if written.get("retry_on") is not None else "retry_conditions"
    policy = replace(
        policy,
        delay_seconds=policy.delay_seconds if delay is None else delay,
        max_delay_seconds=max(policy.max_delay_seconds, delay or 0.0) if longest is None else longest,
        jitter=_jitter(written, pointer, problems),
        retry_on=read_list_of_text(written, conditions, pointer, problems),
        budget_seconds=read_number(written, "budget_seconds", pointer, problems, most=LONGEST),
    )
    return policy if policy.max_retries else None


def _jitter(written: Mapping[str, Any], pointer: str, problems: ProblemList) -> float:
    jitter = written.get("jitter")
    if isinstance(jitter, bool):
        return 0.5 if jitter else 0.0
    return read_number(written, "jitter", pointer, problems, most=1, zero=True) or 0.0


def read_cache(step: Mapping[str, Any], pointer: str, problems: ProblemList) -> CachePolicy | None:
    """The `cache` of a step; None for `false`."""
    written = step["cache"]
    where = child(pointer, "cache")
    if isinstance(written, bool):
        return CachePolicy() if written else None
    if not isinstance(written, dict):
        wrong_type(problems, "cache", "true, or a mapping such as {key, ttl}", written, where)
        return None
    for key in written:
        if key not in CACHE_KEYS:
            message = f"`{key}` is not a field of `cache`."
            problems.add("unknown_field", message, child(where, key), at_key=True, meant=(key, CACHE_KEYS))
    said = "ttl" if written.get("ttl") is not None else "ttl_seconds"
    policy = CachePolicy(
        read_text(written, "key", where, problems), read_number(written, said, where, problems, most=LONGEST)
    )
    return policy if read_flag(written, "enabled", where, problems, default=True) else None
