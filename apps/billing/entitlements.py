"""What a tier entitles an organization to, and how a plan changes that. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any, Final

GIBIBYTE: Final = 1024**3
LARGEST: Final = 2**53
"""Beyond it, readers of JSON begin to round."""


class Quota(StrEnum):
    """Everything that is limited, by the name it has in a plan's features."""

    SEATS = "seats"
    CONCURRENT_EXECUTIONS = "concurrent_executions"
    CONCURRENT_TASKS = "concurrent_tasks"
    STORAGE_BYTES = "storage_bytes"
    RETENTION_DAYS = "retention_days"
    REQUESTS_PER_MINUTE = "requests_per_minute"
    PROJECTS = "max_projects"
    AGENTS = "max_agents"


@dataclass(frozen=True, slots=True)
class Entitlements:
    """Limits of an organization; None is no limit.

    `seats`: members and pending invitations. `concurrent_executions`: runs that are not over. `concurrent_tasks`:
    steps that run at once; more wait. `retention_days`: how long
    finished runs are kept. `requests_per_minute`: of one credential over the API.
    """

    tier: str
    seats: int | None = None
    concurrent_executions: int | None = None
    concurrent_tasks: int | None = None
    storage_bytes: int | None = None
    retention_days: int | None = None
    requests_per_minute: int | None = None
    max_projects: int | None = None
    max_agents: int | None = None

    def limit(self, quota: Quota) -> int | None:
        value: int | None = getattr(self, quota.value)
        return value

    def with_features(self, features: Mapping[str, Any]) -> Entitlements:
        """These limits, with those that a plan's features name in their place. Features must have no `feature_errors`."""
        own = {quota.value: features[quota.value] for quota in Quota if quota.value in features}
        return replace(self, **own)

    def as_limits(self) -> dict[str, int | None]:
        return {quota.value: self.limit(quota) for quota in Quota}


TIERS: Final[Mapping[str, Entitlements]] = {
    "free": Entitlements(
        tier="free",
        seats=3,
        concurrent_executions=2,
        concurrent_tasks=50,
        storage_bytes=GIBIBYTE,
        retention_days=14,
        requests_per_minute=300,
        max_projects=3,
        max_agents=1,
    ),
    "basic": Entitlements(
        tier="basic",
        seats=10,
        concurrent_executions=10,
        concurrent_tasks=200,
        storage_bytes=20 * GIBIBYTE,
        retention_days=30,
        requests_per_minute=1_200,
        max_projects=20,
        max_agents=5,
    ),
    "pro": Entitlements(
        tier="pro",
        seats=50,
        concurrent_executions=50,
        concurrent_tasks=1_000,
        storage_bytes=200 * GIBIBYTE,
        retention_days=180,
        requests_per_minute=6_000,
        max_projects=200,
        max_agents=50,
    ),
    "enterprise": Entitlements(tier="enterprise", requests_per_minute=60_000),
}
TIER_ORDER: Final = tuple(TIERS)
SHARES: Final[Mapping[str, float]] = {"free": 1.0, "basic": 2.0, "pro": 4.0, "enterprise": 8.0}
"""What an organization of a tier gets of workers that several organizations wait for, beside the others."""


def higher_tier(first: str, second: str) -> str:
    return max(first, second, key=TIER_ORDER.index)


def entitlements_for(tier: str, features: Mapping[str, Any] | None = None) -> Entitlements:
    return TIERS[tier].with_features(features or {})


def feature_errors(features: Any) -> Iterator[tuple[str, str]]:
    """What is wrong with the features of a plan: (name, message), name "" for the whole.

    Names of `Quota` take a whole number or null (no limit); any other name is a flag or a text for the price list.
    """
    if not isinstance(features, Mapping):
        yield "", 'The features of a plan are an object, such as {"seats": 5, "priority_support": true}.'
        return
    quotas = {field.name for field in fields(Entitlements)} - {"tier"}
    for name, value in features.items():
        if name == "tier":
            yield name, "The tier of a plan is a field of its own."
        elif name in quotas:
            if not _is_limit(value):
                yield name, f"{name} is a whole number from 0 to {LARGEST}, or null for no limit."
        elif not isinstance(value, bool | str):
            near = ", ".join(sorted(quotas))
            yield name, f"{name} is no limit ({near}), so it must be true, false or a text."


def _is_limit(value: Any) -> bool:
    return value is None or (isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= LARGEST)
