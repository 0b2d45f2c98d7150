"""Money for one call: set aside before it, settled after it, however it ended."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection

from apps.spending import services
from apps.spending.services import Alert, Reservation, RunLimits
from workers.contract import StepContext
from workers.models import slots
from workers.models.errors import ModelError
from workers.models.request import Usage
from workers.models.slots import Room

logger = logging.getLogger(__name__)

R = TypeVar("R")


class Purse:
    """What one call may cost and has cost. Close it once, with `settle` or `release`; a second time is nothing.

    Without a reservation (a step outside the engine) it is an empty purse.
    """

    def __init__(self, step: StepContext, reservation: Reservation | None, room: Room | None = None) -> None:
        self._step = step
        self._reservation = reservation
        self._room = room
        self.answered: bool | None = None
        """Whether the model gave an answer, as far as that says anything of its health."""

    def settle(self, usage: Usage, usd: Decimal, model: str) -> None:
        """The call came to this."""
        reservation, self._reservation = self._reservation, None
        self._leave(usage.total_tokens)
        if reservation is not None:
            settled = _stubborn(
                lambda: services.settle(
                    organization_id=self._step.workflow.organization_id,
                    reservation_id=reservation.id,
                    usage=usage.as_dict(),
                    usd=usd,
                    model=model,
                )
            )
            _tell(self._step, () if settled is None else settled.alerts)

    def release(self) -> None:
        """The call was not made, or costs nothing."""
        reservation, self._reservation = self._reservation, None
        self._leave(0)
        if reservation is not None:
            _stubborn(
                lambda: services.release(
                    organization_id=self._step.workflow.organization_id, reservation_id=reservation.id
                )
            )

    def _leave(self, used: int) -> None:
        room, self._room = self._room, None
        if room is not None:
            _stubborn(lambda: room.give_back(used, healthy=self.answered))


def reserve(
    step: StepContext,
    *,
    provider: str,
    model: str,
    usage: Usage,
    usd: Decimal,
    mock: bool,
    override: bool,
    seconds: float,
) -> Purse:
    """Set aside what the call may cost at most, and its room in the model's pools. Raises BudgetExceeded, WaitForLimit."""
    if step.engine is None:
        return Purse(step, None)
    try:
        limits = RunLimits.of(step.workflow.fields)
    except ValueError as error:
        raise ModelError(str(error), code="bad_request", final=True) from None
    reservation = services.reserve(
        organization_id=step.workflow.organization_id,
        project_id=step.workflow.project_id or None,
        melody_id=step.workflow.melody_id or None,
        execution_id=step.execution_id,
        task_id=step.task_id,
        attempt=step.attempt,
        provider=provider,
        model=model,
        tokens=usage.total_tokens,
        usd=usd,
        limits=limits,
        mock=mock,
        override=override,
        ancestors=step.ancestors,
        seconds=seconds,
    )
    _tell(step, reservation.alerts)
    held = Purse(step, reservation)
    try:
        room = slots.take(step, provider=provider, model=model, tokens=usage.total_tokens, seconds=seconds, mock=mock)
    except BaseException:
        held.release()
        raise
    return Purse(step, reservation, room)


def _tell(step: StepContext, alerts: Iterable[Alert]) -> None:
    for alert in alerts:
        told = {
            "name": alert.name,
            "scope": alert.scope,
            "budget": alert.budget_id,
            "limit_usd": None if alert.limit_usd is None else f"{alert.limit_usd:f}",
            "spent_usd": f"{alert.spent_usd:f}",
            "percent": alert.percent,
        }
        step.emit("cost_alert", told)


def _stubborn(call: Callable[[], R]) -> R | None:
    """A call that was made must be paid for, also when the connection died while the model thought. If the database
    stays away the answer is still worth having: the sweep will count the reservation as spent."""
    try:
        return call()
    except (OperationalError, InterfaceError):
        connection.close()
    try:
        return call()
    except (OperationalError, InterfaceError) as error:
        logger.warning("what a model call has cost could not be settled: %s", error)
        return None
