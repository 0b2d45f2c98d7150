"""Subscriptions that are paid by hand: from the choice of a plan to the books."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from django.db import IntegrityError, ProgrammingError, connection, transaction
from django.db.models import Sum
from pytest_django import Settings

from apps.accounts.models import Organization, User
from apps.billing import queries
from apps.billing.errors import NotWhileLikeThis, SubscriptionExists
from apps.billing.models import AccountKind, Invoice, LedgerAccount, LedgerEntry, LedgerPosting, Plan, Subscription
from apps.billing.services import staffing, subscriptions
from apps.billing.services.expiry import expire_due
from apps.core.errors import Forbidden, NotFound
from apps.core.ids import uuid7
from apps.core.tenancy import acting_as, staff
from apps.core.trail import traced
from symphony import roles
from tests.conftest import database_role

MakePlan = Callable[..., Plan]
START = datetime(2031, 1, 31, 12, tzinfo=UTC)


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(START, tick=False) as traveller:
        yield traveller


def tier_of(organization: Organization) -> str:
    with staff():
        return str(Organization.objects.values_list("subscription_tier", flat=True).get(pk=organization.pk))


def balances(organization: Organization) -> dict[str, int]:
    with staff():
        rows = LedgerPosting.objects.filter(organization=organization).values_list("account__kind")
        return {kind: total for kind, total in rows.annotate(total=Sum("amount")).order_by() if total}


def fresh(subscription: Subscription) -> Subscription:
    with staff():
        return Subscription.objects.select_related("plan").get(pk=subscription.pk)


class TestSubscribing:
    def test_it_begins_at_once_where_nobody_has_to_approve(
        self, alice: User, orchestra: Organization, make_plan: MakePlan, at_once: None, clock: Any, web_role: None
    ) -> None:
        begun = subscriptions.subscribe(actor=alice, organization=orchestra, plan=make_plan())
        assert (begun.status, begun.started_at) == ("active", START)
        assert begun.current_period_end == datetime(2031, 2, 28, 12, tzinfo=UTC)
        assert tier_of(orchestra) == "pro"
        assert balances(orchestra) == {"receivable": 3000, "revenue": -3000}
        with acting_as(alice.pk):
            assert queries.entitlements_of(orchestra.pk).seats == 50

    def test_it_waits_for_staff_where_money_is_asked_for(
        self, alice: User, support: User, orchestra: Organization, make_plan: MakePlan, clock: Any
    ) -> None:
        begun = subscriptions.subscribe(actor=alice, organization=orchestra, plan=make_plan())
        before = tier_of(orchestra)
        assert begun.status == "incomplete"
        assert before != "pro"
        assert balances(orchestra) == {}
        with staff():
            staffing.approve(actor=support, subscription=begun)
        assert (fresh(begun).status, tier_of(orchestra)) == ("active", "pro")

    def test_what_costs_nothing_needs_no_approval(
        self, alice: User, orchestra: Organization, make_plan: MakePlan
    ) -> None:
        plan = make_plan("Free", "0", "free")
        begun = subscriptions.subscribe(actor=alice, organization=orchestra, plan=plan)
        assert begun.status == "active"
        assert tier_of(orchestra) == "free"
        with acting_as(alice.pk):
            assert list(queries.invoices(actor=alice, organization=orchestra)) == []
            assert queries.entitlements_of(orchestra.pk).seats == 3

    def test_there_is_one_at_a_time(
        self, alice: User, orchestra: Organization, make_plan: MakePlan, at_once: None
    ) -> None:
        pro, basic = make_plan(), make_plan("Basic", "10", "basic")
        subscriptions.subscribe(actor=alice, organization=orchestra, plan=pro)
        with pytest.raises(SubscriptionExists):
            subscriptions.subscribe(actor=alice, organization=orchestra, plan=basic)

    def test_a_second_choice_takes_the_place_of_one_that_waits(
        self, alice: User, orchestra: Organization, make_plan: MakePlan
    ) -> None:
        first = subscriptions.subscribe(actor=alice, organization=orchestra, plan=make_plan())
        again = subscriptions.subscribe(actor=alice, organization=orchestra, plan=first.plan)
        other = subscriptions.subscribe(actor=alice, organization=orchestra, plan=make_plan("Basic", "10", "basic"))
        assert again.pk == first.pk
        assert (fresh(first).status, other.status) == ("cancelled", "incomplete")

    def test_only_admins_do(
        self, viewer: User, carol: User, orchestra: Organization, make_plan: MakePlan, at_once: None, web_role: None
    ) -> None:
        plan = make_plan()
        for verb in (
            lambda who: subscriptions.subscribe(actor=who, organization=orchestra, plan=plan),
            lambda who: subscriptions.change_plan(actor=who, organization=orchestra, plan=plan),
            lambda who: subscriptions.cancel(actor=who, organization=orchestra),
            lambda who: subscriptions.resume(actor=who, organization=orchestra),
            lambda who: subscriptions.portal_url(actor=who, organization=orchestra),
        ):
            with pytest.raises(Forbidden):
                verb(viewer)
            with pytest.raises(NotFound):
                verb(carol)

    def test_it_leaves_a_trace(self, alice: User, orchestra: Organization, make_plan: MakePlan, at_once: None) -> None:
        told: list[str] = []

        def listen(action: str, **_: Any) -> None:
            told.append(action)

        traced.connect(listen)
        subscriptions.subscribe(actor=alice, organization=orchestra, plan=make_plan())
        subscriptions.cancel(actor=alice, organization=orchestra)
        traced.disconnect(listen)
        assert told == ["subscription.begun", "invoice.issued", "subscription.cancelled"]


class TestChanging:
    @pytest.fixture
    def basic(
        self, alice: User, orchestra: Organization, make_plan: MakePlan, at_once: None, clock: Any
    ) -> Subscription:
        plan = make_plan("Basic", "28", "basic")
        return subscriptions.subscribe(actor=alice, organization=orchestra, plan=plan)

    def test_an_upgrade_charges_the_rest_of_the_period(
        self, alice: User, orchestra: Organization, make_plan: MakePlan, basic: Subscription, clock: Any
    ) -> None:
        clock.shift(timedelta(days=14))
        changed = subscriptions.change_plan(actor=alice, organization=orchestra, plan=make_plan(price="84"))
        assert (changed.plan.name, tier_of(orchestra)) == ("Pro", "pro")
        assert changed.current_period_end == basic.current_period_end
        with acting_as(alice.pk):
            newest = queries.invoices(actor=alice, organization=orchestra).latest("issued_at")
        assert [line["amount"] for line in newest.lines] == [-1400, 4200]
        assert (newest.total, newest.status) == (2800, "open")

    def test_up_and_down_at_once_costs_nothing(
        self, alice: User, orchestra: Organization, make_plan: MakePlan, basic: Subscription, clock: Any
    ) -> None:
        clock.shift(timedelta(days=9, hours=3, seconds=7))
        before = balances(orchestra)
        subscriptions.change_plan(actor=alice, organization=orchestra, plan=make_plan(price="99.99"))
        subscriptions.change_plan(actor=alice, organization=orchestra, plan=basic.plan)
        after = balances(orchestra)
        assert after["revenue"] == before["revenue"]
        assert after["receivable"] + after.get("credit", 0) == before["receivable"]

    def test_a_downgrade_becomes_credit_that_pays_the_next_period(
        self, alice: User, support: User, orchestra: Organization, make_plan: MakePlan, basic: Subscription, clock: Any
    ) -> None:
        clock.shift(timedelta(days=7))
        with staff():
            staffing.record_payment(actor=support, subscription=basic)
        subscriptions.change_plan(actor=alice, organization=orchestra, plan=make_plan("Free", "0", "free"))
        assert balances(orchestra)["credit"] == -2100
        subscriptions.change_plan(actor=alice, organization=orchestra, plan=basic.plan)
        assert balances(orchestra).get("credit", 0) == 0

    @pytest.mark.parametrize("leave", ["cancel", "expire"])
    def test_what_was_never_paid_becomes_no_money(
        self, alice: User, orchestra: Organization, make_plan: MakePlan, at_once: None, clock: Any, leave: str
    ) -> None:
        """A large plan, left at once and unpaid, leaves credit in the books that pays nothing."""
        subscriptions.subscribe(actor=alice, organization=orchestra, plan=make_plan("Large", "1000", "enterprise"))
        small = make_plan("Small", "10", "basic")
        subscriptions.change_plan(actor=alice, organization=orchestra, plan=small)
        if leave == "cancel":
            subscriptions.cancel(actor=alice, organization=orchestra, at_period_end=False)
        else:
            expire_due(now=START + timedelta(days=60))
        subscriptions.subscribe(actor=alice, organization=orchestra, plan=small)
        with acting_as(alice.pk):
            newest = queries.invoices(actor=alice, organization=orchestra).latest("id")
        assert (newest.status, newest.credit_applied, newest.amount_due) == ("open", 0, 1000)

    def test_another_rhythm_begins_another_period(
        self, alice: User, orchestra: Organization, make_plan: MakePlan, basic: Subscription, clock: Any
    ) -> None:
        clock.shift(timedelta(days=7))
        yearly = make_plan("Basic", "280", "basic", billing_period="yearly")
        changed = subscriptions.change_plan(actor=alice, organization=orchestra, plan=yearly)
        assert changed.current_period_start == START + timedelta(days=7)
        assert changed.current_period_end == datetime(2032, 2, 7, 12, tzinfo=UTC)

    def test_not_while_a_payment_is_missing_nor_into_another_currency(
        self, alice: User, orchestra: Organization, make_plan: MakePlan, basic: Subscription, clock: Any
    ) -> None:
        with pytest.raises(NotWhileLikeThis, match="currency"):
            subscriptions.change_plan(actor=alice, organization=orchestra, plan=make_plan("Euro", currency="eur"))
        expire_due(now=START + timedelta(days=15))
        with pytest.raises(NotWhileLikeThis, match="unpaid"):
            subscriptions.change_plan(actor=alice, organization=orchestra, plan=make_plan())

    def test_a_cancellation_can_be_taken_back(self, alice: User, orchestra: Organization, basic: Subscription) -> None:
        ending = subscriptions.cancel(actor=alice, organization=orchestra)
        assert (ending.status, ending.ends_at) == ("active", basic.current_period_end)
        assert subscriptions.resume(actor=alice, organization=orchestra).ends_at is None

    def test_now_is_now(self, alice: User, orchestra: Organization, basic: Subscription, settings: Settings) -> None:
        settings.SYMPHONY_DEFAULT_TIER = "free"
        ended = subscriptions.cancel(actor=alice, organization=orchestra, at_period_end=False)
        assert (ended.status, ended.ended_at, tier_of(orchestra)) == ("cancelled", START, "free")
        with pytest.raises(NotWhileLikeThis):
            subscriptions.cancel(actor=alice, organization=orchestra)


class TestStaff:
    def test_a_payment_settles_the_oldest_invoice(
        self, alice: User, support: User, orchestra: Organization, make_plan: MakePlan, clock: Any
    ) -> None:
        begun = subscriptions.subscribe(actor=alice, organization=orchestra, plan=make_plan())
        with staff():
            first = staffing.record_payment(actor=support, subscription=begun, amount=Decimal("10.50"))
            rest = staffing.record_payment(actor=support, subscription=begun, reference="bank 4711")
            invoice = Invoice.objects.get(subscription=begun)
        assert (first.amount, rest.amount, invoice.status, invoice.paid_at) == (1050, 1950, "paid", START)
        assert balances(orchestra) == {"cash": 3000, "revenue": -3000}

    def test_the_next_period_can_be_paid_ahead_and_no_further(
        self, alice: User, support: User, orchestra: Organization, make_plan: MakePlan, at_once: None, clock: Any
    ) -> None:
        begun = subscriptions.subscribe(actor=alice, organization=orchestra, plan=make_plan())
        with staff():
            for _ in range(2):
                staffing.record_payment(actor=support, subscription=begun)
            with pytest.raises(NotWhileLikeThis, match="no invoice"):
                staffing.record_payment(actor=support, subscription=begun)
        assert fresh(begun).current_period_end == datetime(2031, 3, 31, 12, tzinfo=UTC)

    @pytest.mark.parametrize("amount", ["0", "-1", "30.01", "0.001", "NaN"])
    def test_an_amount_that_cannot_be_is_refused(
        self, alice: User, support: User, orchestra: Organization, make_plan: MakePlan, at_once: None, amount: str
    ) -> None:
        begun = subscriptions.subscribe(actor=alice, organization=orchestra, plan=make_plan())
        with staff(), pytest.raises(Exception, match=r"amount|left to pay|digits"):
            staffing.record_payment(actor=support, subscription=begun, amount=Decimal(amount))
        assert balances(orchestra)["receivable"] == 3000

    def test_nobody_else_does(self, alice: User, orchestra: Organization, make_plan: MakePlan) -> None:
        begun = subscriptions.subscribe(actor=alice, organization=orchestra, plan=make_plan())
        for verb in (staffing.approve, staffing.record_payment, staffing.end_now):
            with acting_as(alice.pk), pytest.raises(Forbidden):
                verb(actor=alice, subscription=begun)


class TestTheDatabase:
    @pytest.mark.parametrize("amounts", [(5, -4), (5,), ()])
    def test_books_that_do_not_balance_are_not_written(
        self, alice: User, orchestra: Organization, make_plan: MakePlan, at_once: None, amounts: tuple[int, ...]
    ) -> None:
        subscriptions.subscribe(actor=alice, organization=orchestra, plan=make_plan())

        @transaction.atomic
        def book() -> None:
            entry = LedgerEntry.objects.create(organization=orchestra, reference="made up", description="made up")
            LedgerPosting.objects.bulk_create(
                LedgerPosting(organization=orchestra, entry=entry, account=account, amount=amount)
                for account, amount in zip(LedgerAccount.objects.all(), amounts, strict=False)
            )
            connection.check_constraints()

        with staff(), pytest.raises(IntegrityError, match="does not balance"):
            book()

    def test_what_is_booked_stays(
        self, alice: User, orchestra: Organization, make_plan: MakePlan, at_once: None
    ) -> None:
        subscriptions.subscribe(actor=alice, organization=orchestra, plan=make_plan())
        connection.check_constraints()

        @transaction.atomic
        def do(statement: str) -> None:
            with connection.cursor() as cursor:
                cursor.execute(statement)

        statements = ("UPDATE billing_ledgerposting SET amount = 1", "DELETE FROM billing_ledgerentry")
        for statement in statements:
            with database_role(roles.GROUPS["web"]), staff(), pytest.raises(ProgrammingError, match="denied"):
                do(statement)
        for table in ("posting", "entry"):
            # As somebody whom no policy holds back.
            do(f"ALTER TABLE billing_ledger{table} NO FORCE ROW LEVEL SECURITY")
        for statement in statements:
            with pytest.raises(IntegrityError, match="neither changed nor deleted"):
                do(statement)

    def test_the_tier_follows_the_plan_whoever_writes_it(
        self, alice: User, orchestra: Organization, make_plan: MakePlan, at_once: None
    ) -> None:
        subscriptions.subscribe(actor=alice, organization=orchestra, plan=make_plan())
        with staff():
            Organization.objects.filter(pk=orchestra.pk).update(subscription_tier="free")
        assert tier_of(orchestra) == "pro"

    def test_a_second_live_one_is_refused(
        self, alice: User, orchestra: Organization, make_plan: MakePlan, at_once: None
    ) -> None:
        begun = subscriptions.subscribe(actor=alice, organization=orchestra, plan=make_plan())
        begun.pk = uuid7()
        with staff(), pytest.raises(IntegrityError, match="subscription_one_live"), transaction.atomic():
            begun.save(force_insert=True)

    def test_what_a_plan_was_bought_as_it_stays(self, make_plan: MakePlan) -> None:
        plan = make_plan()
        for change in ({"tier": "free"}, {"billing_period": "yearly"}, {"currency": "eur"}):
            with pytest.raises(IntegrityError, match="make another plan"), transaction.atomic():
                Plan.objects.filter(pk=plan.pk).update(**change)
        assert Plan.objects.filter(pk=plan.pk).update(price=31) == 1

    def test_card_data_has_no_place(
        self, alice: User, orchestra: Organization, make_plan: MakePlan, at_once: None
    ) -> None:
        begun = subscriptions.subscribe(actor=alice, organization=orchestra, plan=make_plan())
        with staff(), pytest.raises(IntegrityError, match="no_card_data"), transaction.atomic():
            Subscription.objects.filter(pk=begun.pk).update(payment_info={"number": "4242424242424242"})

    def test_references_stay_in_their_organization(
        self,
        alice: User,
        orchestra: Organization,
        home_of: Callable[[User], Organization],
        make_plan: MakePlan,
        at_once: None,
    ) -> None:
        subscriptions.subscribe(actor=alice, organization=orchestra, plan=make_plan())

        @transaction.atomic
        def move() -> None:
            Invoice.objects.update(organization=home_of(alice))
            connection.check_constraints()

        with staff(), pytest.raises(IntegrityError, match="_own"):
            move()


class TestTime:
    @pytest.fixture
    def begun(
        self, alice: User, orchestra: Organization, make_plan: MakePlan, at_once: None, clock: Any
    ) -> Subscription:
        return subscriptions.subscribe(actor=alice, organization=orchestra, plan=make_plan())

    def test_periods_follow_each_other_as_long_as_they_are_paid(
        self, support: User, begun: Subscription, orchestra: Organization, worker_role: None
    ) -> None:
        assert expire_due(now=START + timedelta(days=1)) == 0
        assert expire_due(now=datetime(2031, 2, 28, 12, tzinfo=UTC)) == 1
        assert expire_due(now=datetime(2031, 2, 28, 12, tzinfo=UTC)) == 0

    def test_an_unpaid_one_is_past_due_and_then_expires(
        self, begun: Subscription, orchestra: Organization, settings: Settings
    ) -> None:
        settings.SYMPHONY_DEFAULT_TIER = "free"
        assert expire_due(now=START + timedelta(days=14)) == 1
        assert (fresh(begun).status, tier_of(orchestra)) == ("past_due", "pro")
        assert expire_due(now=START + timedelta(days=27)) == 0
        assert expire_due(now=START + timedelta(days=28)) == 1
        over = fresh(begun)
        assert (over.status, over.ended_at, tier_of(orchestra)) == ("expired", START + timedelta(days=28), "free")
        assert balances(orchestra) == {}

    def test_a_payment_in_time_makes_it_active_again(
        self, begun: Subscription, support: User, orchestra: Organization, clock: Any
    ) -> None:
        expire_due(now=START + timedelta(days=14))
        with staff():
            staffing.record_payment(actor=support, subscription=begun)
        assert fresh(begun).status == "active"

    def test_a_cancelled_one_ends_with_its_period(
        self, alice: User, begun: Subscription, orchestra: Organization, support: User
    ) -> None:
        with staff():
            staffing.record_payment(actor=support, subscription=begun)
        subscriptions.cancel(actor=alice, organization=orchestra)
        assert expire_due(now=datetime(2031, 3, 5, tzinfo=UTC)) == 1
        over = fresh(begun)
        assert (over.status, over.ended_at) == ("cancelled", datetime(2031, 2, 28, 12, tzinfo=UTC))

    def test_credit_is_used_up_before_money_is_asked_for(
        self, alice: User, begun: Subscription, orchestra: Organization, make_plan: MakePlan, support: User
    ) -> None:
        with staff():
            staffing.record_payment(actor=support, subscription=begun)
        cheap = make_plan("Basic", "10", "basic")
        subscriptions.change_plan(actor=alice, organization=orchestra, plan=cheap)
        assert balances(orchestra)["credit"] == -2000
        for month in (3, 4, 5):
            expire_due(now=datetime(2031, month, 1, tzinfo=UTC))
        with acting_as(alice.pk):
            found = list(queries.invoices(actor=alice, organization=orchestra))
        assert [(each.status, each.credit_applied, each.amount_due) for each in found][:3] == [
            ("open", 0, 1000), ("paid", 1000, 0), ("paid", 1000, 0),
        ]  # fmt: skip
        with acting_as(alice.pk):
            assert queries.balance(organization_id=orchestra.pk, kind=AccountKind.CREDIT, currency="usd") == 0
