"""The live page in a real browser, on a real stack: what a person sees while their melody runs."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Route, expect, sync_playwright

from symphony.demo.client import Client
from tests.conftest import RunningStack

ARGUMENTS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE = 60_000
LARGE = 1000
LONG_ENOUGH_TO_LOOK = 5.0
"""Seconds: the page is open well before a step that takes this long is over."""

Open = Callable[..., Page]
Start = Callable[..., str]


def step(name: str, seconds: float, **more: Any) -> dict[str, Any]:
    return {"name": name, "type": "simulate", "seconds": seconds, **more}


def fan(width: int, seconds: float, broken: int | None = None) -> dict[str, Any]:
    """prepare → `width` tiles → stitch; tile number `broken` fails."""
    tiles = [step(f"tile_{number:04}", seconds, depends_on=["prepare"]) for number in range(width)]
    if broken is not None:
        tiles[broken]["fail"] = "There is no picture of this tile."
    stitch = step("stitch", 0.05, depends_on=[tile["name"] for tile in tiles])
    return {
        "workflow": {"name": f"Stitch {width} tiles", "mode": "dag", "steps": [step("prepare", 0.05), *tiles, stitch]}
    }


def report(seconds: float = 0.2) -> dict[str, Any]:
    """A loop, a way not taken and an artifact; `seconds` is what the first step takes, the loop half of it."""
    steps: list[dict[str, Any]] = [
        step("read", seconds, output=["a", "b", "c", "d"]),
        {
            "name": "each_part",
            "type": "for_loop",
            "iterator": "part",
            "data_source": "steps.read",
            "parallel": True,
            "depends_on": ["read"],
            "steps": [step("measure", max(0.3, seconds / 2))],
        },
        step("recover", 0.1, depends_on=[{"step": "read", "on": "failure"}]),
        {
            "name": "write",
            "type": "file_ops",
            "operation": "write",
            "path": "report.md",
            "content": "# All is well\n",
            "depends_on": ["each_part"],
        },
    ]
    return {"workflow": {"name": "Write a report", "mode": "dag", "steps": steps}}


BROKEN = {
    "workflow": {
        "name": "Break in the middle",
        "mode": "dag",
        "steps": [
            step("before", 0.05),
            step("middle", 0.1, fail="The strings are out of tune.", depends_on=["before"]),
            step("after", 0.1, depends_on=["middle"]),
        ],
    }
}


@pytest.fixture(scope="module")
def chromium(browser_path: str) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def signed_in(chromium: Browser, stack: RunningStack) -> Any:
    """Cookies of the first user, who came in by the door."""
    context = chromium.new_context(base_url=stack.url)
    page = context.new_page()
    page.goto("/executions/")
    assert page.url == f"{stack.url}/login/?next=/executions/"
    page.get_by_label("E-mail").fill("admin@symphony.local")
    page.get_by_label("Password").fill(stack.home.read_private("admin_password") or "")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/executions/")
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def start(stack: RunningStack) -> Start:
    """Start a run over REST, as an editor does; its id."""
    client = Client(stack.url, stack.token)

    def start(document: dict[str, Any]) -> str:
        melody = client.create_melody(json.dumps(document))
        return str(client.execute(melody["id"], {})["id"])

    return start


@pytest.fixture
def opened(chromium: Browser, signed_in: Any, stack: RunningStack) -> Iterator[Open]:
    """Open a page of the signed-in user; whatever its console complains of is an error of the test."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def opened(address: str, *, before: Callable[[Page], None] = lambda page: None, **options: Any) -> Page:
        options = {"viewport": {"width": 1280, "height": 800}, **options}
        context = chromium.new_context(base_url=stack.url, storage_state=signed_in, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        before(page)
        page.goto(address)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert [text for text in complaints if "503" not in text] == []


def state_of(page: Page) -> Any:
    return page.locator("#run-state")


def asked(page: Page, stack: RunningStack, address: str, verb: str = "post", **given: Any) -> Any:
    """What the API answers to somebody else, who has a token."""
    return getattr(page.request, verb)(address, headers={"Authorization": f"Token {stack.token}"}, **given)


def box(page: Page, name: str) -> Any:
    return page.locator("#graph .box").filter(has=page.locator(".name", has_text=re.compile(f"^{re.escape(name)}$")))


def settled(page: Page) -> None:
    page.wait_for_selector("html[data-settled]", timeout=PATIENCE)


def test_a_run_is_followed_from_its_start_to_its_end(opened: Open, start: Start) -> None:
    page = opened(f"/executions/{start(report(LONG_ENOUGH_TO_LOOK))}/")
    page.evaluate("window.neverReloaded = true")
    expect(box(page, "read")).to_have_attribute("data-status", "executing", timeout=PATIENCE)
    expect(box(page, "write")).to_have_attribute("data-status", "pending")
    expect(box(page, "each_part")).to_have_attribute("data-status", "waiting", timeout=PATIENCE)
    expect(state_of(page)).to_have_text("completed", timeout=PATIENCE)
    settled(page)
    expect(box(page, "each_part").locator(".words")).to_contain_text("4/4 done")
    expect(box(page, "recover")).to_have_attribute("data-status", "skipped")
    # Not by colour alone: an icon and a word as well.
    expect(box(page, "recover").locator("use")).to_have_attribute("href", "#icon-skipped")
    expect(box(page, "recover").locator(".words")).to_have_text("skipped")
    expect(page.locator("#legend [data-status=completed] .count")).to_have_text("7")
    expect(page.locator("#total")).to_have_text("8")
    expect(page.locator("#log")).to_contain_text("execution completed")
    expect(page.locator("#log")).to_contain_text("measure [3]")
    expect(page.locator("#gantt .bar")).to_have_count(7)
    expect(page.locator("#cancel")).to_have_count(0)
    assert page.evaluate("window.neverReloaded")
    page.locator("#artifacts a", has_text="report.md").click()
    expect(page.locator("body")).to_contain_text("All is well")


def test_a_failure_says_which_step_and_why(opened: Open, start: Start) -> None:
    page = opened(f"/executions/{start(BROKEN)}/")
    expect(state_of(page)).to_have_text("failed", timeout=PATIENCE)
    trouble = page.get_by_role("alert")
    expect(trouble).to_contain_text("middle")
    expect(trouble).to_contain_text("The strings are out of tune.")
    expect(box(page, "middle")).to_have_attribute("data-status", "failed")
    expect(box(page, "after")).to_have_attribute("data-status", "cancelled")
    trouble.get_by_role("button", name="middle").click()
    inspector = page.locator("#inspector")
    expect(inspector.locator(".detail")).to_contain_text("simulated_failure")
    inspector.get_by_role("button", name="Close").click()
    expect(inspector).to_be_hidden()


def test_a_thousand_tasks_stay_usable(opened: Open, start: Start) -> None:
    page = opened(f"/executions/{start(fan(LARGE - 2, 0.02, broken=500))}/")
    expect(state_of(page)).to_have_text("failed", timeout=2 * PATIENCE)
    settled(page)
    assert page.locator("#graph .box").count() == 3
    group = box(page, f"×{LARGE - 2} simulate")
    expect(group).to_have_attribute("data-status", "failed")
    expect(group.locator(".words")).to_contain_text(f"{LARGE - 3}/{LARGE - 2} done, 1 failed")
    expect(page.locator("#total")).to_have_text(str(LARGE))
    assert page.locator("#log li").count() <= 200
    # Lanes, not a thousand rows.
    assert page.locator("#gantt .row-name").count() <= 3
    group.click()
    rows = page.locator("#inspect-rows .step")
    expect(rows).to_have_count(100)
    expect(rows.first).to_have_text("tile_0500")
    page.get_by_role("button", name="Show more").click()
    expect(rows).to_have_count(200)
    page.locator("#inspect-name").fill("tile_0042")
    expect(rows).to_have_text(["tile_0042"])
    assert page.evaluate("document.querySelectorAll('*').length") < 4000


def test_a_large_run_draws_in_little_time(opened: Open, start: Start) -> None:
    """While events pour in, no single piece of work keeps the page from answering for long."""
    watch = """window.longest = 0;
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) window.longest = Math.max(window.longest, entry.duration);
        }).observe({ type: "longtask", buffered: true });"""
    page = opened(f"/executions/{start(fan(LARGE - 2, 0.02))}/", before=lambda page: page.add_init_script(watch))
    expect(state_of(page)).to_have_text("completed", timeout=2 * PATIENCE)
    settled(page)
    # Generous: the machine also runs the thousand tasks.
    assert page.evaluate("window.longest") < 1000


def test_a_decision_is_asked_for_when_it_is_time(opened: Open, start: Start) -> None:
    steps = [
        step("rehearse", LONG_ENOUGH_TO_LOOK),
        {"name": "ask", "type": "approval", "title": "Shall we play?", "details": {"bars": 120}},
        {"name": "ask_again", "type": "approval", "title": "And an encore?", "on_reject": "continue"},
    ]
    page = opened(f"/executions/{start({'workflow': {'name': 'Concert', 'steps': steps}})}/")
    asked = page.locator("#asked")
    expect(asked).to_be_hidden()
    expect(asked).to_contain_text("Shall we play?", timeout=PATIENCE)
    expect(asked.locator("pre")).to_contain_text('"bars": 120')
    asked.get_by_label("Comment").fill("Bravo")
    asked.get_by_role("button", name="Approve").click()
    expect(asked).to_contain_text("And an encore?", timeout=PATIENCE)
    asked.get_by_role("button", name="Reject").click()
    expect(state_of(page)).to_have_text("completed", timeout=PATIENCE)
    expect(asked).to_be_hidden()
    settled(page)
    box(page, "ask").click()
    expect(page.locator("#inspector .detail")).to_contain_text("Bravo")


def test_cancelling_asks_first(opened: Open, start: Start) -> None:
    page = opened(f"/executions/{start(fan(4, 300))}/")
    page.get_by_role("link", name="Cancel").click()
    page.get_by_role("button", name="Keep it running").click()
    expect(page.locator("#cancel-dialog")).to_be_hidden()
    page.get_by_role("link", name="Cancel").click()
    page.get_by_role("button", name="Cancel the execution").click()
    expect(state_of(page)).to_have_text("cancelled")
    settled(page)
    expect(page.get_by_role("alert")).to_contain_text("Cancelled.")
    expect(page.locator("#legend [data-status=executing]")).to_be_hidden()


def test_a_run_is_paused_and_goes_on(opened: Open, start: Start) -> None:
    page = opened(f"/executions/{start(report(LONG_ENOUGH_TO_LOOK))}/")
    page.get_by_role("button", name="Pause the execution").click()
    expect(state_of(page)).to_have_text("paused")
    expect(page.locator("#held")).to_contain_text("paused by admin@symphony.local")
    expect(page.get_by_role("button", name="Pause the execution")).to_be_hidden()
    page.get_by_role("button", name="Resume the execution").click()
    expect(state_of(page)).to_have_text("completed", timeout=PATIENCE)
    expect(page.locator("#held")).to_be_hidden()
    expect(page.locator("#controls")).to_have_count(0)


def test_what_others_do_to_a_run_is_seen_at_once(opened: Open, start: Start, stack: RunningStack) -> None:
    run = start(report(LONG_ENOUGH_TO_LOOK))
    page = opened(f"/executions/{run}/")
    page.evaluate("window.neverReloaded = true")
    for verb, state, button in (("pause", "paused", "Resume"), ("resume", "running", "Pause")):
        assert asked(page, stack, f"/api/v1/executions/{run}/{verb}/").ok
        expect(state_of(page)).to_have_text(state)
        expect(page.get_by_role("button", name=f"{button} the execution")).to_be_visible()
    expect(state_of(page)).to_have_text("completed", timeout=PATIENCE)
    assert page.evaluate("window.neverReloaded")


def test_steps_that_wait_for_a_limit_are_told_of(opened: Open, start: Start, stack: RunningStack) -> None:
    page = opened("/executions/")
    organization = asked(page, stack, "/api/v1/organizations/", "get").json()["results"][0]["id"]
    pool = {"kind": "key", "name": "concert-hall", "slots": 1}
    assert asked(page, stack, f"/api/v1/organizations/{organization}/pools/", data=pool).ok
    steps = [step(f"play_{number}", LONG_ENOUGH_TO_LOOK, limit="concert-hall") for number in range(3)]
    page.goto(f"/executions/{start({'workflow': {'name': 'Concerts', 'mode': 'dag', 'steps': steps}})}/")
    told = "2 steps wait for room in the limit concert-hall (1 slot)."
    expect(page.locator("#held")).to_contain_text(told, timeout=PATIENCE)
    expect(page.locator("#held")).to_contain_text("1 step waits", timeout=PATIENCE)
    expect(state_of(page)).to_have_text("completed", timeout=PATIENCE)
    expect(page.locator("#held")).to_be_hidden()


def test_a_lost_stream_is_taken_up_again(opened: Open, start: Start) -> None:
    refused: list[str] = []

    def refuse_once(route: Route) -> None:
        if refused:
            route.continue_()
        else:
            refused.append(route.request.url)
            route.fulfill(status=503, body="Not now.")

    run = start(report(LONG_ENOUGH_TO_LOOK))
    page = opened(f"/executions/{run}/", before=lambda page: page.route("**/stream*", refuse_once))
    expect(page.locator("#connection")).to_contain_text("trying again")
    expect(state_of(page)).to_have_text("completed", timeout=PATIENCE)
    settled(page)
    expect(page.locator("#connection")).to_be_hidden()
    expect(page.locator("#total")).to_have_text("8")
    assert len(refused) == 1


def test_the_log_stands_still_and_filters(opened: Open, start: Start) -> None:
    page = opened(f"/executions/{start(BROKEN)}/")
    settled(page)
    page.get_by_label("Show").select_option("trouble")
    expect(page.locator("#log .type")).to_have_text(["error occurred", "task cancelled", "execution failed"])
    page.get_by_label("Show").select_option("all")
    page.get_by_placeholder("contains…").fill("before")
    expect(page.locator("#log .what")).to_have_count(page.locator("#log .what", has_text="before").count())
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("button", name="Resume")).to_have_attribute("aria-pressed", "true")


def test_everything_can_be_reached_by_keyboard(opened: Open, start: Start) -> None:
    page = opened(f"/executions/{start(BROKEN)}/")
    settled(page)
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to content")).to_be_focused()
    box(page, "before").focus()
    page.keyboard.press("ArrowRight")
    expect(box(page, "middle")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#inspector-title")).to_have_text("middle")
    expect(page.locator("#inspector-title")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#inspector")).to_be_hidden()
    expect(box(page, "middle")).to_be_focused()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_needs_no_sideways_scrolling(opened: Open, start: Start, scheme: str) -> None:
    run = start(report())
    for address in (f"/executions/{run}/", "/executions/"):
        page = opened(address, viewport={"width": 390, "height": 844}, color_scheme=scheme)
        expect(page.locator("h1")).to_be_visible()
        if run in address:
            settled(page)
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert (sum(map(int, re.findall(r"\d+", background)[:3])) > 384) == (scheme == "light")


def test_the_list_of_runs_keeps_itself_up_to_date(opened: Open, start: Start) -> None:
    run = start(report())
    page = opened("/executions/")
    row = page.locator("tr").filter(has=page.locator(f"a[href='/executions/{run}/']"))
    expect(row).to_contain_text("completed", timeout=PATIENCE)
    expect(row).to_contain_text("8/8 done")


def test_the_page_says_enough_without_scripts(opened: Open, start: Start) -> None:
    run = start(BROKEN)
    settled(opened(f"/executions/{run}/"))
    page = opened(f"/executions/{run}/", java_script_enabled=False)
    expect(state_of(page)).to_have_text("failed")
    expect(page.get_by_role("alert")).to_contain_text("The strings are out of tune.")
    expect(box(page, "middle").locator(".words")).to_contain_text("failed")
