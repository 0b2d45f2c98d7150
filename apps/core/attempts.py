"""Counting tries at what must not be guessed: passwords, codes, links.

An attempt is *taken* before it is looked at, so that many at once get no more of them than one after another: the first
`free` in a row are free; from then on one is let through at a time, and after each the door stays shut twice as long as
before. Whoever gets in is forgiven, and what nobody tries any more is forgotten.

The counts are in the cache, which all web processes share. While it cannot be reached each process counts for itself:
guessing stays bounded (by the number of processes), and people can still sign in.
"""

from __future__ import annotations

import hashlib
import logging
import math
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from ipaddress import IPv6Address, ip_address
from typing import Final, TypeVar

from django.core.cache import cache
from django.core.cache.backends.base import BaseCache
from django.core.cache.backends.locmem import LocMemCache
from redis.exceptions import RedisError

from apps.core.errors import TooMany

logger = logging.getLogger(__name__)

_own: Final = LocMemCache("symphony-attempts", {"OPTIONS": {"MAX_ENTRIES": 20_000}})
_IPV6_SITE_BITS: Final = 64

R = TypeVar("R")


class TooManyAttempts(TooMany):
    """There were too many attempts; wait a while before the next one."""

    code = "too_many_attempts"


@dataclass(frozen=True, slots=True)
class Limit:
    """`free` attempts in a row, then a pause of `pause` seconds that doubles up to `longest`; forgotten after `memory`."""

    name: str
    free: int
    pause: float = 30.0
    longest: float = 3600.0
    memory: float = 24 * 3600.0

    def pause_after(self, attempts: int) -> float:
        return float(min(self.longest, self.pause * 2 ** min(attempts - self.free, 32)))


@dataclass(frozen=True, slots=True)
class Guarded:
    """One thing that is tried at: an account, an address, both together."""

    limit: Limit
    what: str

    def key(self, part: str) -> str:
        # Hashed: what people type is of any length, and is nobody's business in a cache.
        digest = hashlib.sha256(f"{self.limit.name}\0{self.what}".encode("utf-8", "surrogatepass")).hexdigest()
        return f"attempts:{part}:{digest}"


def take(guarded: Iterable[Guarded]) -> bool:
    """Count an attempt at each of these; whether one of the doors is shut behind it. Raises `TooManyAttempts`."""
    taken = [_ask(partial(_take_from, guarded=each)) for each in guarded]
    if any(each.wait > 0 for each in taken):
        seconds = math.ceil(max(each.wait for each in taken))
        raise TooManyAttempts(f"There were too many attempts; try again in {_spoken(seconds)}.", retry_after=seconds)
    return any(each.shut for each in taken)


def forgive(guarded: Iterable[Guarded]) -> None:
    """It was the right one: the next attempts are free again."""
    for each in guarded:
        keys = [each.key("count"), each.key("shut")]
        _ask(partial(_delete, keys=keys))


def give_back(guarded: Iterable[Guarded]) -> None:
    """It was the right one, but says nothing about others: as if this attempt had not been made."""
    for each in guarded:
        _ask(partial(_decrement, key=each.key("count")))


def network_of(address: str) -> str:
    """Whom an address is counted as: of IPv6 one site has 2^64 of them."""
    with suppress(ValueError):
        parsed = ip_address(address)
        if isinstance(parsed, IPv6Address):
            parsed = parsed.ipv4_mapped or IPv6Address(int(parsed) >> _IPV6_SITE_BITS << _IPV6_SITE_BITS)
        return str(parsed)
    return address


@dataclass(frozen=True, slots=True)
class _Taken:
    """`wait` seconds when it must not be made; `shut`: it may, and the next one has to wait."""

    wait: float = 0.0
    shut: bool = False


def _take_from(store: BaseCache, guarded: Guarded) -> _Taken:
    limit, count, shut = guarded.limit, guarded.key("count"), guarded.key("shut")
    attempts = _increment(store, count, limit.memory)
    if attempts < limit.free:
        return _Taken()
    pause = limit.pause_after(attempts)
    if store.add(shut, time.time() + pause, timeout=pause):
        return _Taken(shut=True)
    # It was not made, so it must not make the next pause longer.
    _decrement(store, count)
    until = store.get(shut)
    return _Taken(wait=1.0 if until is None else max(1.0, until - time.time()))


def _increment(store: BaseCache, key: str, memory: float) -> int:
    store.add(key, 0, timeout=memory)
    try:
        attempts = store.incr(key)
    except ValueError:
        # It was forgotten between the two.
        store.add(key, 1, timeout=memory)
        return 1
    store.touch(key, timeout=memory)
    return attempts


def _decrement(store: BaseCache, key: str) -> None:
    with suppress(ValueError):
        store.decr(key)


def _delete(store: BaseCache, keys: list[str]) -> None:
    store.delete_many(keys)


def _ask(question: Callable[[BaseCache], R]) -> R:
    try:
        return question(cache)
    except (RedisError, OSError) as error:
        logger.warning("The cache cannot be reached (%s): this process counts attempts by itself.", error)
        return question(_own)


def _spoken(seconds: int) -> str:
    if seconds < 60:
        return "1 second" if seconds == 1 else f"{seconds} seconds"
    minutes = math.ceil(seconds / 60)
    return "1 minute" if minutes == 1 else f"{minutes} minutes"
