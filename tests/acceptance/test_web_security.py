"""A real browser finds nothing on any page that the content policy forbids, and a request's id goes all the way."""

from __future__ import annotations

import json
import threading
import time
import urllib.request
from collections.abc import Iterator
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

from tests.acceptance.test_live_page import ARGUMENTS, PATIENCE, report
from tests.conftest import RunningStack

WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.violations.push(`${event.violatedDirective}: ${event.blockedURI} in ${event.sourceFile}:${event.lineNumber}`));
"""
REQUEST_ID = "acceptance-of-request-ids"


@pytest.fixture(scope="module")
def browser(browser_path: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=browser_path, args=ARGUMENTS)
        yield running
        running.close()


def ask(stack: RunningStack, method: str, path: str, body: Any = None, **headers: str) -> tuple[Any, Message]:
    request = urllib.request.Request(
        f"{stack.url}{path}",
        data=None if body is None else json.dumps(body).encode(),
        method=method,
        headers={"Authorization": f"Token {stack.token}", "Content-Type": "application/json", **headers},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read()), answer.headers


def in_log(home: Path, name: str, *words: str) -> bool:
    lines = (home / f"{name}.log").read_text(encoding="utf-8", errors="replace").splitlines()
    return any(all(word in line for word in words) for line in lines)


def eventually_in_log(stack: RunningStack, name: str, *words: str) -> None:
    deadline, pause = time.monotonic() + 30, threading.Event()
    while not in_log(stack.home.log, name, *words):
        assert time.monotonic() < deadline, f"no line of {name}.log has {words}"
        pause.wait(0.1)


@pytest.fixture(scope="module")
def run(stack: RunningStack) -> str:
    """Started by a request with an id of our choice."""
    melody, _ = ask(stack, "POST", "/api/v1/melodies/", report())
    started, headers = ask(
        stack, "POST", f"/api/v1/melodies/{melody['id']}/executions/", {}, **{"X-Request-ID": REQUEST_ID}
    )
    assert headers["X-Request-ID"] == REQUEST_ID
    return str(started["id"])


def _is_trouble(said: ConsoleMessage) -> bool:
    """An icon that is not there is none."""
    return said.type == "error" and not said.location["url"].endswith("/favicon.ico")


def test_no_page_breaks_the_content_policy(browser: Browser, stack: RunningStack, run: str) -> None:
    context = browser.new_context(base_url=stack.url)
    context.add_init_script(WATCH)
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    complaints: list[str] = []
    page.on("console", lambda said: complaints.append(said.text) if _is_trouble(said) else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))

    def look(address: str, wait_for: str) -> None:
        answer = page.goto(address)
        assert answer is not None
        assert "default-src 'none'" in answer.headers["content-security-policy"], address
        page.wait_for_selector(wait_for)
        found_on(page, address)

    def found_on(page: Page, address: str) -> None:
        assert page.evaluate("window.violations") == [], address
        assert complaints == [], address

    look("/login/", "form")
    page.get_by_label("E-mail").fill("admin@symphony.local")
    page.get_by_label("Password").fill(stack.home.read_private("admin_password") or "")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/executions/")
    found_on(page, "signed in")
    look(f"/executions/{run}/", "html[data-settled]")
    page.locator("#graph .box").first.click()
    found_on(page, "the inspector")
    look("/admin/", "#content")
    look("/admin/accounts/user/", "#changelist")
    look("/admin/accounts/organization/add/", "#organization_form")
    look(f"/admin/executions/execution/{run}/change/", "#content")
    look("/admin/audit/auditentry/", "#changelist")
    look("/api/docs/", "#swagger-ui .opblock-tag")
    page.locator(".opblock-tag").first.click()
    found_on(page, "the documentation, folded")
    context.close()


def test_a_request_is_known_by_its_id_in_the_log_of_the_worker(stack: RunningStack, run: str) -> None:
    eventually_in_log(stack, "web", "symphony.access", REQUEST_ID, "/executions/")
    eventually_in_log(stack, "steps", REQUEST_ID)


def test_streams_are_not_held_back(stack: RunningStack, run: str) -> None:
    request = urllib.request.Request(
        f"{stack.url}/api/v1/executions/{run}/stream", headers={"Authorization": f"Token {stack.token}"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.headers["X-Accel-Buffering"] == "no"
        assert "no-transform" in answer.headers["Cache-Control"]
        assert answer.headers["X-Request-ID"]
        assert answer.readline().startswith(b"retry: ")
