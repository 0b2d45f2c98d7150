"""Python's cyclic garbage collector, kept from walking a growing document again and again."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def paused_collector() -> Iterator[None]:
    """Pause cyclic collection: reading makes millions of objects, none of them in a cycle, and would spend a third of its
    time there. Whoever found the collector running switches it on again, so threads may overlap."""
    was_running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_running:
            gc.enable()
