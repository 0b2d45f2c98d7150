from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import queries as accounts
from apps.accounts.api.authentication import actor_of
from apps.accounts.api.idempotency import IdempotentMixin
from apps.accounts.api.scopes import may, require_administer
from apps.accounts.models import Organization
from apps.accounts.permissions import Action
from apps.accounts.permissions import may as role_may
from apps.billing import previews, queries
from apps.billing.api.filters import InvoiceFilter, LedgerFilter, PlanFilter
from apps.billing.api.serializers import (
    ChangePreviewSerializer,
    InvoiceSerializer,
    LedgerEntrySerializer,
    PlanChoice,
    PlanSerializer,
    PortalSerializer,
    SubscriptionCancelInput,
    SubscriptionSerializer,
    UsageSerializer,
)
from apps.billing.models import Invoice, LedgerEntry, Plan, Subscription
from apps.billing.services import subscriptions
from apps.core.api.views import TenantAPIView
from apps.core.errors import Invalid, NotFound


class PlanListView(TenantAPIView, ListAPIView[Plan]):
    """The price list, also for those who have no account yet."""

    permission_classes = [AllowAny]
    serializer_class = PlanSerializer
    filterset_class = PlanFilter
    cursor_ordering = ("position", "price", "id")

    def get_queryset(self) -> QuerySet[Plan]:
        return queries.plans()

    @extend_schema(operation_id="plans_list", summary="Plans on offer", tags=["billing"], auth=[])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class PlanView(TenantAPIView, GenericAPIView[Plan]):
    permission_classes = [AllowAny]
    serializer_class = PlanSerializer
    queryset = Plan.objects.none()

    @extend_schema(operation_id="plans_get", summary="One plan", tags=["billing"], auth=[])
    def get(self, request: Request, plan_id: UUID) -> Response:
        return Response(self.get_serializer(queries.plan_for(plan_id=plan_id)).data)


class OfOrganization(TenantAPIView):
    def organization(self) -> Organization:
        return accounts.organization_for(actor=actor_of(self.request), reference=str(self.kwargs["organization_id"]))


class _SubscriptionView(OfOrganization, GenericAPIView[Subscription]):
    serializer_class = SubscriptionSerializer
    queryset = Subscription.objects.none()

    def shown(self, subscription: Subscription, organization: Organization) -> dict[str, Any]:
        role = accounts.role_of(user=actor_of(self.request), organization=organization)
        administers = role_may(role, Action.ADMINISTER) and may(self.request, Action.ADMINISTER)
        context = {**self.get_serializer_context(), "administers": administers}
        return dict(SubscriptionSerializer(subscription, context=context).data)

    def chosen(self) -> Plan:
        given = PlanChoice(data=self.request.data)
        given.is_valid(raise_exception=True)
        return queries.plan_for(plan_id=given.validated_data["plan"])


class SubscriptionView(IdempotentMixin, _SubscriptionView):
    @extend_schema(
        operation_id="subscription_get",
        summary="The organization's subscription",
        description="The live one; else one that was begun; else the last there was. 404 where there never was one.",
        tags=["billing"],
    )
    def get(self, request: Request, organization_id: UUID) -> Response:
        organization = self.organization()
        found = queries.subscription_for(actor=actor_of(request), organization=organization)
        return Response(self.shown(found, organization))

    @extend_schema(
        operation_id="subscription_create",
        summary="Subscribe to a plan",
        description="Live at once, or waiting: to be paid at its `checkout_url`, or for approval by the people who run "
        "this server. For admins.",
        tags=["billing"],
        request=PlanChoice,
        responses={201: SubscriptionSerializer},
    )
    def post(self, request: Request, organization_id: UUID) -> Response:
        organization = self.organization()
        require_administer(request)
        begun = subscriptions.subscribe(actor=actor_of(request), organization=organization, plan=self.chosen())
        return Response(self.shown(begun, organization), status=status.HTTP_201_CREATED)

    @extend_schema(
        operation_id="subscription_change",
        summary="Change the plan",
        description="At once, up or down: unused time is credited and the rest of the period charged. For admins.",
        tags=["billing"],
        request=PlanChoice,
    )
    def patch(self, request: Request, organization_id: UUID) -> Response:
        organization = self.organization()
        require_administer(request)
        changed = subscriptions.change_plan(actor=actor_of(request), organization=organization, plan=self.chosen())
        return Response(self.shown(changed, organization))


class SubscriptionPreviewView(OfOrganization, GenericAPIView[Any]):
    serializer_class = ChangePreviewSerializer
    pagination_class = None
    filter_backends = []

    @extend_schema(
        operation_id="subscription_preview",
        summary="What a change of plan would cost now",
        description="For admins. Where a payment provider collects, taxes and discounts of its own come on top.",
        tags=["billing"],
        parameters=[OpenApiParameter("plan", OpenApiTypes.UUID, required=True, description="The id of the new plan.")],
    )
    def get(self, request: Request, organization_id: UUID) -> Response:
        organization = self.organization()
        require_administer(request)
        try:
            plan_id = UUID(request.query_params.get("plan", ""))
        except ValueError:
            message = "plan is the id of a plan from the price list."
            raise Invalid(
                message, errors=[{"code": "invalid_parameter", "message": message, "pointer": "?plan"}]
            ) from None
        preview = previews.change_preview(
            actor=actor_of(request),
            organization=organization,
            plan=queries.plan_for(plan_id=plan_id),
            now=timezone.now(),
        )
        return Response(self.get_serializer(preview).data)


class SubscriptionCancelView(_SubscriptionView):
    @extend_schema(
        operation_id="subscription_cancel",
        summary="Cancel the subscription",
        description="At the end of the period, or now. One that was only begun is given up. For admins.",
        tags=["billing"],
        request=SubscriptionCancelInput,
        responses=SubscriptionSerializer,
    )
    def post(self, request: Request, organization_id: UUID) -> Response:
        organization = self.organization()
        require_administer(request)
        given = SubscriptionCancelInput(data=request.data)
        given.is_valid(raise_exception=True)
        ended = subscriptions.cancel(actor=actor_of(request), organization=organization, **given.validated_data)
        return Response(self.shown(ended, organization))


class SubscriptionResumeView(_SubscriptionView):
    @extend_schema(
        operation_id="subscription_resume",
        summary="Take a cancellation back",
        description="As long as the period has not ended. For admins.",
        tags=["billing"],
        request=None,
        responses=SubscriptionSerializer,
    )
    def post(self, request: Request, organization_id: UUID) -> Response:
        organization = self.organization()
        require_administer(request)
        resumed = subscriptions.resume(actor=actor_of(request), organization=organization)
        return Response(self.shown(resumed, organization))


class BillingPortalView(OfOrganization, GenericAPIView[Any]):
    serializer_class = PortalSerializer

    @extend_schema(
        operation_id="billing_portal_open",
        summary="Where to see to payment methods",
        description="A page of the payment provider, for one visit. For admins.",
        tags=["billing"],
        request=None,
        responses={201: PortalSerializer},
    )
    def post(self, request: Request, organization_id: UUID) -> Response:
        organization = self.organization()
        require_administer(request)
        url = subscriptions.portal_url(actor=actor_of(request), organization=organization)
        return Response({"url": url}, status=status.HTTP_201_CREATED, headers={"Cache-Control": "no-store"})


class UsageView(OfOrganization, GenericAPIView[Any]):
    serializer_class = UsageSerializer
    pagination_class = None
    filter_backends = []

    @extend_schema(operation_id="organizations_usage", summary="What is used of what the plan allows", tags=["billing"])
    def get(self, request: Request, organization_id: UUID) -> Response:
        organization = self.organization()
        entitled, quotas = queries.usage(actor=actor_of(request), organization=organization)
        return Response(self.get_serializer({"tier": entitled.tier, "quotas": quotas}).data)


class InvoiceListView(OfOrganization, ListAPIView[Invoice]):
    serializer_class = InvoiceSerializer
    filterset_class = InvoiceFilter
    queryset = Invoice.objects.none()
    cursor_ordering = ("-issued_at", "-id")

    def get_queryset(self) -> QuerySet[Invoice]:
        require_administer(self.request)
        return queries.invoices(actor=actor_of(self.request), organization=self.organization())

    @extend_schema(
        operation_id="invoices_list", summary="Invoices of an organization", description="For admins.", tags=["billing"]
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class InvoiceView(OfOrganization, GenericAPIView[Invoice]):
    serializer_class = InvoiceSerializer
    queryset = Invoice.objects.none()

    @extend_schema(operation_id="invoices_get", summary="One invoice", description="For admins.", tags=["billing"])
    def get(self, request: Request, organization_id: UUID, invoice_id: UUID) -> Response:
        organization = self.organization()
        require_administer(request)
        found = queries.invoices(actor=actor_of(request), organization=organization).filter(pk=invoice_id).first()
        if found is None:
            raise NotFound("There is no such invoice.")
        return Response(self.get_serializer(found).data)


class LedgerView(OfOrganization, ListAPIView[LedgerEntry]):
    serializer_class = LedgerEntrySerializer
    filterset_class = LedgerFilter
    queryset = LedgerEntry.objects.none()

    def get_queryset(self) -> QuerySet[LedgerEntry]:
        require_administer(self.request)
        return queries.ledger(actor=actor_of(self.request), organization=self.organization())

    @extend_schema(
        operation_id="ledger_list",
        summary="The books of an organization",
        description="Every entry moves money between accounts and sums to zero. For admins.",
        tags=["billing"],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)
