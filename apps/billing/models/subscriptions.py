from __future__ import annotations

from typing import Any, Final

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from apps.accounts.models import Organization, SubscriptionTier
from apps.billing.models.plans import Plan
from apps.billing.periods import Period
from apps.core.ids import uuid7
from apps.core.names import name_of


class SubscriptionStatus(models.TextChoices):
    """`incomplete`: waits for approval or for its first payment. `past_due`: a payment is missing, all still works."""

    INCOMPLETE = "incomplete"
    ACTIVE = "active"
    PAST_DUE = "past_due"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


LIVE: Final = (SubscriptionStatus.ACTIVE, SubscriptionStatus.PAST_DUE)
"""Those that entitle to something."""
OVER: Final = (SubscriptionStatus.CANCELLED, SubscriptionStatus.EXPIRED)


class BillingCustomer(models.Model):
    """Who an organization is to a payment provider."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="billing_customers")
    provider = models.CharField(max_length=20)
    provider_customer_id = models.CharField(max_length=255)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("organization", "provider"), name="billing_customer_once_per_provider"),
            models.UniqueConstraint(fields=("provider", "provider_customer_id"), name="billing_customer_of_one"),
        )

    def __str__(self) -> str:
        return f"{self.provider} {self.provider_customer_id}"


class Subscription(models.Model):
    """A plan an organization has taken. Many in the course of time, one of them live.

    `anchor` is what its periods are counted from; `started_at` and `ended_at` are the seed's start and end. `ends_at` is when
    it will be over as things stand. `provider_seen_at` is the time of the newest word of the provider that was heard.
    `fallback_tier` is what the organization has once this is over.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="subscriptions")
    plan = models.ForeignKey(Plan, on_delete=models.PROTECT, related_name="subscriptions")
    status = models.CharField(max_length=10, choices=SubscriptionStatus, default=SubscriptionStatus.INCOMPLETE)
    started_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    anchor = models.DateTimeField(null=True, blank=True)
    current_period_start = models.DateTimeField(null=True, blank=True)
    current_period_end = models.DateTimeField(null=True, blank=True)
    cancel_at_period_end = models.BooleanField(default=False)
    cancelled_at = models.DateTimeField(null=True, blank=True)
    fallback_tier = models.CharField(max_length=20, choices=SubscriptionTier.choices, default=SubscriptionTier.FREE)
    payment_info = models.JSONField(
        default=dict, blank=True, help_text="Kind, brand, last four digits and expiry of what pays; never a number."
    )
    provider = models.CharField(max_length=20, default="manual")
    provider_subscription_id = models.CharField(max_length=255, blank=True)
    provider_seen_at = models.DateTimeField(null=True, blank=True)
    checkout_id = models.CharField(max_length=255, blank=True)
    checkout_url = models.TextField(max_length=2000, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("organization",), condition=Q(status__in=LIVE), name="subscription_one_live_per_organization"
            ),
            models.UniqueConstraint(
                fields=("organization",),
                condition=Q(status="incomplete"),
                name="subscription_one_begun_per_organization",
            ),
            models.UniqueConstraint(
                fields=("provider", "provider_subscription_id"),
                condition=~Q(provider_subscription_id=""),
                name="subscription_of_one_provider_id",
            ),
            models.UniqueConstraint(fields=("organization", "id"), name="subscription_of_organization"),
            models.CheckConstraint(condition=Q(status__in=SubscriptionStatus.values), name="subscription_status"),
            models.CheckConstraint(condition=Q(fallback_tier__in=SubscriptionTier.values), name="subscription_tier"),
            models.CheckConstraint(
                condition=Q(current_period_start=None, current_period_end=None)
                | Q(current_period_end__gt=F("current_period_start"), current_period_start__isnull=False),
                name="subscription_period",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=LIVE)
                | Q(
                    started_at__isnull=False,
                    anchor__isnull=False,
                    current_period_end__isnull=False,
                    ended_at__isnull=True,
                ),
                name="subscription_live_has_period",
            ),
            models.CheckConstraint(
                condition=Q(status__in=OVER, ended_at__isnull=False) | ~Q(status__in=OVER) & Q(ended_at=None),
                name="subscription_over_has_end",
            ),
            models.CheckConstraint(
                condition=~Q(payment_info__has_any_keys=["number", "cvc", "card", "token"]),
                name="subscription_no_card_data",
            ),
        )
        indexes = (
            models.Index(fields=("current_period_end",), condition=Q(status__in=LIVE), name="subscription_due"),
            models.Index(fields=("organization", "-id"), name="subscription_newest"),
        )

    def __str__(self) -> str:
        return f"{self.plan} of {name_of(self, 'organization')}: {self.status}"

    @property
    def is_live(self) -> bool:
        return self.status in LIVE

    @property
    def period(self) -> Period | None:
        if self.current_period_start is None or self.current_period_end is None:
            return None
        return Period(self.current_period_start, self.current_period_end)

    @property
    def ends_at(self) -> Any:
        return self.ended_at or (self.current_period_end if self.cancel_at_period_end else None)
