"""`@username` in a text."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.accounts.names import is_username
from apps.melodies.mentions import MOST_MENTIONS, mentioned


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("", ()),
        ("nobody", ()),
        ("@alice", ("alice",)),
        ("Ask @Bob-2, @alice; (@carol_c) and @bob-2 again.", ("bob-2", "alice", "carol_c")),
        ("@alice's part, @bob: done!", ("alice", "bob")),
        ("mail alice@example.org or @alice@elsewhere.example", ()),
        ("https://example.org/@alice", ()),
        ("`@alice` and ``` @bob\n@carol ``` @dora", ("dora",)),
        ("```\n@alice, never closed", ()),
        ("~~~\n@alice\n~~~\n@bob", ("bob",)),
        ("`@alice is not closed\n@bob", ("alice", "bob")),
        ("@" + "a" * 39, ("a" * 39,)),
        ("@" + "a" * 40, ()),
        ("@-alice @_bob @ @@carol", ()),
        ("@alice- @bob_", ("alice", "bob")),
    ],
)
def test_who_is_named(text: str, names: tuple[str, ...]) -> None:
    assert mentioned(text) == names


def test_too_many_are_noise() -> None:
    assert len(mentioned(" ".join(f"@user{number}" for number in range(100)))) == MOST_MENTIONS


@given(st.text(alphabet=st.sampled_from("@ab-_ .`~\n/é"), max_size=60))
def test_names_are_usernames_each_once_and_stand_in_the_text(text: str) -> None:
    names = mentioned(text)
    assert len(set(names)) == len(names)
    for name in names:
        assert is_username(name)
        assert re.search(f"@{re.escape(name)}", text.lower())


@given(st.lists(st.from_regex(r"[a-z0-9]([a-z0-9_-]{0,8}[a-z0-9])?", fullmatch=True), max_size=MOST_MENTIONS))
def test_whoever_is_named_is_found(names: list[str]) -> None:
    assert mentioned(", ".join(f"@{name}" for name in names)) == tuple(dict.fromkeys(names))
