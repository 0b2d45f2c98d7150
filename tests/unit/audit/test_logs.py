"""No line of a log holds a secret, and each says whose it is."""

from __future__ import annotations

import json
import logging
import sys

import pytest
from django.core import signing
from hypothesis import given
from hypothesis import strategies as st

from apps.core.logs import JsonFormatter, LineFormatter
from apps.core.middleware.address import TrustedProxies
from apps.core.origin import Origin, coming_from, new_request_id, sane_request_id, work_on
from apps.core.redaction import without_secrets

CANARY = "C4n4ryC4n4ryC4n4ryC4n4ry"


def record(message: str, *arguments: object, **extra: object) -> logging.LogRecord:
    made = logging.LogRecord("symphony.test", logging.INFO, __file__, 1, message, arguments, None)
    made.__dict__.update(extra)
    return made


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {CANARY}",
        f"Authorization: Token sym_0123abcd_{CANARY}",
        f"authorization: {CANARY}",
        f"[(b'authorization', b'Token sym_0123abcd_{CANARY}')]",
        f"{{'HTTP_AUTHORIZATION': 'Basic {CANARY}=='}}",
        f"GET /api/v1/?token={CANARY}&x=1",
        f"token sym_0123abcd_{CANARY} is unknown",
        f"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIx{CANARY}.{CANARY}-_",
        f"Cookie: sessionid={CANARY}; csrftoken={CANARY}",
        f"{{'Set-Cookie': '__Host-sessionid={CANARY}; Path=/'}}",
        f'{{"password": "{CANARY}", "name": "Bach"}}',
        f"client_secret={CANARY}",
        f"refresh_token='{CANARY}'",
        f"postgresql://symphony:{CANARY}@127.0.0.1:5432/symphony",
        f"key sk-ant-api03-{CANARY} refused",
        f"whsec_{CANARY}",
        f"AIza{CANARY}{CANARY}",
        f"SYMPHONY_SECRET_KEY={CANARY}",
        f"token symo_{CANARY}",
        f"symr_{CANARY} was sent again",
        f"symor_{CANARY}",
        f"GET /password/eyJ1c2VyIjoiMDAw{CANARY}:1xUtXh:{CANARY}{CANARY}/ 302",
    ],
)
def test_credentials_are_taken_out(text: str) -> None:
    assert CANARY not in without_secrets(text)
    assert CANARY not in LineFormatter().format(record("%s", text))
    assert CANARY not in JsonFormatter().format(record("%s", text))


def test_what_is_no_secret_stays() -> None:
    for text in (
        "Task symphony.step[0198f3c2-0000-7000-8000-000000000001] succeeded in 0.01s: None",
        "GET /api/v1/tokens/ 200 12.1 ms",
        "used tokens: 512, max_tokens=1024",
        "broker unreachable, the sweep will send 3 tasks later",
        "redis://127.0.0.1:6379/0",
    ):
        assert without_secrets(text) == text


def test_secrets_in_tracebacks_are_taken_out_too() -> None:
    try:
        int(f"password={CANARY}")
    except ValueError:
        made = record("it broke")
        made.exc_info = sys.exc_info()
    for formatter in (LineFormatter(), JsonFormatter()):
        line = formatter.format(made)
        assert "ValueError" in line
        assert CANARY not in line


def test_a_message_cannot_forge_a_line() -> None:
    forged = "hello\n2026-01-01T00:00:00.000 INFO root all is well\x1b[2J"
    line = LineFormatter().format(record("%s", forged))
    assert "\n" not in line
    assert "\x1b" not in line


@given(st.text(st.characters()))
def test_json_lines_are_one_line_of_json(text: str) -> None:
    line = JsonFormatter().format(record("%s", text))
    assert line.isascii()
    assert len(line.splitlines()) == 1
    assert isinstance(json.loads(line), dict)


def test_lines_name_the_request_the_execution_and_the_task() -> None:
    with coming_from(Origin(request_id="request-0001")):
        work_on(execution_id="run-1", task_id="task-1")
        assert "[request-0001 run-1 task-1] hello" in LineFormatter().format(record("hello"))
        found = json.loads(JsonFormatter().format(record("hello", access={"status": 200})))
    assert (found["request_id"], found["execution_id"], found["task_id"], found["status"]) == (
        "request-0001",
        "run-1",
        "task-1",
        200,
    )
    assert "request_id" not in json.loads(JsonFormatter().format(record("hello")))


@pytest.mark.parametrize("given", ["abcd1234", "0198f3c2-0000-7000-8000-000000000001", "a" * 64, "web.1_2-3abc"])
def test_sane_request_ids_are_kept(given: str) -> None:
    assert sane_request_id(given) == given
    assert sane_request_id(new_request_id()) is not None


@pytest.mark.parametrize(
    "given", [None, "", "short", "a" * 65, "with space", "new\nline8", "-dash1234", "ünïcödé8", "a;b=c&d88"]
)
def test_others_are_not(given: str | None) -> None:
    assert sane_request_id(given) is None


@pytest.mark.parametrize(
    ("trusted", "peer", "forwarded", "client"),
    [
        # Nobody is trusted: what a client says of itself counts for nothing.
        ([], "10.0.0.1", "1.2.3.4", "10.0.0.1"),
        (["1"], "10.0.0.1", "6.6.6.6, 1.2.3.4", "1.2.3.4"),
        (["2"], "10.0.0.1", "6.6.6.6, 1.2.3.4, 10.0.0.2", "1.2.3.4"),
        (["2"], "10.0.0.1", "1.2.3.4", "1.2.3.4"),
        (["1"], "10.0.0.1", "", "10.0.0.1"),
        (["10.0.0.0/8"], "10.0.0.1", "6.6.6.6, 1.2.3.4, 10.2.3.4", "1.2.3.4"),
        (["10.0.0.0/8"], "9.9.9.9", "1.2.3.4", "9.9.9.9"),
        (["10.0.0.0/8", "fd00::/8"], "fd00::1", "[2001:db8::1]:443, 10.0.0.9:80", "2001:db8::1"),
        (["10.0.0.0/8"], "10.0.0.1", "10.0.0.5", "10.0.0.5"),
        (["127.0.0.1"], "::ffff:127.0.0.1", "1.2.3.4", "1.2.3.4"),
        (["1"], "10.0.0.1", "<script>", ""),
        ([], "", "1.2.3.4", ""),
    ],
)
def test_only_trusted_proxies_are_believed(trusted: list[str], peer: str, forwarded: str, client: str) -> None:
    assert TrustedProxies.parse(trusted).client(peer, forwarded) == client


def test_a_link_of_a_letter_stands_in_no_line() -> None:
    """Its secret is in the path of the request that follows it."""
    path = f"/password/{signing.dumps({'user': 'x', 'state': CANARY}, salt='letters', key='k')}/"
    made = record("GET %s 302", path, access={"path": path, "status": 302})
    signature = path.rpartition(":")[2].strip("/")
    for formatter in (LineFormatter(), JsonFormatter()):
        line = formatter.format(made)
        assert signature not in line
        assert "/password/" in line
