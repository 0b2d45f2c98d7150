"""Reserving and settling, one call at a time."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import ProgrammingError, connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import Organization, User
from apps.core.tenancy import acting_as, working_for
from apps.projects import services as projects
from apps.spending import queries, services
from apps.spending.models import Budget, BudgetPeriod, RunTotal, Usage
from apps.spending.services import BudgetExceeded, RunLimits

from .conftest import RUN, TASK, as_worker, call

pytestmark = pytest.mark.django_db
Reserve = Callable[..., services.Reservation]
Settle = Callable[..., services.Settlement]
MakeBudget = Callable[..., Budget]


def standing(alice: User, budget: Budget) -> queries.Standing:
    with acting_as(alice.pk):
        return queries.standings([budget])[budget.pk]


def usage(organization: Organization, reservation: services.Reservation) -> Usage:
    with as_worker(), working_for(organization.pk):
        return Usage.objects.get(pk=reservation.id)


def run_total(organization: Organization) -> RunTotal:
    with as_worker(), working_for(organization.pk):
        return RunTotal.objects.get(pk=RUN)


def age(organization: Organization, reservation: services.Reservation) -> None:
    """As if its call had to be over by now."""
    with as_worker(), working_for(organization.pk):
        Usage.objects.filter(pk=reservation.id).update(expires_at="2020-01-01T00:00Z")


def close_lost() -> int:
    with as_worker():
        return services.close_lost()


class TestBudgets:
    def test_what_does_not_fit_is_refused_and_leaves_nothing(
        self, alice: User, reserve: Reserve, budget: MakeBudget
    ) -> None:
        limited = budget(name="Spring", limit_usd=Decimal("2.5"))
        for _ in range(2):
            reserve()
        with pytest.raises(BudgetExceeded) as caught:
            reserve()
        assert caught.value.action == "stop"
        assert (caught.value.budget.name, caught.value.budget.scope, caught.value.budget.measure) == (
            "Spring", "organization", "usd",
        )  # fmt: skip
        assert (
            str(caught.value)
            == caught.value.message
            == (
                "This call may take $1.00, which does not fit into the organization's budget 'Spring': $2.00 of $2.50 are spent "
                "or reserved. Raise the limit, or ask for less output."
            )
        )
        reserve(usd=Decimal("0.5"))
        now = standing(alice, limited)
        assert (now.spent_usd, now.reserved_usd, now.remaining_usd) == (0, Decimal("2.5"), 0)

    def test_settling_gives_back_what_was_not_needed(
        self, alice: User, reserve: Reserve, settle: Settle, budget: MakeBudget
    ) -> None:
        limited = budget(limit_usd=Decimal(1), limit_tokens=1000)
        first = reserve()
        settle(first, "0.25", 200)
        with pytest.raises(BudgetExceeded):
            reserve()
        reserve(usd=Decimal("0.75"), tokens=800)
        now = standing(alice, limited)
        assert (now.spent_usd, now.reserved_usd, now.remaining_usd) == (Decimal("0.25"), Decimal("0.75"), 0)
        assert (now.spent_tokens, now.reserved_tokens, now.remaining_tokens) == (200, 800, 0)

    def test_tokens_alone(self, reserve: Reserve, budget: MakeBudget) -> None:
        budget(limit_usd=None, limit_tokens=1500)
        reserve()
        with pytest.raises(BudgetExceeded, match=r"1,000 tokens, .* 1,000 tokens of 1,500 tokens"):
            reserve()

    def test_what_was_estimated_too_low_counts_all_the_same(
        self, alice: User, reserve: Reserve, settle: Settle, budget: MakeBudget
    ) -> None:
        limited = budget(limit_usd=Decimal(1))
        settle(reserve(), "1.5")
        assert (standing(alice, limited).spent_usd, standing(alice, limited).remaining_usd) == (Decimal("1.5"), 0)

    def test_a_budget_of_nothing(self, reserve: Reserve, budget: MakeBudget) -> None:
        budget(limit_usd=Decimal(0))
        reserve(usd=Decimal(0))
        with pytest.raises(BudgetExceeded):
            reserve(usd=Decimal("0.000000001"))

    def test_less_than_the_smallest_part_is_rounded_up(self, reserve: Reserve, budget: MakeBudget) -> None:
        budget(limit_usd=Decimal("0.000000001"))
        assert reserve(usd=Decimal("1e-15")).usd == Decimal("0.000000001")
        with pytest.raises(BudgetExceeded, match=r"\$0\.000000001"):
            reserve(usd=Decimal("1e-15"))

    @pytest.mark.parametrize(
        ("actions", "said"),
        [
            (("cheaper", "pause", "stop"), "stop"),
            (("cheaper", "pause"), "pause"),
            (("cheaper",), "cheaper"),
        ],
    )
    def test_the_strictest_of_several_decides(
        self, reserve: Reserve, budget: MakeBudget, actions: tuple[str, ...], said: str
    ) -> None:
        for action in actions:
            budget(limit_usd=Decimal("0.5"), on_exceed=action)
        with pytest.raises(BudgetExceeded) as caught:
            reserve()
        assert caught.value.action == said

    def test_who_decides_may_let_it_pass_where_a_limit_pauses_only(
        self, alice: User, orchestra: Organization, reserve: Reserve, budget: MakeBudget
    ) -> None:
        paused = budget(limit_usd=Decimal("0.5"), on_exceed="pause")
        with pytest.raises(BudgetExceeded):
            reserve()
        passed = reserve(override=True)
        assert usage(orchestra, passed).override
        assert standing(alice, paused).reserved_usd == 1
        budget(limit_usd=Decimal("0.5"), on_exceed="stop")
        with pytest.raises(BudgetExceeded) as caught:
            reserve(override=True)
        assert caught.value.action == "stop"

    def test_an_inactive_budget_counts_and_refuses_nothing(
        self, alice: User, reserve: Reserve, budget: MakeBudget
    ) -> None:
        idle = budget(limit_usd=Decimal("0.5"), active=False)
        reserve()
        assert standing(alice, idle).reserved_usd == 1
        with acting_as(alice.pk):
            services.update_budget(actor=alice, budget=idle, active=True)
        with pytest.raises(BudgetExceeded):
            reserve()

    def test_a_limit_that_is_raised_holds_at_once(self, alice: User, reserve: Reserve, budget: MakeBudget) -> None:
        limited = budget(limit_usd=Decimal("0.5"))
        with pytest.raises(BudgetExceeded):
            reserve()
        with acting_as(alice.pk):
            services.update_budget(actor=alice, budget=limited, limit_usd=Decimal(1))
        reserve()

    def test_scopes(self, alice: User, orchestra: Organization, reserve: Reserve, budget: MakeBudget) -> None:
        with acting_as(alice.pk):
            project = projects.create_project(actor=alice, organization=orchestra, name="Spring")
        melody, around = uuid4(), uuid4()
        of_project = budget(scope="project", target_id=project.pk)
        of_melody = budget(scope="melody", target_id=melody)
        of_outer = budget(scope="melody", target_id=around)
        of_all = budget()
        reserve()
        reserve(project_id=project.pk)
        reserve(project_id=str(uuid4()), melody_id=melody)
        reserve(melody_id=melody, ancestors=[around, melody])
        reserve(project_id="", melody_id="")
        counted = [standing(alice, each).reserved_usd for each in (of_project, of_melody, of_outer, of_all)]
        assert counted == [1, 2, 1, 5]

    def test_mock_calls_count_only_where_a_budget_says_so(
        self, alice: User, reserve: Reserve, settle: Settle, budget: MakeBudget
    ) -> None:
        real, both = budget(limit_usd=Decimal(1)), budget(limit_usd=Decimal(2), counts_mock=True)
        settle(reserve(mock=True))
        settle(reserve())
        assert (standing(alice, real).spent_usd, standing(alice, both).spent_usd) == (1, 2)
        with pytest.raises(BudgetExceeded):
            reserve(mock=True)

    def test_another_organization_pays_for_itself(
        self, elsewhere: Organization, reserve: Reserve, budget: MakeBudget
    ) -> None:
        budget(limit_usd=Decimal("0.5"))
        with as_worker():
            services.reserve(**call(elsewhere, execution_id=uuid4()))
        with pytest.raises(BudgetExceeded):
            reserve()

    def test_a_new_budget_counts_what_its_period_has_cost(
        self, alice: User, reserve: Reserve, settle: Settle, budget: MakeBudget
    ) -> None:
        melody = uuid4()
        settle(reserve(melody_id=melody))
        settle(reserve(mock=True))
        under_way = reserve()
        limited = budget(limit_usd=Decimal("2.5"))
        of_melody = budget(scope="melody", target_id=melody, period="total")
        assert (standing(alice, limited).spent_usd, standing(alice, of_melody).spent_usd) == (1, 1)
        reserve()
        now = standing(alice, limited)
        assert (now.spent_usd, now.reserved_usd) == (1, 1)
        # Begun before the budget was made, it is not the budget's.
        settle(under_way)
        assert standing(alice, limited).spent_usd == 1

    @pytest.mark.parametrize(
        ("period", "at", "start"),
        [
            ("day", "2024-02-29T23:59:59.999Z", "2024-02-29"),
            ("week", "2024-03-03T12:00:00Z", "2024-02-26"),
            ("month", "2024-02-29T23:59:59Z", "2024-02-01"),
            ("month", "2024-03-01T00:30:00+01:00", "2024-02-01"),
            ("total", "2024-02-29T12:00:00Z", "1970-01-01"),
        ],
    )
    def test_periods_begin_in_utc(self, period: str, at: str, start: str) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL TIME ZONE 'Asia/Tokyo'")
            cursor.execute("SELECT spending_period_start(%s, %s) AT TIME ZONE 'UTC'", [period, at])
            assert cursor.fetchone()[0].isoformat() == f"{start}T00:00:00"

    def test_a_new_period_starts_afresh_and_old_calls_stay_in_theirs(
        self, alice: User, orchestra: Organization, reserve: Reserve, settle: Settle, budget: MakeBudget
    ) -> None:
        limited = budget(limit_usd=Decimal(1), period="day")
        yesterdays = reserve()
        with as_worker(), working_for(orchestra.pk), connection.cursor() as cursor:
            cursor.execute("UPDATE spending_budgetperiod SET starts_at = starts_at - interval '1 day'")
            cursor.execute("UPDATE spending_usage SET created_at = created_at - interval '1 day'")
        reserve()
        settle(yesterdays, "0.75")
        with as_worker(), working_for(orchestra.pk):
            periods = BudgetPeriod.objects.order_by("starts_at").values_list("spent_usd", "reserved_usd")
            assert list(periods) == [(Decimal("0.75"), 0), (0, 1)]
        assert standing(alice, limited).spent_usd == 0

    def test_an_alert_is_given_once_per_period(self, reserve: Reserve, settle: Settle, budget: MakeBudget) -> None:
        limited = budget(limit_usd=Decimal(4), alert_at=50)
        settlements = [settle(reserve()) for _ in range(4)]
        assert [len(each.alerts) for each in settlements] == [0, 1, 0, 0]
        (alert,) = settlements[1].alerts
        assert (alert.budget_id, alert.scope, alert.percent, alert.spent_usd, alert.limit_usd) == (
            str(limited.pk), "organization", 50, 2, 4,
        )  # fmt: skip

    def test_a_deleted_budget_is_in_nobodys_way(
        self, alice: User, reserve: Reserve, settle: Settle, budget: MakeBudget
    ) -> None:
        limited = budget()
        reservation = reserve()
        with acting_as(alice.pk):
            services.delete_budget(actor=alice, budget=limited)
        assert settle(reservation).changed
        reserve(usd=Decimal(100))


class TestLimitsOfARun:
    @pytest.mark.parametrize(
        ("limits", "said"),
        [
            (RunLimits(max_usd=Decimal("2.5")), r"limit max_cost_usd: \$2\.00 of \$2\.50"),
            (RunLimits(max_tokens=2500), "limit max_tokens_total: 2,000 tokens of 2,500 tokens"),
            (RunLimits(max_calls=2), "limit max_api_calls: 2 calls of 2 calls"),
            (RunLimits(max_usd_per_run=Decimal("2.5")), "limit max_cost_per_run"),
        ],
    )
    def test_each_refuses_the_third_call(self, reserve: Reserve, settle: Settle, limits: RunLimits, said: str) -> None:
        # They hold for the mock provider, too.
        settle(reserve(limits=limits, mock=True))
        reserve(limits=limits, task_id=uuid4())
        with pytest.raises(BudgetExceeded, match=said) as caught:
            reserve(limits=limits, task_id=uuid4())
        assert (caught.value.action, caught.value.budget.scope, caught.value.budget.budget_id) == ("stop", "run", None)
        reserve(limits=limits, execution_id=uuid4())

    def test_a_step_counts_all_its_attempts(self, reserve: Reserve, settle: Settle) -> None:
        limits = RunLimits(max_usd_per_step=Decimal("1.5"), action="pause")
        settle(reserve(limits=limits), "0.5")
        reserve(limits=limits, attempt=2)
        with pytest.raises(BudgetExceeded, match="max_cost_per_step") as caught:
            reserve(limits=limits, attempt=3)
        assert caught.value.action == "pause"
        reserve(limits=limits, attempt=3, override=True)
        reserve(limits=limits, task_id=uuid4())

    def test_going_on_is_told_once(self, reserve: Reserve) -> None:
        limits = RunLimits(max_usd_per_run=Decimal("1.5"), action="continue")
        told = [reserve(limits=limits).alerts for _ in range(4)]
        assert [len(each) for each in told] == [0, 1, 0, 0]
        assert (told[1][0].name, told[1][0].scope, told[1][0].limit_usd) == ("max_cost_per_run", "run", Decimal("1.5"))

    def test_the_threshold_is_told_once(self, reserve: Reserve, settle: Settle) -> None:
        limits = RunLimits(alert_usd=Decimal("1.5"))
        told = [settle(reserve(limits=limits)).alerts for _ in range(4)]
        assert [len(each) for each in told] == [0, 1, 0, 0]
        assert (told[1][0].name, told[1][0].spent_usd) == ("threshold_usd", 2)

    def test_what_was_released_was_no_call(self, orchestra: Organization, reserve: Reserve) -> None:
        limits = RunLimits(max_calls=1)
        reservation = reserve(limits=limits)
        with as_worker():
            services.release(organization_id=orchestra.pk, reservation_id=reservation.id)
        reserve(limits=limits)
        assert run_total(orchestra).calls == 1

    def test_a_refused_call_is_not_counted(self, orchestra: Organization, reserve: Reserve, budget: MakeBudget) -> None:
        budget(limit_usd=Decimal("0.5"))
        with pytest.raises(BudgetExceeded):
            reserve()
        total = run_total(orchestra)
        assert (total.calls, total.reserved_usd, total.reserved_tokens) == (0, 0, 0)


class TestSettling:
    def test_what_is_kept(self, orchestra: Organization, reserve: Reserve) -> None:
        melody = uuid4()
        reservation = reserve(melody_id=str(melody), provider="gemini", model="asked")
        spent = {"input_tokens": 1, "output_tokens": 2, "cache_read_tokens": 3, "cache_write_tokens": 4}
        with as_worker(), working_for(orchestra.pk):
            services.settle(reservation_id=reservation.id, usage=spent, usd=Decimal("0.123456789"), model="answered")
        row = usage(orchestra, reservation)
        assert (row.state, row.usd, row.reserved_usd, row.tokens, row.reserved_tokens) == (
            "settled", Decimal("0.123456789"), 1, 10, 1000,
        )  # fmt: skip
        assert {name: getattr(row, name) for name in spent} == spent
        assert (row.provider, row.model, row.melody_id, row.task_id) == ("gemini", "answered", melody, TASK)
        assert row.settled_at is not None
        assert row.settled_at >= row.created_at

    def test_twice_changes_nothing(self, orchestra: Organization, reserve: Reserve, settle: Settle) -> None:
        reservation = reserve()
        assert settle(reservation, "0.5").changed
        before = run_total(orchestra).spent_usd, usage(orchestra, reservation).settled_at
        assert not settle(reservation, "0.9").changed
        with as_worker():
            assert not services.release(organization_id=orchestra.pk, reservation_id=reservation.id).changed
        assert (run_total(orchestra).spent_usd, usage(orchestra, reservation).settled_at) == before
        assert before[0] == Decimal("0.5")

    def test_what_is_not_there_is_not_settled(self, orchestra: Organization, settle: Settle, reserve: Reserve) -> None:
        nothing = services.Reservation(uuid4(), Decimal(1), 1)
        assert settle(nothing) == services.Settlement(changed=False)

    def test_a_worker_of_another_organization_settles_nothing(
        self, elsewhere: Organization, orchestra: Organization, reserve: Reserve
    ) -> None:
        reservation = reserve()
        with as_worker():
            other = services.release(organization_id=elsewhere.pk, reservation_id=reservation.id)
        assert not other.changed
        assert usage(orchestra, reservation).state == "reserved"

    def test_nor_joins_its_run(self, elsewhere: Organization, orchestra: Organization, reserve: Reserve) -> None:
        reserve()
        with as_worker(), pytest.raises(Exception, match="query returned no rows"), transaction.atomic():
            services.reserve(**call(elsewhere))

    def test_each_is_one_round_trip(self, orchestra: Organization, reserve: Reserve, budget: MakeBudget) -> None:
        budget()
        with as_worker(), CaptureQueriesContext(connection) as captured:
            reservation = services.reserve(**call(orchestra))
            services.settle(organization_id=orchestra.pk, reservation_id=reservation.id, usage={}, usd=Decimal(0))
        assert [query["sql"].partition("(")[0] for query in captured if "spending" in query["sql"]] == [
            "SELECT spending_reserve", "SELECT spending_settle",
        ]  # fmt: skip

    @pytest.mark.parametrize("usd", ["-0.01", "NaN", "Infinity"])
    def test_no_call_earns_money(self, reserve: Reserve, usd: str) -> None:
        with pytest.raises(ValueError, match="costs nothing or more"):
            reserve(usd=Decimal(usd))
        with pytest.raises(ValueError, match="no tokens or some"):
            reserve(tokens=-1)


class TestLostCalls:
    def test_they_count_as_estimated(
        self, alice: User, orchestra: Organization, reserve: Reserve, settle: Settle, budget: MakeBudget
    ) -> None:
        limited = budget(limit_usd=Decimal(3), alert_at=30)
        lost, alive, settled = reserve(), reserve(), reserve()
        settle(settled, "0.5")
        for each in (lost, settled):
            age(orchestra, each)
        assert close_lost() == 1
        assert close_lost() == 0
        assert [usage(orchestra, each).state for each in (lost, alive, settled)] == ["lost", "reserved", "settled"]
        now = standing(alice, limited)
        assert (now.spent_usd, now.reserved_usd) == (Decimal("1.5"), 1)
        assert (run_total(orchestra).spent_usd, run_total(orchestra).reserved_usd) == (Decimal("1.5"), 1)
        # Nobody was there to be told, so that the next who settles is.
        assert len(settle(alive).alerts) == 1

    @pytest.mark.parametrize(("outcome", "left"), [("settled", Decimal("0.25")), ("released", Decimal(0))])
    def test_who_comes_back_late_mends_it(
        self, alice: User, orchestra: Organization, reserve: Reserve, settle: Settle, budget: MakeBudget,
        outcome: str, left: Decimal,
    ) -> None:  # fmt: skip
        limited = budget()
        late = reserve()
        age(orchestra, late)
        assert close_lost() == 1
        if outcome == "released":
            with as_worker():
                assert services.release(organization_id=orchestra.pk, reservation_id=late.id).changed
        else:
            assert settle(late, "0.25").changed
        now = standing(alice, limited)
        assert (now.spent_usd, now.reserved_usd) == (left, 0)
        assert run_total(orchestra).spent_usd == left
        assert not settle(late, "5").changed

    def test_calls_of_all_organizations(
        self, elsewhere: Organization, orchestra: Organization, reserve: Reserve
    ) -> None:
        with as_worker():
            other = services.reserve(**call(elsewhere, execution_id=uuid4()))
        mine = reserve()
        age(elsewhere, other)
        age(orchestra, mine)
        assert close_lost() == 2

    def test_a_call_has_its_time(self, orchestra: Organization, reserve: Reserve, settings: Any) -> None:
        settings.SYMPHONY_LEASE_SECONDS = 60.0
        row = usage(orchestra, reserve(seconds=30))
        assert (row.expires_at - row.created_at).total_seconds() == 90


class TestTheDatabase:
    @pytest.mark.parametrize("table", ["usage", "runtotal", "budgetperiod"])
    def test_the_web_writes_nothing_of_what_is_spent(
        self, alice: User, reserve: Reserve, budget: MakeBudget, web_role: None, table: str
    ) -> None:
        budget()
        reserve()
        with acting_as(alice.pk), connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM spending_{table}")
            assert cursor.fetchone() == (1,)
            statements = [f"UPDATE spending_{table} SET organization_id = organization_id"]
            statements += [f"DELETE FROM spending_{table}"] if table != "budgetperiod" else []
            for statement in statements:
                with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
                    cursor.execute(statement)

    def test_a_worker_changes_no_budget(self, orchestra: Organization, budget: MakeBudget) -> None:
        budget()
        with (
            as_worker(),
            working_for(orchestra.pk),
            pytest.raises(ProgrammingError, match="permission denied"),
            transaction.atomic(),
        ):
            Budget.objects.update(limit_usd=1000)

    @pytest.mark.parametrize(
        "columns",
        [
            {"limit_usd": None},
            {"limit_usd": Decimal(-1)},
            {"scope": "melody"},
            {"target_id": UUID(int=3)},
            {"alert_at": 101},
            {"period": "year"},
        ],
    )
    def test_budgets_that_make_no_sense(self, alice: User, orchestra: Organization, columns: dict[str, Any]) -> None:
        given = {"name": "x", "limit_usd": Decimal(1)} | columns
        with acting_as(alice.pk), pytest.raises(Exception, match="violates check constraint"), transaction.atomic():
            Budget.objects.create(organization=orchestra, created_by=alice, **given)
