"""Identifiers whose order is the order of their creation."""

from __future__ import annotations

import secrets
import threading
import time
import uuid

_lock = threading.Lock()
_last_millisecond = 0
_counter = 0

_COUNTER_BITS = 32
_RANDOM_BITS = 42
# Half of the counter's range is left free, so that one millisecond can count on from a random start.
_COUNTER_START_BITS = _COUNTER_BITS - 1


def uuid7() -> uuid.UUID:
    """A version 7 UUID (RFC 9562): 48 bits of Unix milliseconds, a 32-bit counter, 42 random bits.

    Within one process each value is greater than all before it, also when the clock is set back.
    """
    millisecond, counter = _tick()
    tail = counter << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS)
    high = tail >> 62  # the 12 bits between version and variant
    low = tail & ((1 << 62) - 1)
    return uuid.UUID(int=millisecond << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low)


def _tick() -> tuple[int, int]:
    global _last_millisecond, _counter  # noqa: PLW0603 - the state of a clock
    now = time.time_ns() // 1_000_000
    with _lock:
        if now > _last_millisecond:
            _last_millisecond = now
            _counter = secrets.randbits(_COUNTER_START_BITS)
        else:
            _counter += 1
            if _counter >> _COUNTER_BITS:
                _last_millisecond += 1
                _counter = 0
        return _last_millisecond, _counter
