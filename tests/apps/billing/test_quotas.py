"""Quotas hold, however many ask at once, and a fresh server has none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction
from pytest_django import Settings

from apps.accounts import services as accounts
from apps.accounts.events import invitation_adding, membership_adding
from apps.accounts.models import Membership, Organization, User
from apps.billing import measures as registry
from apps.billing import queries
from apps.billing.entitlements import Quota
from apps.billing.errors import QuotaExceeded
from apps.billing.models import Plan
from apps.billing.services import subscriptions
from apps.billing.services.quotas import require_room
from apps.core.errors import NotFound
from apps.core.tenancy import acting_as, staff, sweeping, working_for

MakePlan = Callable[..., Plan]


@pytest.fixture
def small(alice: User, orchestra: Organization, make_plan: MakePlan, at_once: None, settings: Settings) -> Organization:
    """An orchestra with room for two."""
    settings.SYMPHONY_DEFAULT_TIER = "free"
    plan = make_plan("Duo", "0", "basic", features={"seats": 2, "max_projects": None, "retention_days": 7})
    subscriptions.subscribe(actor=alice, organization=orchestra, plan=plan)
    return orchestra


class TestRoom:
    def test_as_much_as_fits(self, alice: User, small: Organization) -> None:
        with acting_as(alice.pk):
            require_room(organization_id=small.pk, quota=Quota.AGENTS, adding=2, used=lambda: 3)
            with pytest.raises(QuotaExceeded) as refused:
                require_room(organization_id=small.pk, quota=Quota.AGENTS, adding=3, used=lambda: 3)
        assert refused.value.extra == {"quota": "max_agents", "limit": 5, "used": 3, "adding": 3}
        assert refused.value.status == 402

    def test_without_a_limit_nothing_is_counted(self, alice: User, small: Organization) -> None:
        def never() -> int:
            raise AssertionError

        with acting_as(alice.pk):
            require_room(organization_id=small.pk, quota=Quota.PROJECTS, adding=10**6, used=never)

    def test_what_nobody_counts_is_told(
        self, alice: User, small: Organization, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delitem(registry._MEASURES, Quota.AGENTS, raising=False)
        with acting_as(alice.pk), pytest.raises(LookupError, match="max_agents"):
            require_room(organization_id=small.pk, quota=Quota.AGENTS)

    @pytest.mark.django_db(transaction=True)
    def test_it_is_for_a_transaction(self, settings: Settings) -> None:
        settings.SYMPHONY_DEFAULT_TIER = "free"
        alice = accounts.create_user(email="alice@example.org", password=None)
        with staff():
            home = Organization.objects.get(owner_user=alice)
            Organization.objects.update(subscription_tier="free")
        with pytest.raises(NotFound):
            require_room(organization_id=home.pk, quota=Quota.SEATS)
        with working_for(home.pk), pytest.raises(QuotaExceeded):
            require_room(organization_id=home.pk, quota=Quota.SEATS, adding=4)


class TestEntitlements:
    def test_a_fresh_server_limits_nothing_but_the_pace(
        self, alice: User, home_of: Callable[[User], Organization], web_role: None
    ) -> None:
        with acting_as(alice.pk):
            limits = queries.entitlements_of(home_of(alice).pk).as_limits()
        assert {quota for quota, limit in limits.items() if limit is not None} == {"requests_per_minute"}

    def test_without_a_subscription_the_higher_of_own_and_default_counts(
        self, alice: User, orchestra: Organization, settings: Settings
    ) -> None:
        for own, default, counts in (("free", "basic", "basic"), ("pro", "basic", "pro"), ("free", "free", "free")):
            settings.SYMPHONY_DEFAULT_TIER = default
            with staff():
                Organization.objects.filter(pk=orchestra.pk).update(subscription_tier=own)
                assert queries.entitlements_of(orchestra.pk).tier == counts

    def test_a_plan_counts_even_if_it_is_less_than_the_default(
        self, alice: User, small: Organization, settings: Settings, worker_role: None
    ) -> None:
        settings.SYMPHONY_DEFAULT_TIER = "enterprise"
        with working_for(small.pk):
            entitled = queries.entitlements_of(small.pk)
        assert (entitled.tier, entitled.seats, entitled.max_projects) == ("basic", 2, None)

    def test_the_sweep_learns_what_is_kept_how_long(
        self, small: Organization, bob: User, settings: Settings, worker_role: None
    ) -> None:
        settings.SYMPHONY_DEFAULT_TIER = "enterprise"
        with sweeping():
            assert queries.retention_by_organization() == {small.pk: 7}

    def test_one_question(
        self, alice: User, small: Organization, django_assert_num_queries: Callable[..., object]
    ) -> None:
        with acting_as(alice.pk), django_assert_num_queries(1):
            queries.entitlements_of(small.pk)


class TestSeats:
    def test_members_and_invitations_take_seats(self, alice: User, bob: User, small: Organization) -> None:
        with acting_as(alice.pk):
            membership_adding.send(sender=None, organization=small, user=bob, role="member")
            invitation_adding.send(sender=None, organization=small, email="c@example.org")
        with staff():
            Membership.objects.create(organization=small, user=bob)
        with acting_as(alice.pk):
            with pytest.raises(QuotaExceeded):
                membership_adding.send(sender=None, organization=small, user=alice, role="member")
            with pytest.raises(QuotaExceeded):
                invitation_adding.send(sender=None, organization=small, email="c@example.org")


@contextmanager
def own_connection() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE symphony_web")
    try:
        yield
    finally:
        connection.close()


@pytest.mark.django_db(transaction=True)
class TestAtOnce:
    def test_no_quota_is_overshot(self, settings: Settings) -> None:
        """Twelve threads want one of five places each, and count what is there before they take it."""
        settings.SYMPHONY_DEFAULT_TIER = "free"
        alice = accounts.create_user(email="alice@example.org", password=None)
        plan = Plan.objects.create(name="Five", tier="free", price=0, features={"max_projects": 5})
        orchestra = accounts.create_organization(actor=alice, name="Orchestra")
        subscriptions.subscribe(actor=alice, organization=orchestra, plan=plan)
        with connection.cursor() as cursor:
            cursor.execute("CREATE TABLE quota_places (id uuid)")
            cursor.execute("GRANT SELECT, INSERT ON quota_places TO symphony_web")
        start = Barrier(12)

        def places() -> int:
            with connection.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM quota_places")
                return int(cursor.fetchone()[0])

        def take(place: UUID) -> bool:
            with own_connection():
                start.wait(30)
                try:
                    with transaction.atomic(), acting_as(alice.pk):
                        require_room(organization_id=orchestra.pk, quota=Quota.PROJECTS, used=places)
                        with connection.cursor() as cursor:
                            cursor.execute("INSERT INTO quota_places VALUES (%s)", [place])
                except QuotaExceeded:
                    return False
                return True

        try:
            with ThreadPoolExecutor(12) as pool:
                assert sum(pool.map(take, [uuid4() for _ in range(12)])) == 5
            assert places() == 5
        finally:
            with connection.cursor() as cursor:
                cursor.execute("DROP TABLE quota_places")
