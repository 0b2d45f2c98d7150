from __future__ import annotations

from typing import Any
from uuid import UUID

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.filters import OrderingFilter
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.authentication import actor_of
from apps.accounts.api.idempotency import IdempotentMixin
from apps.core.api.etags import IF_MATCH, check_if_match, etag_of
from apps.core.api.parsers import BoundedJSONParser
from apps.core.api.views import TenantAPIView
from apps.melodies import queries as melodies
from apps.triggers import queries, services
from apps.triggers.api.filters import FiringFilter, TriggerFilter
from apps.triggers.api.serializers import (
    FireInput,
    FiringDetailSerializer,
    FiringSerializer,
    ReasonInput,
    TriggerChange,
    TriggerInput,
    TriggerSerializer,
)
from apps.triggers.models import Firing, Trigger


class _TriggerList(TenantAPIView, ListAPIView[Trigger]):
    serializer_class = TriggerSerializer
    queryset = Trigger.objects.none()
    filter_backends = [django_filters.rest_framework.DjangoFilterBackend, OrderingFilter]
    filterset_class = TriggerFilter
    ordering_fields = ("id", "name", "next_due_at", "created_at")
    ordering = ("-id",)

    def get_queryset(self) -> QuerySet[Trigger]:
        return queries.triggers(actor=actor_of(self.request))


class TriggerListView(_TriggerList):
    @extend_schema(operation_id="triggers_list", summary="Triggers of my organizations", tags=["triggers"])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class MelodyTriggersView(IdempotentMixin, _TriggerList):
    parser_classes = [BoundedJSONParser]

    def get_queryset(self) -> QuerySet[Trigger]:
        melody = melodies.melody_for(actor=actor_of(self.request), melody_id=self.kwargs["melody_id"])
        return super().get_queryset().filter(melody=melody)

    @extend_schema(operation_id="melody_triggers_list", summary="Triggers of a melody", tags=["triggers"])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="triggers_create",
        summary="Create a trigger",
        description="Its runs are started as you. A webhook needs a secret next, from `/triggers/{id}/rotate-secret/`.",
        tags=["triggers"],
        request=TriggerInput,
        responses={201: TriggerSerializer},
    )
    def post(self, request: Request, melody_id: UUID) -> Response:
        actor = actor_of(request)
        melody = melodies.melody_for(actor=actor, melody_id=melody_id)
        given = TriggerInput(data=request.data)
        given.is_valid(raise_exception=True)
        trigger = services.create_trigger(actor=actor, melody=melody, **given.validated_data)
        data = self.get_serializer(trigger).data
        return Response(
            data, status=status.HTTP_201_CREATED, headers={"Location": data["url"], "ETag": etag_of(trigger)}
        )


class OfOneTrigger(TenantAPIView, GenericAPIView[Any]):
    """Of one trigger, which must be one of the caller's organizations'."""

    def trigger(self) -> Trigger:
        return queries.trigger_for(actor=actor_of(self.request), trigger_id=self.kwargs["trigger_id"])

    def shown(self, trigger: Trigger) -> Response:
        data = TriggerSerializer(trigger, context=self.get_serializer_context()).data
        return Response(data, headers={"ETag": etag_of(trigger)})


class TriggerView(OfOneTrigger):
    serializer_class = TriggerSerializer
    parser_classes = [BoundedJSONParser]

    @extend_schema(operation_id="triggers_get", summary="One trigger", tags=["triggers"])
    def get(self, request: Request, trigger_id: UUID) -> Response:
        return self.shown(self.trigger())

    @extend_schema(
        operation_id="triggers_change",
        summary="Change a trigger",
        description="What is not given stays as it is; its kind always does. Whose it is stays too, see `take-over`.",
        tags=["triggers"],
        parameters=[IF_MATCH],
        request=TriggerChange,
        responses={200: TriggerSerializer},
    )
    def patch(self, request: Request, trigger_id: UUID) -> Response:
        trigger = self.trigger()
        check_if_match(request, trigger)
        given = TriggerChange(data=request.data, partial=True)
        given.is_valid(raise_exception=True)
        return self.shown(services.update_trigger(actor=actor_of(request), trigger=trigger, **given.validated_data))

    @extend_schema(
        operation_id="triggers_delete",
        summary="Delete a trigger",
        description="With its history. Runs it has started stay.",
        tags=["triggers"],
        parameters=[IF_MATCH],
        request=None,
        responses={204: None},
    )
    def delete(self, request: Request, trigger_id: UUID) -> Response:
        trigger = self.trigger()
        check_if_match(request, trigger)
        services.delete_trigger(actor=actor_of(request), trigger=trigger)
        return Response(status=status.HTTP_204_NO_CONTENT)


class PauseTriggerView(OfOneTrigger):
    serializer_class = TriggerSerializer

    @extend_schema(
        operation_id="triggers_pause",
        summary="Pause a trigger",
        description="It does not fire until it is resumed. 409 with the code `trigger_not_active` if it is not active.",
        tags=["triggers"],
        request=ReasonInput,
        responses={200: TriggerSerializer},
    )
    def post(self, request: Request, trigger_id: UUID) -> Response:
        trigger = self.trigger()
        given = ReasonInput(data=request.data)
        given.is_valid(raise_exception=True)
        return self.shown(
            services.pause_trigger(
                actor=actor_of(request), trigger=trigger, reason=given.validated_data.get("reason", "")
            )
        )


class ResumeTriggerView(OfOneTrigger):
    serializer_class = TriggerSerializer

    @extend_schema(
        operation_id="triggers_resume",
        summary="Resume a trigger",
        description="Paused, stopped or ended, it is active again from now on. Due times in between are not made up for; a "
        "backfill does that. 409 if it is active, or if its owner may not start its melody any more.",
        tags=["triggers"],
        request=None,
        responses={200: TriggerSerializer},
    )
    def post(self, request: Request, trigger_id: UUID) -> Response:
        return self.shown(services.resume_trigger(actor=actor_of(request), trigger=self.trigger()))


class TakeOverView(OfOneTrigger):
    serializer_class = TriggerSerializer

    @extend_schema(
        operation_id="triggers_take_over",
        summary="Become the owner of a trigger",
        description="From now on it starts runs as you.",
        tags=["triggers"],
        request=None,
        responses={200: TriggerSerializer},
    )
    def post(self, request: Request, trigger_id: UUID) -> Response:
        return self.shown(services.take_over_trigger(actor=actor_of(request), trigger=self.trigger()))


class FireView(IdempotentMixin, OfOneTrigger):
    serializer_class = FiringDetailSerializer
    parser_classes = [BoundedJSONParser]

    @extend_schema(
        operation_id="triggers_fire",
        summary="Fire a trigger now",
        description="Whatever its kind, also while it is paused: as its owner, with its input, mapping, overlap policy and "
        "debounce. What keeps it from starting stands in the firing's `reason`. 200 when its `key` was used before.",
        tags=["triggers"],
        request=FireInput,
        responses={200: FiringDetailSerializer, 201: FiringDetailSerializer},
    )
    def post(self, request: Request, trigger_id: UUID) -> Response:
        trigger = self.trigger()
        given = FireInput(data=request.data)
        given.is_valid(raise_exception=True)
        firing, is_known = services.fire_by_hand(
            actor=actor_of(request),
            trigger=trigger,
            given=given.validated_data.get("input"),
            payload=given.validated_data.get("payload"),
            key=given.validated_data.get("key"),
        )
        data = self.get_serializer(firing).data
        return Response(
            data,
            status=status.HTTP_200_OK if is_known else status.HTTP_201_CREATED,
            headers={"Location": data["url"]},
        )


class TriggerFiringsView(TenantAPIView, ListAPIView[Firing]):
    serializer_class = FiringSerializer
    queryset = Firing.objects.none()
    filterset_class = FiringFilter

    def get_queryset(self) -> QuerySet[Firing]:
        actor = actor_of(self.request)
        trigger = queries.trigger_for(actor=actor, trigger_id=self.kwargs["trigger_id"])
        return queries.firings(actor=actor).filter(trigger=trigger).defer("payload")

    @extend_schema(operation_id="triggers_firings", summary="What a trigger has fired", tags=["triggers"])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class FiringListView(TenantAPIView, ListAPIView[Firing]):
    serializer_class = FiringSerializer
    queryset = Firing.objects.none()
    filterset_class = FiringFilter

    def get_queryset(self) -> QuerySet[Firing]:
        return queries.firings(actor=actor_of(self.request)).defer("payload")

    @extend_schema(operation_id="firings_list", summary="What triggers of my organizations fired", tags=["triggers"])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class FiringView(TenantAPIView, GenericAPIView[Firing]):
    serializer_class = FiringDetailSerializer
    queryset = Firing.objects.none()

    @extend_schema(operation_id="firings_get", summary="One firing", tags=["triggers"])
    def get(self, request: Request, firing_id: UUID) -> Response:
        return Response(self.get_serializer(queries.firing_for(actor=actor_of(request), firing_id=firing_id)).data)
