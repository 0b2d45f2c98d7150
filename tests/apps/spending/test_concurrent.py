"""However many call at once, no budget is overshot."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from threading import Barrier, Lock
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apps.accounts import services as accounts
from apps.accounts.models import Organization, User
from apps.core.tenancy import acting_as, sweeping, working_for
from apps.spending import services
from apps.spending.models import Budget, BudgetPeriod, RunTotal, Usage
from apps.spending.services import BudgetExceeded, Reservation, RunLimits

from .conftest import call

pytestmark = pytest.mark.django_db(transaction=True)

CENT = Decimal("0.01")
THREADS = 4
RUNS = [UUID(int=11), UUID(int=12)]
MELODIES = [UUID(int=21), UUID(int=22)]


@contextmanager
def own_connection() -> Iterator[None]:
    """A thread's connection, as a worker has it, closed when the thread is done."""
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE symphony_worker")
    try:
        yield
    finally:
        connection.close()


@pytest.fixture
def organization() -> tuple[User, Organization]:
    alice = accounts.create_user(email="alice@example.org", password=None)
    return alice, accounts.create_organization(actor=alice, name="Orchestra")


def make_budget(owner: tuple[User, Organization], **given: Any) -> Budget:
    alice, orchestra = owner
    with acting_as(alice.pk):
        return services.create_budget(actor=alice, organization=orchestra, **{"name": "b"} | given)


def periods(orchestra: Organization) -> list[BudgetPeriod]:
    with sweeping(), working_for(orchestra.pk):
        return list(BudgetPeriod.objects.select_related("budget").order_by("budget_id"))


def test_a_fan_out_of_100_takes_what_fits_and_no_more(organization: tuple[User, Organization]) -> None:
    _, orchestra = organization
    make_budget(organization, limit_usd=40 * CENT)
    start = Barrier(10)

    def calls(run: int) -> int:
        with own_connection():
            start.wait(30)
            made = 0
            for _ in range(10):
                try:
                    given = {"execution_id": UUID(int=run % 5 + 1), "task_id": uuid4()}
                    reservation = services.reserve(**call(orchestra, usd=CENT, **given))
                except BudgetExceeded:
                    continue
                made += 1
                services.settle(
                    organization_id=orchestra.pk, reservation_id=reservation.id, usage={"input_tokens": 1}, usd=CENT
                )
            return made

    with ThreadPoolExecutor(10) as pool:
        assert sum(pool.map(calls, range(10))) == 40
    (period,) = periods(orchestra)
    assert (period.spent_usd, period.reserved_usd, period.spent_tokens) == (40 * CENT, 0, 40)


def test_a_run_makes_no_call_too_many(organization: tuple[User, Organization]) -> None:
    _, orchestra = organization
    start = Barrier(8)

    def calls(_: int) -> int:
        with own_connection():
            start.wait(30)
            made = 0
            for _ in range(5):
                try:
                    services.reserve(**call(orchestra, limits=RunLimits(max_calls=13)))
                    made += 1
                except BudgetExceeded:
                    pass
            return made

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(calls, range(8))) == 13


def test_the_first_calls_of_a_period_make_one_row(organization: tuple[User, Organization]) -> None:
    _, orchestra = organization
    for scope, target in (("organization", None), ("melody", MELODIES[0])):
        make_budget(organization, limit_usd=Decimal(100), scope=scope, target_id=target)
    start = Barrier(8)

    def first(_: int) -> None:
        with own_connection():
            start.wait(30)
            services.reserve(**call(orchestra, melody_id=MELODIES[0], execution_id=uuid4()))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(first, range(8)))
    assert [period.reserved_usd for period in periods(orchestra)] == [8, 8]


def test_a_call_waits_for_the_disk_after_it_has_let_others_pass(organization: tuple[User, Organization]) -> None:
    _, orchestra = organization

    def statements() -> list[str]:
        with own_connection(), CaptureQueriesContext(connection) as captured:
            reservation = services.reserve(**call(orchestra))
            services.settle(organization_id=orchestra.pk, reservation_id=reservation.id, usage={}, usd=CENT)
            with connection.cursor() as cursor:
                cursor.execute("SHOW synchronous_commit")
                assert cursor.fetchone() == ("on",)
            return [query["sql"].partition("(")[0].removeprefix("SELECT ") for query in captured]

    with ThreadPoolExecutor(1) as pool:
        seen = pool.submit(statements).result()
    assert seen == ["spending_reserve", "pg_logical_emit_message", "spending_settle", "SHOW synchronous_commit"]


@dataclass
class Book:
    """What all threads know together: reservations, and what ended each of them, at which price."""

    orchestra: Organization
    reservations: list[Reservation] = field(default_factory=list)
    ended: dict[UUID, Decimal] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def do(self, step: tuple[Any, ...]) -> None:
        match step:
            case ("reserve", cents, run, melody, dies):
                given = {"usd": cents * CENT, "tokens": cents, "execution_id": RUNS[run], "melody_id": MELODIES[melody]}
                with suppress(BudgetExceeded):
                    made = services.reserve(**call(self.orchestra, **given, seconds=-3600 if dies else 3600))
                    self.reservations.append(made)
            case ("settle" | "release" as how, which, percent) if self.reservations:
                reservation = self.reservations[which % len(self.reservations)]
                usd = (reservation.usd * percent / 100).quantize(CENT) if how == "settle" else Decimal(0)
                if self.end(how, reservation, usd).changed:
                    with self.lock:
                        assert reservation.id not in self.ended
                        self.ended[reservation.id] = usd
            case ("sweep",):
                services.close_lost()

    def end(self, how: str, reservation: Reservation, usd: Decimal) -> services.Settlement:
        whose = {"organization_id": self.orchestra.pk, "reservation_id": reservation.id}
        if how == "release":
            return services.release(**whose)
        return services.settle(**whose, usage={"output_tokens": int(usd / CENT)}, usd=usd)


STEPS = st.one_of(
    st.tuples(st.just("reserve"), st.integers(1, 9), st.integers(0, 1), st.integers(0, 1), st.booleans()),
    st.tuples(st.sampled_from(["settle", "release"]), st.integers(0, 9), st.integers(0, 100)),
    st.just(("sweep",)),
)
PLANS = st.lists(st.lists(STEPS, min_size=4, max_size=10), min_size=THREADS, max_size=THREADS)


@pytest.fixture
def watched(organization: tuple[User, Organization]) -> Iterator[Callable[[list[Any]], None]]:
    """Runs a plan, one thread for each of its lists, on budgets made for it; then looks whether the laws held."""
    _, orchestra = organization
    with ThreadPoolExecutor(THREADS) as pool:

        def run(plan: list[Any]) -> None:
            with connection.cursor() as cursor:
                cursor.execute("TRUNCATE spending_usage, spending_runtotal, spending_budgetperiod, spending_budget")
            make_budget(organization, limit_usd=25 * CENT, alert_at=50)
            make_budget(organization, limit_tokens=20, on_exceed="cheaper", period="total")
            make_budget(organization, limit_usd=15 * CENT, scope="melody", target_id=MELODIES[0], period="day")
            book = Book(orchestra)
            start = Barrier(len(plan))

            def part(steps: list[Any]) -> None:
                with own_connection():
                    start.wait(30)
                    for step in steps:
                        book.do(step)

            list(pool.map(part, plan))
            look(book)

        yield run


def look(book: Book) -> None:
    everything = periods(book.orchestra)
    for period in everything:
        limit = period.budget.limit_usd, period.budget.limit_tokens
        assert limit[0] is None or period.spent_usd + period.reserved_usd <= limit[0]
        assert limit[1] is None or period.spent_tokens + period.reserved_tokens <= limit[1]
        assert min(period.spent_usd, period.reserved_usd, period.spent_tokens, period.reserved_tokens) >= 0
    with sweeping(), working_for(book.orchestra.pk):
        totals, calls = list(RunTotal.objects.all()), list(Usage.objects.all())

    def usd(*states: str) -> Decimal:
        return sum((each.usd for each in calls if each.state in states), Decimal(0))

    ended = sum(book.ended.values(), Decimal(0))
    not_ended = sum((each.usd for each in book.reservations if each.id not in book.ended), Decimal(0))
    assert (usd("settled", "released"), usd("reserved", "lost")) == (ended, not_ended)
    known = usd("settled", "lost"), usd("reserved")
    assert (sum(each.spent_usd for each in totals), sum(each.reserved_usd for each in totals)) == known
    for period in everything:
        if period.budget.scope == "organization":
            assert (period.spent_usd, period.reserved_usd) == known
    assert sum(each.calls for each in totals) == sum(1 for each in calls if each.state != "released")


@given(plan=PLANS)
@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_laws_of_any_interleaving(watched: Callable[[list[Any]], None], plan: list[Any]) -> None:
    """Spent and reserved never exceed a limit, nothing is counted twice, nothing is forgotten, nobody deadlocks."""
    watched(plan)
