"""What the web adds to every request: an id, a line in the log, and headers that browsers act on."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from uuid import uuid4

import pytest
from django.test import AsyncClient, Client, RequestFactory, override_settings
from rest_framework.test import APIClient

from apps.accounts.models import Organization, User
from apps.audit.models import AuditEntry
from apps.core.logs import JsonFormatter, LineFormatter
from apps.core.middleware.requests import origin_of
from apps.core.tenancy import staff

ROOT = Path(__file__).resolve().parents[3]
CANARY = "C4n4ryC4n4ryC4n4ryC4n4ry"


@pytest.fixture
def lines() -> Iterator[StringIO]:
    """All that is logged, as a process would write it."""
    written = StringIO()
    handlers = [logging.StreamHandler(written), logging.StreamHandler(written)]
    handlers[0].setFormatter(LineFormatter())
    handlers[1].setFormatter(JsonFormatter())
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.INFO)
    for handler in handlers:
        root.addHandler(handler)
    yield written
    for handler in handlers:
        root.removeHandler(handler)
    root.setLevel(level)


class TestRequestIds:
    def test_a_sane_one_is_kept(self) -> None:
        assert (
            Client().get("/livez", headers={"X-Request-ID": "my-request-1"}).headers["X-Request-ID"] == "my-request-1"
        )

    @pytest.mark.parametrize("given", ["short", "a" * 65, "evil\tid-12345678", "<script>alert(1)"])
    def test_another_is_made_anew(self, given: str) -> None:
        made = Client().get("/livez", headers={"X-Request-ID": given}).headers["X-Request-ID"]
        assert made != given
        assert len(made) == 32

    def test_on_asgi_too_and_each_has_its_own(self) -> None:
        async def ask() -> list[str]:
            client = AsyncClient()
            answers = await asyncio.gather(*(client.get("/livez") for _ in range(5)))
            return [answer.headers["X-Request-ID"] for answer in answers]

        assert len(set(asyncio.run(ask()))) == 5

    @override_settings(SYMPHONY_TRUSTED_PROXIES=("1",))
    def test_where_it_comes_from(self) -> None:
        made = RequestFactory().get(
            "/api/v1/x", headers={"X-Forwarded-For": "6.6.6.6, 192.0.2.7", "User-Agent": "a\nb"}
        )
        origin = origin_of(made)
        assert (origin.address, origin.user_agent, origin.channel) == ("192.0.2.7", "a\\x0ab", "api")


@pytest.mark.django_db
class TestLog:
    def test_a_line_for_each_request(self, alice: User, api_of: Callable[[User], APIClient], lines: StringIO) -> None:
        client = api_of(alice)
        lines.truncate(0)
        client.get("/api/v1/users/me/?token=geheim", headers={"X-Request-ID": "my-request-2"})
        line, structured = [text for text in lines.getvalue().splitlines() if "symphony.access" in text]
        assert "INFO symphony.access [my-request-2] GET /api/v1/users/me/ 200 " in line
        assert str(alice.pk) in line
        found = json.loads(structured.lstrip("\0"))
        assert (found["status"], found["user_id"], found["method"]) == (200, str(alice.pk), "GET")
        assert found["duration_ms"] > 0
        assert "geheim" not in lines.getvalue()

    def test_health_checks_are_no_news(self, lines: StringIO) -> None:
        Client().get("/livez")
        assert "livez" not in lines.getvalue()

    def test_a_path_cannot_forge_a_line(self, lines: StringIO) -> None:
        Client().get("/%0a2026-01-01T00:00:00.000%20INFO%20symphony%20forged")
        assert not any(text.startswith("2026-01-01") for text in lines.getvalue().splitlines())

    def test_no_credential_reaches_it(self, lines: StringIO, web_role: None) -> None:
        client = APIClient()
        for credential in (
            f"Token sym_0123abcd_{CANARY}",
            f"Bearer eyJhbGciOiJIUzI1NiJ9.{CANARY}.{CANARY}",
            f"Basic {CANARY}",
        ):
            client.get(f"/api/v1/users/me/?access_token={CANARY}", headers={"Authorization": credential})
        client.post(f"/login/?password={CANARY}", {"username": "nobody@example.org", "password": CANARY})
        client.post("/api/v1/auth/login/", {"email": "nobody@example.org", "password": CANARY}, format="json")
        client.cookies["sessionid"] = CANARY
        client.get("/executions/")
        assert "symphony.access" in lines.getvalue()
        assert CANARY not in lines.getvalue()


@pytest.mark.django_db
def test_the_trail_knows_the_request(alice: User, orchestra: Organization, api_of: Callable[[User], APIClient]) -> None:
    identifier = f"request-{uuid4()}"
    headers = {"X-Request-ID": identifier, "User-Agent": "editor/1"}
    answer = api_of(alice).post("/api/v1/organizations/", {"name": "Choir"}, headers=headers)
    assert answer.status_code == 201, answer.content
    with staff():
        entry = AuditEntry.objects.get(action="organization.created", request_id=identifier)
    assert (entry.actor_id, entry.actor_kind, entry.user_agent) == (alice.pk, "token", "editor/1")
    assert entry.address == "127.0.0.1"


@pytest.mark.django_db
class TestHeaders:
    def test_of_pages(self) -> None:
        headers = Client().get("/login/").headers
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self'" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "camera=()" in headers["Permissions-Policy"]
        assert headers["X-Frame-Options"] == "DENY"

    def test_of_answers_with_personal_data(self, alice: User, api_of: Callable[[User], APIClient]) -> None:
        client = api_of(alice)
        assert client.get("/api/v1/users/me/").headers["Cache-Control"] == "private, no-store"
        assert client.get("/api/v1/nothing/").headers["Cache-Control"] == "private, no-store"
        assert "Cache-Control" not in client.get("/api/schema/").headers

    def test_cors_is_off(self, alice: User, api_of: Callable[[User], APIClient]) -> None:
        answer = api_of(alice).get("/api/v1/users/me/", headers={"Origin": "https://evil.example"})
        assert "Access-Control-Allow-Origin" not in answer.headers


def told(code: str, **environ: str) -> str:
    """What a process with these settings says."""
    variables = {name: value for name, value in os.environ.items() if not name.startswith("SYMPHONY_")}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=ROOT,
        env={**variables, "DJANGO_SETTINGS_MODULE": "symphony.settings", "SYMPHONY_SECRET_KEY": "k" * 60, **environ},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.stdout + done.stderr


def test_an_origin_that_is_named_may_call_the_api_and_no_other() -> None:
    code = """
import django; django.setup()
from django.test import Client
for origin in ("https://editor.example", "https://evil.example"):
    for path in ("/api/v1/users/me/", "/livez"):
        answer = Client().options(path, headers={"Origin": origin, "Access-Control-Request-Method": "POST",
                                                 "Access-Control-Request-Headers": "authorization, if-match"})
        print(origin, path, answer.headers.get("Access-Control-Allow-Origin"),
              "if-match" in answer.headers.get("Access-Control-Allow-Headers", ""),
              answer.headers.get("Access-Control-Allow-Credentials"))
"""
    said = told(code, SYMPHONY_CORS_ORIGINS="https://editor.example", SYMPHONY_ALLOWED_HOSTS="testserver")
    assert "https://editor.example /api/v1/users/me/ https://editor.example True None" in said
    assert "https://editor.example /livez None" in said
    assert "https://evil.example /api/v1/users/me/ None" in said


@pytest.mark.parametrize("given", ["", ", access_log=False", ", log_config=settings.LOGGING", ', log_level="debug"'])
def test_the_server_tells_of_no_request_however_it_is_started(given: str) -> None:
    code = f"""
import logging
import uvicorn
from django.conf import settings
uvicorn.Config("symphony.asgi:application"{given}).load()
print("told by", [name for name in ("uvicorn.access", "uvicorn.error") if logging.getLogger(name).hasHandlers()])
"""
    assert "told by ['uvicorn.error']" in told(code)


def test_behind_https_nothing_is_left_to_warn_of() -> None:
    code = """
import django; django.setup()
from django.conf import settings
from django.core.management import call_command
from django.test import Client
call_command("check", deploy=True, fail_level="WARNING")
print(settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME, settings.SESSION_COOKIE_SECURE)
answer = Client().get("/livez", secure=True, headers={"X-Forwarded-Proto": "https"})
print(answer.headers["Strict-Transport-Security"])
"""
    said = told(
        code,
        SYMPHONY_HTTPS="yes",
        SYMPHONY_SECRET_KEYS="A" * 43 + "=",
        SYMPHONY_ALLOWED_HOSTS="testserver",
        DATABASE_URL="postgresql://owner@127.0.0.1:1/x",
        WEB_DATABASE_URL="postgresql://web@127.0.0.1:1/x",
        SYMPHONY_SECRET_KEY="0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ",
        SYMPHONY_PUBLIC_URL="https://testserver",
    )
    assert "System check identified no issues" in said, said
    assert "__Host-sessionid __Host-csrftoken True" in said
    assert "max-age=31536000; includeSubDomains; preload" in said


def test_a_list_of_proxies_that_is_none_is_refused_by_name() -> None:
    assert "SYMPHONY_TRUSTED_PROXIES is a number of proxies" in told(
        "import django; django.setup()", SYMPHONY_TRUSTED_PROXIES="10.0.0.0/99"
    )
