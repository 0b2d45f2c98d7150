"""The curl lines of docs/signing-in.md, on a running stack."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

DOCUMENT = Path(__file__).parents[2] / "docs" / "signing-in.md"
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", DOCUMENT.read_text(), re.DOTALL | re.MULTILINE)
STATUS = "-w '\\n%{http_code}\\n' "


def run(script: str, stack: Any, **more: str) -> list[tuple[int, Any]]:
    """Status and body of each call in a block."""
    ended = subprocess.run(
        ["bash", "-eu", "-c", script.replace("curl -s ", f"curl -s {STATUS}")],
        env={**os.environ, "SYMPHONY": stack.url, **more},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    found = re.findall(r"(.*?)\n(\d{3})\n", ended.stdout, re.DOTALL)
    return [(int(status), json.loads(body) if body.strip() else None) for body, status in found]


@pytest.fixture
def signed_in(stack: Any) -> dict[str, str]:
    password = (stack.home.root / "admin_password").read_text().strip()
    ((status, body),) = run(BLOCKS[0], stack, EMAIL="admin@symphony.local", PASSWORD=password)
    assert status == 200, body
    return {"ACCESS": body["access"], "REFRESH": body["refresh"], "SESSION": body["session"]}


def test_the_website(stack: Any, signed_in: dict[str, str]) -> None:
    (me, who), (rotated, answer), (out, _) = run(BLOCKS[1], stack, **signed_in)
    assert (me, rotated, out) == (200, 200, 204)
    assert who["email"] == "admin@symphony.local"
    assert answer["refresh"] != signed_in["REFRESH"]


def test_sessions_and_tokens(stack: Any, signed_in: dict[str, str]) -> None:
    (token_status, token), *_ = run(BLOCKS[5], stack, **signed_in)
    assert (token_status, token["scopes"]) == (201, ["write"])
    assert token["secret"].startswith("sym_")
    calls = BLOCKS[2].splitlines()
    ((listed, sessions),) = run(calls[0], stack, **signed_in)
    assert (listed, [each["current"] for each in sessions["results"]].count(True)) == (200, 1)
    assert [status for status, _ in run("\n".join(calls[2:]), stack, **signed_in)] == [200, 200]
    assert [status for status, _ in run(calls[1], stack, **signed_in)] == [204]


def test_a_device_asks_and_waits(stack: Any) -> None:
    begin, poll = BLOCKS[4].split("\n", 1)
    ((status, codes),) = run(begin, stack)
    assert status == 200
    assert codes["verification_uri"] == f"{stack.url}/oauth2/device/"
    ((waiting, error),) = run(poll, stack, DEVICE_CODE=codes["device_code"])
    assert (waiting, error["error"]) in {(400, "authorization_pending"), (400, "slow_down")}
    ((refused, why),) = run(BLOCKS[3], stack, CODE="x", VERIFIER="y")
    assert (refused, why["error"]) == (400, "invalid_grant")
