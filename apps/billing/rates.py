"""Buckets of requests on the cache server: one script, one round trip, no two clients ever see the same token.

A bucket holds as many requests as its limit and fills evenly, a whole one in a minute. A request takes one from each of its
buckets, or from none when one of them is empty. Times are the server's, so that all processes agree.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final

import redis
from django.conf import settings

logger = logging.getLogger(__name__)

WINDOW: Final = 60
"""Seconds in which an empty bucket is full again."""
PATIENCE: Final = 0.25
"""Seconds to wait for the cache server: a limit is no reason to be slow."""
REST: Final = 5.0
"""Seconds for which it is not asked again after it did not answer."""
TELL_EVERY: Final = 60.0

# KEYS: buckets. ARGV: seconds of the window, then the limit of each. Returns whether there was one in each, and for each
# what is left and after how many milliseconds there is one again (0: there is) and it is full.
_TAKE: Final = """
local now = redis.call('TIME')
local at = now[1] * 1000 + math.floor(now[2] / 1000)
local window = ARGV[1] * 1000
local levels, enough = {}, 1
for i, key in ipairs(KEYS) do
  local limit = tonumber(ARGV[i + 1])
  local kept = redis.call('HMGET', key, 'level', 'at')
  local level = limit
  if kept[1] then
    local passed = math.max(at - tonumber(kept[2]), 0)
    level = math.min(limit, tonumber(kept[1]) + passed * limit / window)
  end
  levels[i] = level
  if level < 1 then enough = 0 end
end
local answer = {enough}
for i, key in ipairs(KEYS) do
  local limit = tonumber(ARGV[i + 1])
  local level = levels[i] - enough
  redis.call('HSET', key, 'level', string.format('%.6f', level), 'at', at)
  redis.call('PEXPIRE', key, window + 1000)
  answer[#answer + 1] = math.floor(level)
  answer[#answer + 1] = math.ceil(math.max(1 - level, 0) * window / limit)
  answer[#answer + 1] = math.ceil((limit - level) * window / limit)
end
return answer
"""


@dataclass(frozen=True, slots=True)
class Bucket:
    """`name` is what the client is told it is called; `key` whose it is; `limit` requests in `WINDOW` seconds."""

    name: str
    key: str
    limit: int


@dataclass(frozen=True, slots=True)
class Level:
    """`left` requests can be made at once; in `wait` seconds one more; in `full` seconds all of the limit."""

    bucket: Bucket
    left: int
    wait: float
    full: float


@dataclass(frozen=True, slots=True)
class Taken:
    allowed: bool
    levels: tuple[Level, ...]

    @property
    def wait(self) -> float:
        return max(level.wait for level in self.levels)


class RateLimiter:
    """On the cache server at `url`. Threads share it; a forked process makes its own connections."""

    def __init__(self, url: str) -> None:
        pool = redis.ConnectionPool.from_url(url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE)
        self._client = redis.Redis(connection_pool=pool)
        self._script = self._client.register_script(_TAKE)
        self._not_before = 0.0
        self._told_at = float("-inf")

    def take(self, buckets: Sequence[Bucket]) -> Taken | None:
        """One request from each; None when the server does not answer: then nobody is kept waiting for it."""
        if monotonic() < self._not_before:
            return None
        keys = [f"symphony:rate:{bucket.name}:{bucket.key}" for bucket in buckets]
        try:
            answer: list[Any] = self._script(keys=keys, args=[WINDOW, *(bucket.limit for bucket in buckets)])
        except (redis.RedisError, OSError) as error:
            self._rest(error)
            return None
        allowed, *numbers = (int(number) for number in answer)
        levels = tuple(
            Level(bucket, *_seconds(numbers[3 * place : 3 * place + 3])) for place, bucket in enumerate(buckets)
        )
        return Taken(bool(allowed), levels)

    def _rest(self, error: Exception) -> None:
        now = monotonic()
        self._not_before = now + REST
        if now - self._told_at >= TELL_EVERY:
            self._told_at = now
            logger.warning("requests are not limited: the cache server does not answer (%s)", type(error).__name__)


_limiters: Final[dict[tuple[int, str], RateLimiter]] = {}
_lock = threading.Lock()


def _new_lock() -> None:
    global _lock  # noqa: PLW0603 - whoever held it is not in this process
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_new_lock)


def limiter() -> RateLimiter | None:
    """That of this process on the server of Django's cache; None where the cache is no server."""
    cache = settings.CACHES["default"]
    if "redis" not in cache["BACKEND"].lower():
        return None
    key = (os.getpid(), str(cache["LOCATION"]))
    with _lock:
        if key not in _limiters:
            _limiters[key] = RateLimiter(key[1])
        return _limiters[key]


def _seconds(numbers: Sequence[int]) -> tuple[int, float, float]:
    left, wait, full = numbers
    return left, wait / 1000, full / 1000
