from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q

from apps.accounts.models import SubscriptionTier
from apps.billing import money
from apps.billing.entitlements import Entitlements, entitlements_for, feature_errors
from apps.core.ids import uuid7


class BillingPeriod(models.TextChoices):
    MONTHLY = "monthly"
    YEARLY = "yearly"


def check_features(features: Any) -> None:
    messages = [message for _, message in feature_errors(features)]
    if messages:
        raise ValidationError(messages, code="invalid_features")


class Plan(models.Model):
    """What is on offer. Without row-level security: the price list is for everybody, and belongs to no organization.

    Tier, rhythm and currency stay what they are once a plan is there (a trigger sees to it): whoever subscribed has bought
    them. A new price holds from the next period on.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=100)
    description = models.TextField(max_length=2000, blank=True)
    tier = models.CharField(max_length=20, choices=SubscriptionTier.choices)
    price = models.DecimalField(
        max_digits=12, decimal_places=3, validators=[MinValueValidator(0), MaxValueValidator(100_000_000)]
    )
    currency = models.CharField(
        max_length=3, default="usd", validators=[RegexValidator("^[a-z]{3}$", "Three lower-case letters, such as usd.")]
    )
    billing_period = models.CharField(max_length=7, choices=BillingPeriod, default=BillingPeriod.MONTHLY)
    features = models.JSONField(
        default=dict,
        blank=True,
        validators=[check_features],
        help_text='Limits that differ from those of the tier, such as {"seats": 25, "max_projects": null} (null: no '
        "limit), and flags or texts for the price list.",
    )
    provider_price_ids = models.JSONField(
        default=dict, blank=True, help_text='What payment providers call it, such as {"stripe": "price_…"}.'
    )
    active = models.BooleanField(default=True, help_text="Whether it can be chosen. Subscriptions to it go on.")
    position = models.PositiveSmallIntegerField(default=0, help_text="Its place in the price list.")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("position", "price", "id")
        constraints = (
            models.UniqueConstraint(fields=("name", "billing_period"), name="plan_name_once_per_rhythm"),
            models.CheckConstraint(condition=Q(tier__in=SubscriptionTier.values), name="plan_tier"),
            models.CheckConstraint(condition=Q(price__gte=0), name="plan_price_not_negative"),
            models.CheckConstraint(condition=Q(currency__regex="^[a-z]{3}$"), name="plan_currency"),
            models.CheckConstraint(condition=Q(billing_period__in=BillingPeriod.values), name="plan_billing_period"),
        )

    def __str__(self) -> str:
        return f"{self.name} ({self.billing_period})"

    def clean(self) -> None:
        try:
            money.to_minor(self.price, self.currency)
        except (ValueError, TypeError) as error:
            raise ValidationError({"price": str(error)}) from None
        ids = self.provider_price_ids
        if not (isinstance(ids, dict) and all(isinstance(each, str) and len(each) <= 255 for each in ids.values())):
            raise ValidationError({"provider_price_ids": 'Names of providers with their ids: {"stripe": "price_…"}.'})

    @property
    def price_minor(self) -> int:
        """Its price in the smallest unit of its currency."""
        return money.to_minor(Decimal(self.price), self.currency)

    @property
    def entitlements(self) -> Entitlements:
        return entitlements_for(self.tier, self.features)
