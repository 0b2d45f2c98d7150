"""What somebody may do in a project: the laws."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.accounts.permissions import Action, may
from apps.projects.standing import RANKS, effective_role

ROLES = sorted(RANKS, key=RANKS.__getitem__)
organization_roles = st.sampled_from([None, *ROLES])
named = st.lists(st.sampled_from(ROLES), max_size=4)


def powers(role: str | None) -> frozenset[Action]:
    """What counts of a role: an admin and an owner of a project may do the same."""
    return frozenset(action for action in Action if may(role, action))


@pytest.mark.parametrize(
    ("organization_role", "restricted", "names", "expected"),
    [
        (None, False, ["owner"], None),
        ("owner", True, [], "owner"),
        ("admin", True, ["viewer"], "admin"),
        ("member", False, [], "member"),
        ("member", False, ["viewer"], "member"),
        ("member", False, ["admin"], "admin"),
        ("member", True, [], None),
        ("member", True, ["viewer"], "viewer"),
        ("member", True, ["viewer", "member"], "member"),
        ("member", True, ["owner"], "owner"),
        ("viewer", False, [], "viewer"),
        ("viewer", False, ["owner"], "viewer"),
        ("viewer", True, [], None),
        ("viewer", True, ["admin"], "viewer"),
    ],
)
def test_the_table(organization_role: str | None, restricted: bool, names: list[str], expected: str | None) -> None:  # noqa: FBT001
    assert effective_role(organization_role, restricted=restricted, named=names) == expected


@given(restricted=st.booleans(), names=named)
def test_strangers_are_nowhere_and_admins_everywhere(restricted: bool, names: list[str]) -> None:  # noqa: FBT001
    assert effective_role(None, restricted=restricted, named=names) is None
    for role in ("owner", "admin"):
        assert effective_role(role, restricted=restricted, named=names) == role


@given(restricted=st.booleans(), names=named)
def test_a_viewer_of_the_organization_never_writes(restricted: bool, names: list[str]) -> None:  # noqa: FBT001
    assert not may(effective_role("viewer", restricted=restricted, named=names), Action.WRITE)


@given(role=organization_roles, restricted=st.booleans(), names=named, more=st.sampled_from(ROLES))
def test_to_be_named_never_takes_anything_away(
    role: str | None,
    restricted: bool,  # noqa: FBT001
    names: list[str],
    more: str,
) -> None:
    before = effective_role(role, restricted=restricted, named=names)
    assert powers(effective_role(role, restricted=restricted, named=[*names, more])) >= powers(before)


@given(low=organization_roles, high=organization_roles, restricted=st.booleans(), names=named)
def test_a_higher_role_in_the_organization_never_means_less(
    low: str | None,
    high: str | None,
    restricted: bool,  # noqa: FBT001
    names: list[str],
) -> None:
    if powers(low) > powers(high):
        low, high = high, low
    below = effective_role(low, restricted=restricted, named=names)
    assert powers(effective_role(high, restricted=restricted, named=names)) >= powers(below)


@given(role=organization_roles, names=named)
def test_to_restrict_a_project_never_gives_more(role: str | None, names: list[str]) -> None:
    opened = effective_role(role, restricted=False, named=names)
    assert powers(effective_role(role, restricted=True, named=names)) <= powers(opened)
