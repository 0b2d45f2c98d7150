"""Signatures of webhooks."""

from __future__ import annotations

import base64
import hashlib
import hmac

from hypothesis import given
from hypothesis import strategies as st

from apps.triggers import signing

bodies = st.binary(max_size=200)
ids = st.from_regex(r"\A[\x21-\x7e]{1,40}\Z")


def test_a_signature_is_what_the_specification_says() -> None:
    secret = "whsec_" + base64.b64encode(b"0123456789abcdef").decode()
    mac = hmac.new(b"0123456789abcdef", b'msg_1.1700000000.{"a":1}', hashlib.sha256).digest()
    assert signing.sign(secret, "msg_1", 1_700_000_000, b'{"a":1}') == "v1," + base64.b64encode(mac).decode()


@given(bodies, ids, st.integers(0, 2**31))
def test_what_was_signed_is_signed(body: bytes, name: str, at: int) -> None:
    old, new = signing.new_secret(), signing.new_secret()
    header = f"v1,bm9uZQ== {signing.sign(old, name, at, body)}"
    assert signing.is_signed(header, [new, old], name, at, body)
    assert not signing.is_signed(header, [new], name, at, body)


@given(bodies, ids, st.integers(1, 2**31), st.sampled_from(["body", "id", "time"]))
def test_what_was_changed_is_not(body: bytes, name: str, at: int, part: str) -> None:
    secret = signing.new_secret()
    header = signing.sign(secret, name, at, body)
    changed = {
        "body": (name, at, body + b" "),
        "id": (name + "x", at, body),
        "time": (name, at - 1, body),
    }[part]
    assert not signing.is_signed(header, [secret], *changed)


@given(st.text(max_size=300))
def test_any_header_is_an_answer(header: str) -> None:
    assert not signing.is_signed(header, [signing.new_secret()], "id", 1, b"")
    assert signing.timestamp_of(header) is None or header.isdigit()
    visible = all("!" <= sign <= "~" and sign != "." for sign in header)
    assert signing.is_delivery_id(header) == (visible and 0 < len(header) <= 200)
