"""Calls of models: what they cost is set aside and settled, what streams is told, and real workers make many at once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from time import monotonic
from typing import Any
from uuid import UUID

import pytest
from django.test import override_settings

from apps.accounts.models import Organization, User
from apps.core.tenancy import acting_as, staff
from apps.melodies.definition.expressions import Scope
from apps.spending import services
from apps.spending.models import Usage
from tests.apps.conftest import orchestra
from tests.unit.steps.engine_side import MemoryEngine
from tests.wire import Answer, Cut, Hang, Slow, Status, WireServer, anthropic_server, gemini_server
from workers.contract import StepCancelled, StepContext, TimedOut, Workflow
from workers.models import prices, providers
from workers.models.calling import ask
from workers.models.errors import ModelError, PauseForBudget
from workers.models.request import Message, ModelAnswer, ModelRequest

__all__ = ["orchestra"]

KEYS = {"ANTHROPIC_API_KEY": "sk-test", "GEMINI_API_KEY": "g-test"}
MakeStep = Callable[..., StepContext]


@pytest.fixture(scope="module")
def claude_server() -> Iterator[WireServer]:
    with anthropic_server() as server:
        yield server


@pytest.fixture(autouse=True)
def no_keys_of_this_machine() -> Iterator[None]:
    nobody = {"anthropic": None, "gemini": None}
    with override_settings(SYMPHONY_MODEL_KEYS=nobody, SYMPHONY_MODEL_PROVIDERS="auto", SYMPHONY_MOCK_DELAY_MS=0):
        yield


@pytest.fixture
def claude(claude_server: WireServer) -> Iterator[WireServer]:
    """A server instead of Anthropic's, with an empty past."""
    claude_server.requests.clear()
    claude_server.dropped.clear()
    with override_settings(SYMPHONY_MODEL_URLS={"anthropic": claude_server.url, "gemini": None}):
        yield claude_server


@pytest.fixture
def step(orchestra: Organization, tmp_path: Path) -> MakeStep:
    """A step of Alice's organization; `step(key=False)` has no key, other arguments are the document's fields."""

    def make(*, key: bool = True, deadline: float | None = None, **fields: Any) -> StepContext:
        return StepContext(
            name="ask",
            execution_id=str(UUID(int=1)),
            task_id=str(UUID(int=2)),
            attempt=1,
            scope=Scope(),
            workspace=tmp_path,
            deadline=deadline,
            engine=MemoryEngine(secrets=KEYS if key else {}),
            workflow=Workflow(fields=fields, organization_id=str(orchestra.pk)),
        )

    return make


def request(prompt: str = "hi", *, model: str = "claude-sonnet-5-5", **more: Any) -> ModelRequest:
    return ModelRequest("anthropic", model, (Message("user", prompt),), **{"max_output_tokens": 1000} | more)


def usages() -> list[Usage]:
    with staff():
        return list(Usage.objects.order_by("id"))


def told(step: StepContext, event_type: str) -> list[dict[str, Any]]:
    return [payload for kind, payload in step.events if kind == event_type]


# -- who answers -------------------------------------------------------------------------------------------------------
def test_without_a_key_the_mock_provider_answers(step: MakeStep) -> None:
    answer = ask(step(key=False), request())
    assert answer.mock
    (usage,) = usages()
    assert (usage.state, usage.mock, usage.usd) == ("settled", True, Decimal("0.001"))


@pytest.mark.parametrize("environment", [{"mode": "test"}, {"force_mock_providers": True}])
def test_a_document_can_force_the_mock_provider(step: MakeStep, environment: dict[str, Any]) -> None:
    with override_settings(SYMPHONY_MODEL_PROVIDERS="live"):
        assert ask(step(environment=environment), request()).mock


def test_without_an_engine_only_the_mock_provider_answers(tmp_path: Path, db: None) -> None:
    alone = StepContext("ask", str(UUID(int=1)), str(UUID(int=2)), 1, Scope(), tmp_path)
    assert ask(alone, request()).mock
    assert usages() == []


def test_real_answers_can_be_demanded(step: MakeStep) -> None:
    with override_settings(SYMPHONY_MODEL_PROVIDERS="live"), pytest.raises(ModelError, match="ANTHROPIC_API_KEY") as no:
        ask(step(key=False), request())
    assert (no.value.code, no.value.final) == ("no_provider", True)


def test_a_missing_sdk_names_what_to_install(step: MakeStep, monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(name: str) -> Any:
        raise ModuleNotFoundError(f"No module named {name!r}", name="anthropic")

    monkeypatch.setattr(providers, "import_module", absent)
    with pytest.raises(ModelError, match=r"pip install anthropic") as missing:
        ask(step(), request())
    assert missing.value.code == "no_provider"
    assert usages() == []


def test_the_workers_own_key_is_the_last_resort(step: MakeStep, claude: WireServer) -> None:
    claude.script(Answer("ok"))
    with override_settings(SYMPHONY_MODEL_KEYS={"anthropic": "sk-worker", "gemini": None}):
        ask(step(key=False), request())
        ask(step(), request())
    assert ["sk-worker" in str(received.headers) for received in claude.requests] == [True, False]


# -- money -------------------------------------------------------------------------------------------------------------
def test_a_call_is_settled_at_its_price(step: MakeStep, claude: WireServer) -> None:
    claude.script(Answer("Hello", input_tokens=1000, output_tokens=100))
    context = step()
    answer = ask(context, request(model="sonnet"))
    assert claude.requests[-1].body["model"] == "claude-sonnet-5-5"
    assert (answer.mock, answer.text, answer.cost_usd) == (False, "Hello", Decimal("0.003"))
    (usage,) = usages()
    assert (usage.state, usage.usd, usage.input_tokens, usage.output_tokens) == ("settled", Decimal("0.003"), 1000, 100)
    (event,) = told(context, "model_called")
    assert (event["cost_usd"], event["model"], event["mock"]) == ("0.00300000", "sonnet", False)
    assert event["usage"]["input_tokens"] == 1000
    assert "warnings" not in event
    assert "sk-test" not in str(context.events)


@pytest.mark.parametrize("behaviour", [Status(400), Status(401), Status(429), Status(500)])
def test_what_was_turned_away_costs_nothing(step: MakeStep, claude: WireServer, behaviour: Status) -> None:
    claude.script(behaviour)
    context = step()
    with pytest.raises(ModelError):
        ask(context, request())
    assert [(usage.state, usage.usd) for usage in usages()] == [("released", 0)]
    (event,) = told(context, "model_called")
    assert event["error"] in {"bad_request", "auth", "rate_limit", "api_error"}


def test_what_broke_off_costs_what_came(step: MakeStep, claude: WireServer) -> None:
    claude.script(Cut("x" * 400))
    with pytest.raises(ModelError):
        ask(step(), request())
    (usage,) = usages()
    assert (usage.state, usage.input_tokens, usage.output_tokens) == ("settled", 11, 100)


def test_what_was_never_answered_costs_its_prompt(step: MakeStep, claude: WireServer) -> None:
    claude.script(Hang())
    with pytest.raises(ModelError) as failed:
        ask(step(), request("x" * 400, timeout_seconds=0.5))
    assert failed.value.code == "timeout"
    (usage,) = usages()
    assert (usage.state, usage.input_tokens, usage.output_tokens) == ("settled", 100, 0)


def test_a_limit_of_the_run_stops_before_the_call(step: MakeStep, claude: WireServer) -> None:
    with pytest.raises(ModelError, match="max_cost_usd") as stopped:
        ask(step(resource_limits={"max_cost_usd": 0.001}), request())
    assert (stopped.value.code, stopped.value.final) == ("budget_exceeded", True)
    assert stopped.value.details == {"budget": "max_cost_usd", "scope": "run"}
    assert claude.requests == []


def test_a_limit_that_is_no_number_is_told(step: MakeStep) -> None:
    with pytest.raises(ModelError, match=r"resource_limits\.max_cost_usd"):
        ask(step(resource_limits={"max_cost_usd": "much"}), request())


def budget(alice: User, orchestra: Organization, action: str, usd: str) -> None:
    with acting_as(alice.pk):
        services.create_budget(
            actor=alice, organization=orchestra, name="Little", limit_usd=Decimal(usd), on_exceed=action
        )


def test_a_budget_that_pauses_asks_and_can_be_overridden(
    step: MakeStep, claude: WireServer, alice: User, orchestra: Organization
) -> None:
    claude.script(Answer("ok"))
    budget(alice, orchestra, "pause", "0.001")
    with pytest.raises(PauseForBudget) as paused:
        ask(step(), request())
    assert (paused.value.budget, paused.value.final) == ("Little", True)
    assert claude.requests == []
    assert ask(step(), request(), override=True).text == "ok"


def test_a_budget_that_prefers_cheaper_models_goes_down_the_table(
    step: MakeStep, claude: WireServer, alice: User, orchestra: Organization
) -> None:
    claude.script(Answer("ok"))
    budget(alice, orchestra, "cheaper", "0.001")
    context = step()
    assert ask(context, request(model="opus")).text == "ok"
    assert claude.requests[-1].body["model"] == "claude-haiku-5-5"
    assert [(event["from"], event["to"]) for event in told(context, "model_downgraded")] == [
        ("opus", "claude-sonnet-5-5"),
        ("claude-sonnet-5-5", "claude-haiku-5-5"),
    ]
    with pytest.raises(ModelError) as stopped:
        ask(step(), request(max_output_tokens=100_000))
    assert stopped.value.code == "budget_exceeded"


def test_an_overloaded_model_is_replaced_once(step: MakeStep, claude: WireServer) -> None:
    claude.script(Status(529), Answer("from the other"))
    context = step()
    assert ask(context, request(fallback_model="haiku")).text == "from the other"
    assert [received.body["model"] for received in claude.requests] == ["claude-sonnet-5-5", "claude-haiku-5-5"]
    assert [usage.state for usage in usages()] == ["released", "settled"]
    assert told(context, "model_fell_back")[0]["to"] == "haiku"
    claude.script(Status(529))
    with pytest.raises(ModelError) as failed:
        ask(step(), request(fallback_model="haiku"))
    assert failed.value.code == "overloaded"
    claude.script(Status(429))
    with pytest.raises(ModelError):
        ask(step(), request(fallback_model="haiku"))
    assert claude.requests[-1].body["model"] == "claude-sonnet-5-5"
    claude.script(Status(404, "no such model"), Answer("still here"))
    assert ask(step(), request(model="claude-retired", fallback_model="haiku")).text == "still here"


def test_warnings_stand_in_the_event(step: MakeStep, claude: WireServer) -> None:
    claude.script(Answer("ok", input_tokens=1_000_000, output_tokens=0))
    context = step()
    answer = ask(context, request(model="claude-unheard-of", temperature=0.5))
    unknown = prices.table().unknown["anthropic"]
    assert answer.cost_usd == unknown.input
    assert [text.split(" is ")[0].split(" does ")[0] for text in told(context, "model_called")[0]["warnings"]] == [
        "The price of claude-unheard-of",
        "claude-unheard-of",
    ]


def test_a_broken_price_table_stops_calls_and_tells_the_operator(
    step: MakeStep, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "prices.yaml"
    file.write_text("models: {}")
    with override_settings(SYMPHONY_PRICES_FILE=file), pytest.raises(ModelError, match="operator") as failed:
        ask(step(), request())
    assert failed.value.code == "no_provider"
    assert str(file) not in str(failed.value)
    assert str(file) in caplog.text
    assert ask(step(key=False), request()).mock


# -- while it runs -----------------------------------------------------------------------------------------------------
def test_the_connection_is_given_back_before_the_call(step: MakeStep, claude: WireServer) -> None:
    claude.script(Answer("ok"))
    context = step()
    engine = context.engine
    assert isinstance(engine, MemoryEngine)
    ask(context, request())
    assert engine.releases == 1
    assert engine.events == []


def test_text_streams_into_events_in_pieces(step: MakeStep, claude: WireServer) -> None:
    words = " ".join(f"word{number}" for number in range(40))
    claude.script(Slow(Answer(words, pieces=40), between=0.03))
    context = step()
    engine = context.engine
    assert isinstance(engine, MemoryEngine)
    answer = ask(context, request(stream=True))
    assert "".join(payload["text"] for _, payload in engine.events) == answer.text == words
    assert {kind for kind, _ in engine.events} == {"model_output"}
    assert [payload["number"] for _, payload in engine.events] == [*range(len(engine.events))]
    assert 2 <= len(engine.events) <= 6
    assert engine.releases == 1 + len(engine.events)


def test_a_cancelled_step_lets_go_and_pays_for_what_came(step: MakeStep, claude: WireServer) -> None:
    claude.script(Hang("x" * 40))
    context = step()
    threading.Timer(0.3, context.cancelled.set).start()
    began = monotonic()
    with pytest.raises(StepCancelled):
        ask(context, request())
    assert monotonic() - began < 3
    assert claude.dropped.wait(5)
    assert [(usage.state, usage.output_tokens) for usage in usages()] == [("settled", 10)]


def test_the_steps_timeout_ends_the_call(step: MakeStep, claude: WireServer) -> None:
    claude.script(Hang())
    began = monotonic()
    with pytest.raises(TimedOut):
        ask(step(deadline=monotonic() + 0.5), request(timeout_seconds=60))
    assert monotonic() - began < 3


def test_the_mock_provider_can_be_slow_and_cancelled(step: MakeStep) -> None:
    with override_settings(SYMPHONY_MOCK_DELAY_MS=200):
        began = monotonic()
        ask(step(key=False), request())
        assert monotonic() - began >= 0.2
    context = step(key=False)
    threading.Timer(0.1, context.cancelled.set).start()
    with pytest.raises(StepCancelled):
        ask(context, request("[mock:slow 60000]"))
    assert [usage.state for usage in usages()] == ["settled", "released"]


def test_responses_of_the_document_are_the_mocks(step: MakeStep) -> None:
    answer: ModelAnswer = ask(step(key=False, environment={"mock_responses": {"hi": "well met"}}), request("hi there"))
    assert answer.text == "well met"


def test_gemini_is_asked_alike(step: MakeStep) -> None:
    with gemini_server() as server, override_settings(SYMPHONY_MODEL_URLS={"anthropic": None, "gemini": server.url}):
        server.script(Answer("Hallo", input_tokens=1_000_000, output_tokens=0))
        asked = ModelRequest("gemini", "gemini-2.5-flash", (Message("user", "hi"),))
        assert ask(step(), asked).cost_usd == Decimal("0.3")
        assert "g-test" in str(server.requests[-1].headers)
