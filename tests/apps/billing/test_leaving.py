"""People who ask for their data or go, and organizations that close."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from apps.accounts.events import organization_deactivated, person_erasing, personal_data_requested
from apps.accounts.models import Organization, User
from apps.billing.models import Payment, Plan, Subscription
from apps.billing.receivers import forget, tell_subscriptions
from apps.billing.services import staffing, subscriptions
from apps.core.tenancy import acting_as, staff

MakePlan = Callable[..., Plan]


@pytest.fixture
def home(alice: User, home_of: Callable[[User], Organization], make_plan: MakePlan, at_once: None) -> Organization:
    """Alice's own organization, with a plan."""
    subscriptions.subscribe(actor=alice, organization=home_of(alice), plan=make_plan())
    return home_of(alice)


def test_what_somebody_subscribed_to_is_in_their_export(
    alice: User, bob: User, home: Organization, web_role: None
) -> None:
    def export(user: User) -> object:
        with acting_as(user.pk):
            return dict(personal_data_requested.send(sender=None, user=user))[tell_subscriptions]

    name, (told,) = export(alice)  # type: ignore[misc]
    assert (name, told["plan"], told["status"]) == ("subscriptions", "Pro (monthly)", "active")
    assert export(bob) == ("subscriptions", [])


def test_who_goes_is_charged_no_more_and_named_no_more(
    alice: User, support: User, home: Organization, web_role: None
) -> None:
    with staff():
        staffing.record_payment(actor=support, subscription=Subscription.objects.get())
        Payment.objects.update(recorded_by=alice)
    with acting_as(alice.pk):
        sentence = dict(person_erasing.send(sender=None, user=alice, personal_organization=home))[forget]
    with staff():
        subscription, payment = Subscription.objects.get(), Payment.objects.get()
    assert (subscription.status, subscription.created_by, payment.recorded_by) == ("cancelled", None, None)
    assert isinstance(sentence, str)
    assert "Invoices" in sentence


def test_who_never_paid_leaves_nothing(alice: User, bob: User, home_of: Callable[[User], Organization]) -> None:
    with acting_as(bob.pk):
        answers = dict(person_erasing.send(sender=None, user=bob, personal_organization=home_of(bob)))
    assert answers[forget] is None


def test_an_organization_that_closes_ends_what_it_has(
    alice: User, orchestra: Organization, make_plan: MakePlan, web_role: None
) -> None:
    begun = subscriptions.subscribe(actor=alice, organization=orchestra, plan=make_plan())
    with acting_as(alice.pk):
        organization_deactivated.send(sender=None, organization=orchestra)
    with staff():
        assert Subscription.objects.get(pk=begun.pk).status == "cancelled"
