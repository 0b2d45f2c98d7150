from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.accounts.addresses import is_address, social_link_problems
from apps.accounts.documents import DEEPEST, LARGEST, merge_patch, problems_of
from apps.accounts.names import RESERVED, is_username, random_username, username_from

texts = st.text(max_size=5)
leaves = st.none() | st.booleans() | st.integers(-(10**6), 10**6) | texts
documents = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=8
)


class TestMergePatch:
    @pytest.mark.parametrize(
        ("target", "patch", "merged"),
        [
            ({"a": "b"}, {"a": "c"}, {"a": "c"}),
            ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
            ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
            ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
            ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
            ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
            ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
            ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
        ],
    )
    def test_as_in_the_appendix_of_the_standard(self, target: Any, patch: Any, merged: Any) -> None:
        assert merge_patch(target, patch) == merged

    @given(documents, documents)
    def test_twice_is_once(self, target: Any, patch: Any) -> None:
        once = merge_patch(target, patch)
        assert merge_patch(once, patch) == once

    @given(documents)
    def test_nothing_changes_nothing(self, target: Any) -> None:
        document = target if isinstance(target, dict) else {}
        assert merge_patch(document, {}) == document


class TestBounds:
    @given(st.dictionaries(st.text(max_size=4), documents, max_size=3))
    def test_what_is_well_survives_json(self, document: dict[str, Any]) -> None:
        if not problems_of(document, ""):
            assert json.loads(json.dumps(document).encode()) == document

    @pytest.mark.parametrize(
        ("document", "code", "pointer"),
        [
            ([], "not_an_object", "/p"),
            ({"a": "x\0"}, "invalid_text", "/p/a"),
            ({"a/b": ["x", "\ud800"]}, "invalid_text", "/p/a~1b/1"),
            ({"\0": 1}, "invalid_text", "/p"),
            ({"a": float("inf")}, "invalid_number", "/p/a"),
            ({"a": 10**400}, "invalid_number", "/p/a"),
            ({"a": "x" * LARGEST}, "too_large", "/p"),
            ({"n" * LARGEST: ["\0"] * LARGEST}, "too_large", "/p"),
        ],
    )
    def test_says_where(self, document: Any, code: str, pointer: str) -> None:
        assert [(each["code"], each["pointer"]) for each in problems_of(document, "/p")] == [(code, pointer)]

    def test_depth(self) -> None:
        deep: Any = 1
        for _ in range(DEEPEST - 1):
            deep = {"a": deep}
        assert problems_of(deep, "") == []
        assert problems_of({"a": deep}, "")[0]["code"] == "too_deep"


class TestAddresses:
    @pytest.mark.parametrize(
        "address",
        ["https://example.org", "https://example.org/a?b=c#d", "https://[::1]:8443/x", "https://x.example/%20"],
    )
    def test_harmless(self, address: str) -> None:
        assert is_address(address)

    @pytest.mark.parametrize(
        "address",
        [
            "", "http://example.org", "javascript:alert(1)", "data:text/html,x", "https://", "https:///x", "//example.org",
            "https://good.example@evil.example/", "https://example.org/\n", 'https://example.org/"onload=', "https://[::1",
            "https://example.org:99999/", "https://example.org/" + "x" * 500, "HTTPS://exämple.org", "https://a b.example",
        ],
    )  # fmt: skip
    def test_hostile(self, address: str) -> None:
        assert not is_address(address)

    def test_social_links_are_bounded(self) -> None:
        assert social_link_problems({"GitHub": "https://github.com/x"}, "") == []
        assert social_link_problems({"x": "http://x.example"}, "/s")[0]["pointer"] == "/s/x"
        assert social_link_problems({"<b>": "https://x.example"}, "/s")[0]["code"] == "invalid_name"
        assert social_link_problems({"x": 1}, "/s")[0]["code"] == "invalid_address"
        assert social_link_problems({str(n): "https://x.example" for n in range(21)}, "/s")[0]["code"] == "too_many"
        assert social_link_problems([], "/s")[0]["code"] == "not_an_object"


class TestUsernames:
    @given(st.text(max_size=60))
    def test_a_suggestion_is_a_username_or_nothing(self, name: str) -> None:
        suggested = username_from(name)
        assert not suggested or (is_username(suggested) and suggested not in RESERVED)
        assert is_username(random_username(suggested))

    def test_of_names(self) -> None:
        assert username_from("Ångström, Åsa") == "angstrom-asa"
        assert username_from("Me") == ""
        assert username_from("老子") == ""

    @pytest.mark.parametrize("name", ["", "-a", "a-", "A", "a b", "a.b", "x" * 40, "é", "a\n"])
    def test_what_is_none(self, name: str) -> None:
        assert not is_username(name)
