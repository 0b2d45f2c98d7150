from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.accounts.models import SubscriptionTier
from apps.billing import money
from apps.billing.entitlements import Quota
from apps.billing.models import (
    AccountKind,
    BillingPeriod,
    Invoice,
    InvoiceStatus,
    LedgerEntry,
    Plan,
    Subscription,
    SubscriptionStatus,
)

_AMOUNT: Any = {"type": "string", "pattern": r"^-?\d+(\.\d+)?$", "example": "12.50"}


def _written(minor: int, currency: str) -> str:
    return f"{money.to_decimal(minor, currency):f}"


class PlanSerializer(serializers.ModelSerializer[Plan]):
    tier = serializers.ChoiceField(choices=SubscriptionTier.choices, read_only=True)
    price = serializers.SerializerMethodField()
    billing_period = serializers.ChoiceField(choices=BillingPeriod.choices, read_only=True)
    limits = serializers.SerializerMethodField(help_text="By the name of the quota; null is no limit.")
    features = serializers.JSONField(read_only=True, help_text="What the plan says of itself, its own limits included.")

    class Meta:
        model = Plan
        fields = (
            *("id", "name", "description", "tier", "price", "currency", "billing_period", "limits", "features"),
            *("active", "position"),
        )
        read_only_fields = fields

    @extend_schema_field(_AMOUNT)
    def get_price(self, plan: Plan) -> str:
        return _written(plan.price_minor, plan.currency)

    @extend_schema_field({"type": "object", "additionalProperties": {"type": ["integer", "null"]}})
    def get_limits(self, plan: Plan) -> dict[str, int | None]:
        return plan.entitlements.as_limits()


class SubscriptionSerializer(serializers.ModelSerializer[Subscription]):
    """`context["administers"]`: whether the reader sees what only admins see."""

    plan = PlanSerializer(read_only=True)
    status = serializers.ChoiceField(choices=SubscriptionStatus.choices, read_only=True)
    start_date = serializers.DateTimeField(source="started_at", read_only=True, allow_null=True)
    end_date = serializers.DateTimeField(
        source="ends_at", read_only=True, allow_null=True, help_text="When it ended, or will end as things stand."
    )
    payment_info = serializers.SerializerMethodField(help_text="What pays, as far as it is known; for admins.")
    checkout_url = serializers.SerializerMethodField(help_text="Where to pay to begin; empty for all but admins.")

    class Meta:
        model = Subscription
        fields = (
            *("id", "plan", "status", "start_date", "end_date", "current_period_start", "current_period_end"),
            *("cancel_at_period_end", "cancelled_at", "provider", "payment_info", "checkout_url", "created_at"),
        )
        read_only_fields = fields

    @extend_schema_field({"type": "object", "additionalProperties": True})
    def get_payment_info(self, subscription: Subscription) -> dict[str, Any]:
        return dict(subscription.payment_info) if self.context.get("administers") else {}

    @extend_schema_field({"type": "string"})
    def get_checkout_url(self, subscription: Subscription) -> str:
        waits = subscription.status == SubscriptionStatus.INCOMPLETE and self.context.get("administers")
        return str(subscription.checkout_url) if waits else ""


class PlanChoice(serializers.Serializer[Plan]):
    plan = serializers.UUIDField(help_text="The id of a plan from the price list.")


class SubscriptionCancelInput(serializers.Serializer[Subscription]):
    at_period_end = serializers.BooleanField(
        default=True, help_text="At the end of what is paid, rather than now. Nothing is paid back."
    )


class ChangePreviewSerializer(serializers.Serializer[Any]):
    credit = serializers.SerializerMethodField(help_text="For unused time of the present plan.")
    charge = serializers.SerializerMethodField(help_text="For the new plan, to the end of the period.")
    net = serializers.SerializerMethodField(help_text="Below zero: goes to the organization's credit.")
    currency = serializers.CharField(read_only=True)
    period_end = serializers.DateTimeField(source="proration.period.end", read_only=True)

    @extend_schema_field(_AMOUNT)
    def get_credit(self, preview: Any) -> str:
        return _written(preview.proration.credit, preview.currency)

    @extend_schema_field(_AMOUNT)
    def get_charge(self, preview: Any) -> str:
        return _written(preview.proration.charge, preview.currency)

    @extend_schema_field(_AMOUNT)
    def get_net(self, preview: Any) -> str:
        return _written(preview.proration.net, preview.currency)


class PortalSerializer(serializers.Serializer[Any]):
    url = serializers.URLField(read_only=True)


class QuotaUseSerializer(serializers.Serializer[Any]):
    quota = serializers.ChoiceField(choices=[quota.value for quota in Quota], read_only=True)
    limit = serializers.IntegerField(read_only=True, allow_null=True, help_text="null: as much as you like.")
    used = serializers.IntegerField(
        read_only=True, allow_null=True, help_text="null: a length of time or a rate, of which nothing is used up."
    )
    remaining = serializers.IntegerField(read_only=True, allow_null=True)


class UsageSerializer(serializers.Serializer[Any]):
    tier = serializers.ChoiceField(choices=SubscriptionTier.choices, read_only=True)
    quotas = QuotaUseSerializer(many=True, read_only=True)


class InvoiceLineSerializer(serializers.Serializer[Any]):
    description = serializers.CharField(read_only=True)
    amount = serializers.SerializerMethodField()

    @extend_schema_field(_AMOUNT)
    def get_amount(self, line: dict[str, Any]) -> str:
        return _written(int(line["amount"]), str(line["currency"]))


class InvoiceSerializer(serializers.ModelSerializer[Invoice]):
    status = serializers.ChoiceField(choices=InvoiceStatus.choices, read_only=True)
    total = serializers.SerializerMethodField()
    credit_applied = serializers.SerializerMethodField(help_text="Paid by credit; below zero: credit that was gained.")
    amount_due = serializers.SerializerMethodField()
    amount_paid = serializers.SerializerMethodField()
    lines = serializers.SerializerMethodField()
    subscription = serializers.UUIDField(source="subscription_id", read_only=True, allow_null=True)

    class Meta:
        model = Invoice
        fields = (
            *("id", "number", "status", "currency", "total", "credit_applied", "amount_due", "amount_paid", "lines"),
            *("period_start", "period_end", "due_at", "issued_at", "paid_at", "hosted_url", "subscription", "provider"),
        )
        read_only_fields = fields

    @extend_schema_field(_AMOUNT)
    def get_total(self, invoice: Invoice) -> str:
        return _written(invoice.total, invoice.currency)

    @extend_schema_field(_AMOUNT)
    def get_credit_applied(self, invoice: Invoice) -> str:
        return _written(invoice.credit_applied, invoice.currency)

    @extend_schema_field(_AMOUNT)
    def get_amount_due(self, invoice: Invoice) -> str:
        return _written(invoice.amount_due, invoice.currency)

    @extend_schema_field(_AMOUNT)
    def get_amount_paid(self, invoice: Invoice) -> str:
        return _written(invoice.amount_paid, invoice.currency)

    @extend_schema_field(InvoiceLineSerializer(many=True))
    def get_lines(self, invoice: Invoice) -> list[dict[str, Any]]:
        lines = [{**line, "currency": invoice.currency} for line in invoice.lines]
        return list(InvoiceLineSerializer(lines, many=True).data)


class PostingSerializer(serializers.Serializer[Any]):
    account = serializers.ChoiceField(choices=AccountKind.choices, source="account.kind", read_only=True)
    currency = serializers.CharField(source="account.currency", read_only=True)
    amount = serializers.SerializerMethodField(help_text="Debit above zero, credit below; an entry sums to zero.")

    @extend_schema_field(_AMOUNT)
    def get_amount(self, posting: Any) -> str:
        return _written(posting.amount, posting.account.currency)


class LedgerEntrySerializer(serializers.ModelSerializer[LedgerEntry]):
    postings = PostingSerializer(many=True, read_only=True)
    invoice = serializers.UUIDField(source="invoice_id", read_only=True, allow_null=True)

    class Meta:
        model = LedgerEntry
        fields = ("id", "reference", "description", "invoice", "postings", "created_at")
        read_only_fields = fields
