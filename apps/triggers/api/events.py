"""Events: what organizations are told by name."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import queries as accounts
from apps.accounts.api.authentication import actor_of
from apps.accounts.api.idempotency import IdempotentMixin
from apps.core.api.parsers import BoundedJSONParser
from apps.core.api.views import TenantAPIView
from apps.triggers import queries, services
from apps.triggers.api.filters import NamedEventFilter
from apps.triggers.api.serializers import NamedEventInput, NamedEventSerializer
from apps.triggers.models import NamedEvent


class EventListView(IdempotentMixin, TenantAPIView, ListAPIView[NamedEvent]):
    serializer_class = NamedEventSerializer
    queryset = NamedEvent.objects.none()
    filterset_class = NamedEventFilter
    parser_classes = [BoundedJSONParser]

    def get_queryset(self) -> QuerySet[NamedEvent]:
        return queries.events(actor=actor_of(self.request))

    @extend_schema(operation_id="events_list", summary="Events my organizations were told", tags=["triggers"])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="events_send",
        summary="Tell an organization of an event",
        description="Every active event trigger of this name fires, if its filter lets the event pass. 200 when its `key` was "
        "used before: nobody is told again.",
        tags=["triggers"],
        request=NamedEventInput,
        responses={200: NamedEventSerializer, 201: NamedEventSerializer},
    )
    def post(self, request: Request) -> Response:
        actor = actor_of(request)
        given = NamedEventInput(data=request.data)
        given.is_valid(raise_exception=True)
        asked = dict(given.validated_data)
        organization = accounts.organization_for(actor=actor, reference=asked.pop("organization", None))
        event, is_known = services.send_event(actor=actor, organization=organization, **asked)
        data = self.get_serializer(event).data
        return Response(data, status=status.HTTP_200_OK if is_known else status.HTTP_201_CREATED)


class EventView(TenantAPIView, GenericAPIView[NamedEvent]):
    serializer_class = NamedEventSerializer
    queryset = NamedEvent.objects.none()

    @extend_schema(operation_id="events_get", summary="One event", tags=["triggers"])
    def get(self, request: Request, named_event_id: UUID) -> Response:
        return Response(self.get_serializer(queries.event_for(actor=actor_of(request), event_id=named_event_id)).data)
