from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import queries as accounts
from apps.accounts.api.authentication import actor_of
from apps.accounts.api.scopes import require_administer
from apps.audit import queries
from apps.audit.api.filters import AuditFilter
from apps.audit.api.serializers import AuditEntrySerializer, HistoryEntrySerializer
from apps.audit.models import HISTORIES, AuditEntry
from apps.audit.reading import described
from apps.core.api.views import TenantAPIView

_KIND = OpenApiParameter("kind", str, OpenApiParameter.PATH, enum=sorted(HISTORIES), description="What it is.")


class AuditListView(TenantAPIView, ListAPIView[AuditEntry]):
    """What happened in an organization. To be read by its admins, with a credential that may administer."""

    serializer_class = AuditEntrySerializer
    queryset = AuditEntry.objects.none()
    filterset_class = AuditFilter
    cursor_ordering = ("-occurred_at", "-id")

    def get_queryset(self) -> QuerySet[AuditEntry]:
        actor = actor_of(self.request)
        organization = accounts.organization_for(actor=actor, reference=str(self.kwargs["organization_id"]))
        found = queries.entries(actor=actor, organization=organization)
        require_administer(self.request)
        return found

    @extend_schema(operation_id="audit_list", summary="What happened in an organization", tags=["audit"])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class ActivityView(TenantAPIView, ListAPIView[AuditEntry]):
    """What one did, and what concerns one's account: sign-ins, also those that were refused."""

    serializer_class = AuditEntrySerializer
    queryset = AuditEntry.objects.none()
    filterset_class = AuditFilter
    cursor_ordering = ("-occurred_at", "-id")

    def get_queryset(self) -> QuerySet[AuditEntry]:
        return queries.activity(actor=actor_of(self.request))

    @extend_schema(operation_id="users_me_activity", summary="My activity", tags=["users"])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class HistoryView(TenantAPIView, GenericAPIView[Any]):
    """What became of a thing that people edit."""

    serializer_class = HistoryEntrySerializer
    queryset = AuditEntry.objects.none()
    filter_backends = ()
    cursor_ordering = ("-pgh_id",)

    @extend_schema(
        operation_id="history_list",
        summary="History of a thing",
        description="Newest first, for whoever sees the thing; admins read it also when the thing is gone. The history of "
        "a comment is its author's and the admins'.",
        tags=["audit"],
        parameters=[_KIND],
        responses=HistoryEntrySerializer(many=True),
    )
    def get(self, request: Request, kind: str, object_id: UUID) -> Response:
        rows = queries.history(actor=actor_of(request), kind=kind, object_id=object_id)
        page = self.paginate_queryset(rows) or []
        return self.get_paginated_response(self.get_serializer(described(page), many=True).data)
