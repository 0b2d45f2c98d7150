"""How much of a quota an organization uses: told by the apps that know, asked by those that do not know them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final
from uuid import UUID

from apps.billing.entitlements import Quota

Measure = Callable[[UUID], int]
_MEASURES: Final[dict[Quota, Measure]] = {}


def measures(quota: Quota) -> Callable[[Measure], Measure]:
    """Register a function as the one that counts this quota for an organization, from its app's receivers.

    It is called by somebody who may see all of the organization, and counts what is there, whoever may see it.
    """

    def register(measure: Measure) -> Measure:
        _MEASURES[quota] = measure
        return measure

    return register


def measured(quota: Quota, organization_id: UUID) -> int | None:
    """None: no app counts it."""
    measure = _MEASURES.get(quota)
    return None if measure is None else measure(organization_id)
