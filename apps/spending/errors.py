from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from apps.core.errors import NotFound

RefusalAction = Literal["stop", "pause", "cheaper"]


@dataclass(frozen=True, slots=True)
class Exceeded:
    """The limit a call does not fit into. `scope` is organization, project, melody or run; `budget_id` None for a run.

    `measure`: usd, tokens, calls, or task_usd (one task of a run). `used` has what is spent and reserved by now, `wanted`
    what this call asked for.
    """

    name: str
    scope: str
    budget_id: str | None
    measure: str
    limit: Decimal
    used: Decimal
    wanted: Decimal


class BudgetExceeded(Exception):
    """A call was refused before it was made, and nothing is reserved. `action`: what its limit asks for instead.

    "stop": the step fails. "pause": somebody is to decide; `reserve(..., override=True)` passes the limits that pause.
    "cheaper": try again with a cheaper model; where there is none, as "stop".
    """

    def __init__(self, budget: Exceeded, action: RefusalAction) -> None:
        self.budget = budget
        self.action = action
        self.message = _sentence(budget)
        super().__init__(self.message)


class BudgetNotFound(NotFound):
    """There is no such budget, or it is not yours to see."""

    code = "budget_not_found"


def _sentence(budget: Exceeded) -> str:
    where = {
        "run": f"the run's limit {budget.name}",
        "organization": f"the organization's budget {budget.name!r}",
    }.get(budget.scope, f"the {budget.scope}'s budget {budget.name!r}")
    limit, used, wanted = (_amount(value, budget.measure) for value in (budget.limit, budget.used, budget.wanted))
    return (
        f"This call may take {wanted}, which does not fit into {where}: {used} of {limit} are spent or reserved. "
        "Raise the limit, or ask for less output."
    )


def _amount(value: Decimal, measure: str) -> str:
    if not measure.endswith("usd"):
        return f"{value:,.0f} {measure}"
    exact = f"{value:,f}".rstrip("0")
    return f"${value:,.2f}" if len(exact.partition(".")[2]) <= 2 else f"${exact}"
