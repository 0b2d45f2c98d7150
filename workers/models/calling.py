"""The one door to the models: who answers, what it may cost, and what is told of it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from http import HTTPStatus
from time import monotonic
from typing import Any

from django.conf import settings

from apps.spending.services import BudgetExceeded
from workers.contract import StepContext
from workers.models import mock, prices, providers, purse
from workers.models.errors import AWAY, ModelError, PauseForBudget, error_of
from workers.models.keys import Key
from workers.models.port import Watch
from workers.models.prices import PriceTable
from workers.models.purse import Purse
from workers.models.request import ModelAnswer, ModelRequest, Usage
from workers.models.streaming import TextStream

logger = logging.getLogger(__name__)

DEFAULT_SECONDS = 600.0
"""How long a call may take that names no time of its own."""
PATIENT_SECONDS = 60.0
"""Who gives a model less time than this learns nothing of its health: others share what is known of it."""


def ask(step: StepContext, request: ModelRequest, *, override: bool = False) -> ModelAnswer:
    """Put a request to its model, or to the mock provider where there is no key for it.

    What it may cost is set aside first and settled after, also when it fails. With `override` somebody has allowed to go
    beyond the budget that paused the step. A model that is overloaded or not there is replaced by the request's
    `fallback_model`, once.
    Raises ModelError; PauseForBudget where a budget asks a person; TimedOut or StepCancelled when the step has to end.
    """
    key = providers.key_for(step, request.provider)
    try:
        return _Call(step, request, key, override=override).make()
    except ModelError as error:
        other = request.fallback_model
        away = error.code == "overloaded" or error.details.get("status") == HTTPStatus.NOT_FOUND
        if not away or other is None or other == request.model:
            raise
        step.emit("model_fell_back", {"from": request.model, "to": other, "reason": error.code})
    return _Call(step, replace(request, model=other), key, override=override).make()


class _Call:
    """One call to one model; a budget may make it another model's."""

    def __init__(self, step: StepContext, request: ModelRequest, key: Key | None, *, override: bool) -> None:
        self._step = step
        self._request = request
        self._key = key
        self._override = override
        self._today = datetime.now(UTC).date()
        self._began = monotonic()
        seconds = DEFAULT_SECONDS if request.timeout_seconds is None else request.timeout_seconds
        self._watch = Watch(step.name, step.cancelled, self._began + seconds, step.deadline)
        if step.deadline is not None:
            self._watch.deadline = min(self._watch.deadline, step.deadline)

    def make(self) -> ModelAnswer:
        self._watch.check()
        answer = self._mocked() if self._key is None else self._lived(self._key)
        self._tell(answer.usage, answer.cost_usd, stop_reason=answer.stop_reason)
        return answer

    # -- the mock provider ---------------------------------------------------------------------------------------
    def _mocked(self) -> ModelAnswer:
        responses = self._step.workflow.section("environment").get("mock_responses")
        answer = mock.answer(
            self._request, retries=self._step.retries, responses=responses if isinstance(responses, dict) else None
        )
        held = self._reserve(lambda _: (answer.usage, answer.cost_usd))
        try:
            self._pause()
        except BaseException:
            held.release()
            raise
        if self._request.stream:
            self._stream_mock(answer.text)
        held.settle(answer.usage, answer.cost_usd, self._request.model)
        return replace(answer, model=self._request.model)

    def _pause(self) -> None:
        milliseconds = max(settings.SYMPHONY_MOCK_DELAY_MS, mock.delay_ms(self._request))
        if milliseconds:
            self._give_back()
            self._step.sleep(milliseconds / 1000)

    def _stream_mock(self, text: str) -> None:
        if self._step.engine is not None:
            with TextStream(self._step.engine, self._step.name) as stream:
                stream(text)

    # -- real providers ------------------------------------------------------------------------------------------
    def _lived(self, key: Key) -> ModelAnswer:
        provider = providers.live(self._request.provider)
        table = _table()
        held = self._reserve(lambda request: table.estimate(request, on=self._today))
        request = self._request
        with ExitStack() as exits:
            if request.stream and self._step.engine is not None:
                self._watch.on_text = exits.enter_context(TextStream(self._step.engine, self._step.name))
            self._give_back()
            try:
                reply = provider(
                    request,
                    model=table.id_of(request.provider, request.model, on=self._today),
                    max_tokens=table.output_limit(request),
                    sampling=table.model(request.provider, request.model, on=self._today).sampling,
                    key=key,
                    base_url=providers.base_url(request.provider),
                    watch=self._watch,
                )
            except BaseException as error:
                self._failed(held, table, error)
                raise
        cost = table.cost_of(request.provider, request.model, reply.usage, on=self._today)
        held.answered = True
        held.settle(reply.usage, cost, reply.model)
        return ModelAnswer(
            text=reply.text,
            tool_calls=reply.tool_calls,
            usage=reply.usage,
            model=reply.model,
            stop_reason=reply.stop_reason,
            cost_usd=cost,
            mock=False,
            structured=reply.structured,
        )

    def _failed(self, held: Purse, table: PriceTable, error: BaseException) -> None:
        """Settle what a call has cost that gave no answer."""
        usage = self._spent(error)
        if isinstance(error, ModelError) and error.code in AWAY and not self._was_hasty(error):
            held.answered = False
        if usage.total_tokens:
            cost = table.cost_of(self._request.provider, self._request.model, usage, on=self._today)
            held.settle(usage, cost, self._request.model)
        else:
            cost = Decimal(0)
            held.release()
        self._tell(usage, cost, error=getattr(error, "code", type(error).__name__))

    def _was_hasty(self, error: ModelError) -> bool:
        """Whether the call ran out of a time that was its own choice."""
        asked = self._request.timeout_seconds
        return (
            error.code == "timeout" and "status" not in error.details and asked is not None and asked < PATIENT_SECONDS
        )

    def _spent(self, error: BaseException) -> Usage:
        """As far as is known. Of an answer that never began, but was asked for, the prompt is paid for; one that was
        refused with an HTTP status costs nothing."""
        known = self._watch.usage
        heard = -(-self._watch.text_size // 4)
        if known.total_tokens:
            return replace(known, output_tokens=max(known.output_tokens, heard))
        refused = isinstance(error, ModelError) and "status" in error.details
        if refused or not self._watch.sent:
            return Usage()
        return Usage(input_tokens=prices.tokens_of(self._request), output_tokens=heard)

    # -- both ----------------------------------------------------------------------------------------------------
    def _reserve(self, estimate: Callable[[ModelRequest], tuple[Usage, Decimal]]) -> Purse:
        """Set the money aside; where a budget says so, for a cheaper model."""
        while True:
            usage, usd = estimate(self._request)
            try:
                return purse.reserve(
                    self._step,
                    provider=self._request.provider,
                    model=self._request.model,
                    usage=usage,
                    usd=usd,
                    mock=self._key is None,
                    override=self._override,
                    seconds=self._watch.seconds_left,
                )
            except BudgetExceeded as refused:
                self._cheaper(refused)

    def _cheaper(self, refused: BudgetExceeded) -> None:
        budget = refused.budget
        if refused.action == "pause":
            raise PauseForBudget(refused.message, budget=budget.name) from None
        asked, cheaper = self._request.model, None
        if refused.action == "cheaper":
            cheaper = _table().cheaper_than(self._request.provider, asked, on=self._today)
        if cheaper is None:
            details = {"budget": budget.name, "scope": budget.scope}
            raise ModelError(refused.message, code="budget_exceeded", final=True, details=details) from None
        self._step.emit("model_downgraded", {"from": asked, "to": cheaper, "budget": budget.name})
        self._request = replace(self._request, model=cheaper)

    def _give_back(self) -> None:
        """A call waits for long; others need the database connection meanwhile."""
        if self._step.engine is not None:
            self._step.engine.release_database()

    def _tell(self, usage: Usage, cost: Decimal, **more: str) -> None:
        told: dict[str, Any] = {
            "provider": self._request.provider,
            "model": self._request.model,
            "usage": usage.as_dict(),
            "cost_usd": f"{cost:f}",
            "mock": self._key is None,
            "duration_ms": round((monotonic() - self._began) * 1000),
            **more,
        }
        warnings = [] if self._key is None else _warnings(self._request, _table(), self._today)
        self._step.emit("model_called", told | ({"warnings": warnings} if warnings else {}))


def _warnings(request: ModelRequest, table: PriceTable, today: date) -> list[str]:
    model = table.model(request.provider, request.model, on=today)
    warnings = []
    if not model.known:
        warnings.append(f"The price of {request.model} is not known: it is counted at the table's highest.")
    given = {"temperature": request.temperature, "top_p": request.top_p, "top_k": request.top_k}
    left_out = [name for name, value in given.items() if value is not None]
    if left_out and not model.sampling:
        warnings.append(f"{request.model} does not take {', '.join(left_out)}: left out.")
    return warnings


def _table() -> PriceTable:
    try:
        return prices.table(settings.SYMPHONY_PRICES_FILE)
    except prices.PriceTableError:
        logger.exception("no model can be called")
        reason = "The price table of this installation cannot be read: its operator finds out why in the worker's log."
        raise error_of("no_provider", reason) from None
