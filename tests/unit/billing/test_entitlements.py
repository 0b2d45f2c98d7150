from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.accounts.models import SubscriptionTier
from apps.billing.entitlements import TIER_ORDER, TIERS, Quota, entitlements_for, feature_errors, higher_tier

LIMITS = st.none() | st.integers(0, 2**53)
FEATURES = st.dictionaries(st.sampled_from([quota.value for quota in Quota]), LIMITS)


def test_there_is_one_for_each_tier_of_an_organization() -> None:
    assert list(TIERS) == list(SubscriptionTier.values)
    assert all(tier == entitled.tier for tier, entitled in TIERS.items())


@pytest.mark.parametrize("quota", Quota)
def test_a_higher_tier_never_has_less(quota: Quota) -> None:
    limits = [float("inf") if (limit := TIERS[tier].limit(quota)) is None else limit for tier in TIER_ORDER]
    assert limits == sorted(limits)
    assert limits[0] > 0


@given(tier=st.sampled_from(TIER_ORDER), features=FEATURES)
def test_a_plan_changes_what_it_names_and_nothing_else(tier: str, features: dict[str, Any]) -> None:
    assert list(feature_errors(features)) == []
    entitled = entitlements_for(tier, {**features, "priority_support": True})
    assert entitled.tier == tier
    for quota in Quota:
        assert entitled.limit(quota) == features.get(quota.value, TIERS[tier].limit(quota))


@given(st.lists(st.sampled_from(TIER_ORDER), min_size=2, max_size=2))
def test_the_higher_of_two_tiers(pair: list[str]) -> None:
    assert TIER_ORDER.index(higher_tier(*pair)) == max(map(TIER_ORDER.index, pair))


@pytest.mark.parametrize(
    ("features", "name"),
    [
        ({"seats": -1}, "seats"),
        ({"seats": 1.5}, "seats"),
        ({"seats": True}, "seats"),
        ({"storage_bytes": 10**400}, "storage_bytes"),
        ({"max_agents": "many"}, "max_agents"),
        ({"tier": "pro"}, "tier"),
        ({"seets": 5}, "seets"),
        ({"sso": None}, "sso"),
        ([], ""),
        (None, ""),
    ],
)
def test_features_that_mean_nothing_are_told_by_name(features: Any, name: str) -> None:
    ((told, message),) = feature_errors(features)
    assert told == name
    assert message.endswith(".")
