from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, get_args
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import queries as accounts
from apps.accounts.api.authentication import actor_of
from apps.accounts.api.idempotency import IdempotentMixin
from apps.accounts.api.scopes import require_administer
from apps.accounts.models import Organization
from apps.core.api.views import TenantAPIView
from apps.core.errors import Invalid
from apps.spending import queries, services
from apps.spending.api.serializers import BudgetInput, BudgetSerializer, SpendingSerializer
from apps.spending.models import Budget

_TIME = "A date or a moment in ISO 8601, in UTC unless it says otherwise."


class _OfOrganization(TenantAPIView):
    def organization(self) -> Organization:
        return accounts.organization_for(actor=actor_of(self.request), reference=str(self.kwargs["organization_id"]))


class SpendingView(_OfOrganization, GenericAPIView[Any]):
    serializer_class = SpendingSerializer
    pagination_class = None
    filter_backends = []

    @extend_schema(
        operation_id="organizations_spending",
        summary="What model calls have cost",
        tags=["spending"],
        parameters=[
            OpenApiParameter("from", OpenApiTypes.DATE, description=f"{_TIME} The start of this month if not given."),
            OpenApiParameter("to", OpenApiTypes.DATE, description=f"{_TIME} Excluded. Now if not given."),
            OpenApiParameter("group_by", str, enum=get_args(queries.GroupBy), description="model if not given."),
        ],
    )
    def get(self, request: Request, organization_id: UUID) -> Response:
        organization = self.organization()
        now = timezone.now()
        since = _moment(request, "from", now.replace(day=1, hour=0, minute=0, second=0, microsecond=0))
        until = _moment(request, "to", now + timedelta(seconds=1))
        if since >= until:
            raise _invalid("from", "`from` must be before `to`.")
        group_by = request.query_params.get("group_by", "model")
        if group_by not in get_args(queries.GroupBy):
            raise _invalid("group_by", f"group_by is one of {', '.join(get_args(queries.GroupBy))}.")
        found = queries.spending(
            actor=actor_of(request),
            organization=organization,
            since=since,
            until=until,
            group_by=group_by,  # type: ignore[arg-type]  # one of them, as checked
        )
        groups = [{**group, "key": _key(group["key"])} for group in found.groups]
        answer = {"from": since, "to": until, "group_by": group_by, "total": found.total, "groups": groups}
        return Response(self.get_serializer(answer).data)


class _BudgetView(TenantAPIView, GenericAPIView[Budget]):
    serializer_class = BudgetSerializer
    queryset = Budget.objects.none()

    def shown(self, budgets: Sequence[Budget]) -> list[dict[str, Any]]:
        context = {**self.get_serializer_context(), "standings": queries.standings(budgets)}
        return [dict(BudgetSerializer(budget, context=context).data) for budget in budgets]


class BudgetListView(IdempotentMixin, _OfOrganization, _BudgetView, ListAPIView[Budget]):
    def get_queryset(self) -> QuerySet[Budget]:
        return queries.budgets(actor=actor_of(self.request), organization=self.organization())

    @extend_schema(operation_id="budgets_list", summary="Budgets of an organization", tags=["spending"])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(self.shown(page or []))

    @extend_schema(
        operation_id="budgets_create",
        summary="Create a budget",
        description="A limit in dollars, in tokens, or both. For admins.",
        tags=["spending"],
        request=BudgetInput,
        responses={201: BudgetSerializer},
    )
    def post(self, request: Request, organization_id: UUID) -> Response:
        organization = self.organization()
        require_administer(request)
        given = BudgetInput(data=request.data)
        given.is_valid(raise_exception=True)
        budget = services.create_budget(actor=actor_of(request), organization=organization, **given.validated_data)
        (data,) = self.shown([budget])
        return Response(data, status=status.HTTP_201_CREATED, headers={"Location": data["url"]})


class BudgetView(_BudgetView):
    def budget(self) -> Budget:
        return queries.budget_for(actor=actor_of(self.request), budget_id=self.kwargs["budget_id"])

    @extend_schema(operation_id="budgets_get", summary="One budget", tags=["spending"])
    def get(self, request: Request, budget_id: UUID) -> Response:
        return Response(self.shown([self.budget()])[0])

    @extend_schema(
        operation_id="budgets_change",
        summary="Change a budget",
        description="What is not given stays as it is; scope, target, period and counts_mock always do. For admins.",
        tags=["spending"],
        request=BudgetInput,
    )
    def patch(self, request: Request, budget_id: UUID) -> Response:
        budget = self.budget()
        require_administer(request)
        given = BudgetInput(data=request.data, partial=True)
        given.is_valid(raise_exception=True)
        changed = services.update_budget(actor=actor_of(request), budget=budget, **given.validated_data)
        return Response(self.shown([changed])[0])

    @extend_schema(
        operation_id="budgets_delete",
        summary="Delete a budget",
        description="What was spent stays known. For admins.",
        tags=["spending"],
        request=None,
        responses={204: None},
    )
    def delete(self, request: Request, budget_id: UUID) -> Response:
        budget = self.budget()
        require_administer(request)
        services.delete_budget(actor=actor_of(request), budget=budget)
        return Response(status=status.HTTP_204_NO_CONTENT)


def _moment(request: Request, name: str, default: datetime) -> datetime:
    text = request.query_params.get(name)
    if text is None:
        return default
    try:
        moment = datetime.fromisoformat(text)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise _invalid(name, f"{name} is a date (2030-01-31) or a moment (2030-01-31T12:00:00Z).") from None


def _key(value: Any) -> str | None:
    if isinstance(value, datetime):
        return value.date().isoformat()
    return None if value is None else str(value)


def _invalid(parameter: str, message: str) -> Invalid:
    return Invalid(message, errors=[{"code": "invalid_parameter", "message": message, "pointer": f"?{parameter}"}])
