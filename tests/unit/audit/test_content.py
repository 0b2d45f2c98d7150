"""What of a change is kept: the law, and hostile input."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.audit.content import LARGEST, LONGEST_TEXT, changes, kept, text
from apps.core.redaction import HIDDEN

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters(), max_size=50),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=10), inner, max_size=5),
    max_leaves=20,
)
sides = st.dictionaries(st.text(max_size=10), values, max_size=8)


@given(sides, sides)
def test_only_what_changed_is_kept_and_postgresql_can_store_it(before: dict[str, Any], after: dict[str, Any]) -> None:
    was, now = changes(before, after)
    same = {text(name, 100) for name in before.keys() & after.keys() if before[name] == after[name]}
    other = {text(name, 100) for name in before.keys() ^ after.keys()}
    differing = {text(name, 100) for name in before.keys() & after.keys() if before[name] != after[name]}
    assert (same - other - differing).isdisjoint(was.keys() | now.keys())
    assert {text(name, 100) for name in before.keys() - after.keys()} <= was.keys()
    for side in (was, now):
        written = json.dumps(side, ensure_ascii=False, allow_nan=False)
        assert "\\u0000" not in written
        assert len(written.encode("utf-8")) <= LARGEST + 200


@pytest.mark.parametrize(
    "name", ["password", "clientSecret", "api_key", "X-Api-Key", "refresh_token", "recovery_codes"]
)
def test_values_under_secret_names_are_hidden(name: str) -> None:
    canary = "c4n4ry-value"
    assert kept({name: canary}) == {name: HIDDEN}
    assert canary not in json.dumps(kept({"settings": [{"deep": {name: canary}}]}))


def test_credentials_inside_harmless_values_are_hidden() -> None:
    assert "abcdefghij" not in json.dumps(kept({"note": "use sym_0123abcd_abcdefghijklmnop please"}))


def test_names_with_a_secret_word_and_no_secret_stay() -> None:
    harmless = {"max_tokens": 5, "token_prefix": "ab12", "secret_name": "ANTHROPIC_API_KEY", "name": "Bach"}
    assert kept(harmless) == harmless


def test_long_texts_are_cut_and_say_so() -> None:
    cut = kept({"body": "x" * (LONGEST_TEXT + 1)})["body"]
    assert cut == f"{'x' * LONGEST_TEXT}… ({LONGEST_TEXT + 1} characters)"


def test_a_document_too_large_is_left_out_and_the_rest_stays() -> None:
    document = {f"step_{number}": ["y" * 1000] * 40 for number in range(40)}
    found = kept({"name": "short", "document": document})
    assert found["name"] == "short"
    assert "too many to be kept" in found["document"]


def test_what_json_does_not_know_is_text() -> None:
    identifier = UUID(int=5)
    assert kept({"id": identifier, "kinds": {"b", "a"}, "odd": object}) == {
        "id": str(identifier),
        "kinds": ["a", "b"],
        "odd": str(object),
    }


@pytest.mark.parametrize("value", [10**400, float("nan"), float("inf"), "\ud800", "a\0b", [[[[[[[[1]]]]]]]]])
def test_hostile_values_can_be_stored(value: Any) -> None:
    written = json.dumps(kept({"value": value}), ensure_ascii=False, allow_nan=False)
    written.encode("utf-8")
    assert "\\u0000" not in written
    assert len(written) < 1000
