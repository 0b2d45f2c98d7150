"""How often something may be asked for: letters to one address. (Guesses: `apps.core.attempts`.)

Counted in the cache, so for all web processes together. When the cache is away, people are let pass: a lost counter must
not lock anybody out; the general rate limits stand beside it.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from typing import Final

from django.core.cache import cache

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """At most `times` within `seconds`, counted from the first."""

    name: str
    times: int
    seconds: int


LETTERS: Final = Pace("letters", 1, 60)
LETTERS_A_DAY: Final = Pace("letters-a-day", 20, 86_400)


def allows(pace: Pace, whom: str) -> bool:
    """Count one more for `whom`, and say whether it is within the pace."""
    # Addresses of people are nobody's business in a cache: their hash does as well.
    key = f"pace:{pace.name}:{hashlib.sha256(whom.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}"
    try:
        if cache.add(key, 1, timeout=pace.seconds):
            return True
        return int(cache.incr(key)) <= pace.times
    except ValueError:
        # It expired between the two questions.
        return True
    except Exception:
        logger.warning("The cache does not count %s.", pace.name, exc_info=True)
        return True


def allows_letter(purpose: str, address: str) -> bool:
    """One letter of a kind a minute to one address, and 20 a day."""
    whom = f"{purpose} {address.lower()}"
    return allows(LETTERS, whom) and allows(LETTERS_A_DAY, whom)
