"""What the container of an agent may use, by the subscription tier of its organization. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class ContainerTier(StrEnum):
    BASIC = "basic"
    PRO = "pro"
    ENTERPRISE = "enterprise"


class Isolation(StrEnum):
    SHARED = "shared"
    ISOLATED = "isolated"


@dataclass(frozen=True, slots=True)
class Allowance:
    """`cpu` in processors, `memory_mb` in MiB."""

    cpu: int
    memory_mb: int
    isolation: Isolation


ALLOWANCES: Final[Mapping[ContainerTier, Allowance]] = {
    ContainerTier.BASIC: Allowance(1, 2048, Isolation.SHARED),
    ContainerTier.PRO: Allowance(4, 8192, Isolation.SHARED),
    ContainerTier.ENTERPRISE: Allowance(16, 32768, Isolation.ISOLATED),
}


def container_tier(subscription_tier: str) -> ContainerTier:
    """The free tier gets the smallest container: what it is short of is agents, not a kind of container of its own."""
    try:
        return ContainerTier(subscription_tier)
    except ValueError:
        return ContainerTier.BASIC


__all__ = ["ALLOWANCES", "Allowance", "ContainerTier", "Isolation", "container_tier"]
