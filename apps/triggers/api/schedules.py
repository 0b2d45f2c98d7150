"""When triggers are due: previews and backfills."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.authentication import actor_of
from apps.accounts.api.idempotency import IdempotentMixin
from apps.core.api.views import TenantAPIView
from apps.core.errors import Invalid
from apps.triggers import queries, services
from apps.triggers.api.serializers import (
    BackfillCancelInput,
    BackfillInput,
    BackfillSerializer,
    DryRunSerializer,
    PreviewInput,
    PreviewSerializer,
    moment_of,
)
from apps.triggers.api.views import OfOneTrigger
from apps.triggers.errors import NotOfThisKind, TriggerInvalid
from apps.triggers.kinds import TriggerKind
from apps.triggers.models import Backfill
from apps.triggers.schedules import Schedule, ScheduleError, schedule

_MOST: int = 100


class PreviewView(OfOneTrigger):
    serializer_class = PreviewSerializer
    filter_backends = []

    @extend_schema(
        operation_id="triggers_preview",
        summary="When a trigger is due next",
        tags=["triggers"],
        parameters=[
            OpenApiParameter(
                "after", str, description="A moment in ISO 8601, in UTC unless it says otherwise. Now if not given."
            ),
            OpenApiParameter("count", int, description="10 if not given, at most 100."),
        ],
    )
    def get(self, request: Request, trigger_id: UUID) -> Response:
        trigger = self.trigger()
        if trigger.kind != TriggerKind.CRON:
            raise NotOfThisKind("Only a cron trigger has due times.")
        try:
            plan = queries.schedule_of(trigger)
        except ScheduleError as error:
            raise TriggerInvalid(error.message) from None
        return Response(_preview(plan, _after(request), _count(request)))


class SchedulePreviewView(TenantAPIView, GenericAPIView[Any]):
    serializer_class = PreviewSerializer

    @extend_schema(
        operation_id="schedules_preview",
        summary="When a schedule would be due",
        description="Without a trigger: for whoever is about to make one.",
        tags=["triggers"],
        request=PreviewInput,
        responses={200: PreviewSerializer},
    )
    def post(self, request: Request) -> Response:
        given = PreviewInput(data=request.data)
        given.is_valid(raise_exception=True)
        asked = given.validated_data
        try:
            plan = schedule(asked["cron"], asked["timezone"], asked.get("starts_at"), asked.get("ends_at"))
        except ScheduleError as error:
            place = "/timezone" if error.place is None else f"/cron/{error.place}"
            told = {"code": "schedule", "message": error.message, "pointer": place}
            raise TriggerInvalid(error.message, errors=[told]) from None
        return Response(_preview(plan, asked.get("after") or timezone.now(), asked["count"]))


class _BackfillView(TenantAPIView, GenericAPIView[Backfill]):
    serializer_class = BackfillSerializer
    queryset = Backfill.objects.none()

    def shown(self, rows: Sequence[Backfill]) -> list[dict[str, Any]]:
        context = {**self.get_serializer_context(), "progress": queries.progress_of(rows)}
        return [dict(BackfillSerializer(row, context=context).data) for row in rows]


class BackfillListView(IdempotentMixin, _BackfillView, ListAPIView[Backfill]):
    filter_backends = []

    def get_queryset(self) -> QuerySet[Backfill]:
        actor = actor_of(self.request)
        trigger = queries.trigger_for(actor=actor, trigger_id=self.kwargs["trigger_id"])
        return queries.backfills(actor=actor).filter(trigger=trigger)

    @extend_schema(operation_id="backfills_list", summary="Backfills of a trigger", tags=["triggers"])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(self.shown(page or []))

    @extend_schema(
        operation_id="backfills_create",
        summary="Make up for due times of the past",
        description="The oldest first, so many at a time as `parallel` says, whatever the trigger's overlap policy. 200 and only "
        "a count with `dry_run`.",
        tags=["triggers"],
        request=BackfillInput,
        responses={200: DryRunSerializer, 201: BackfillSerializer},
    )
    def post(self, request: Request, trigger_id: UUID) -> Response:
        actor = actor_of(request)
        trigger = queries.trigger_for(actor=actor, trigger_id=trigger_id)
        given = BackfillInput(data=request.data)
        given.is_valid(raise_exception=True)
        asked = dict(given.validated_data)
        parallel = asked.pop("parallel")
        if asked.pop("dry_run"):
            found = services.backfill_range(actor=actor, trigger=trigger, **asked)
            times = found.times
            answer = {
                "total": len(times),
                "fired_before": found.done,
                "first": times[0] if times else None,
                "last": times[-1] if times else None,
            }
            return Response(DryRunSerializer(answer).data)
        (data,) = self.shown([services.create_backfill(actor=actor, trigger=trigger, parallel=parallel, **asked)])
        return Response(data, status=status.HTTP_201_CREATED, headers={"Location": data["url"]})


class BackfillView(_BackfillView):
    @extend_schema(operation_id="backfills_get", summary="One backfill", tags=["triggers"])
    def get(self, request: Request, backfill_id: UUID) -> Response:
        backfill = queries.backfill_for(actor=actor_of(request), backfill_id=backfill_id)
        return Response(self.shown([backfill])[0])


class BackfillCancelView(_BackfillView):
    @extend_schema(
        operation_id="backfills_cancel",
        summary="Cancel a backfill",
        description="Nothing more of it is started. 409 with the code `backfill_over` if it has ended.",
        tags=["triggers"],
        request=BackfillCancelInput,
        responses={200: BackfillSerializer},
    )
    def post(self, request: Request, backfill_id: UUID) -> Response:
        actor = actor_of(request)
        backfill = queries.backfill_for(actor=actor, backfill_id=backfill_id)
        given = BackfillCancelInput(data=request.data)
        given.is_valid(raise_exception=True)
        cancelled = services.cancel_backfill(
            actor=actor, backfill=backfill, cancel_runs=given.validated_data["cancel_runs"]
        )
        return Response(self.shown([cancelled])[0])


def _preview(plan: Schedule, after: datetime, count: int) -> dict[str, Any]:
    times = [
        {"at": due, "local": due.astimezone(plan.zone).isoformat()} for due in queries.next_fires(plan, after, count)
    ]
    return dict(PreviewSerializer({"timezone": plan.zone.key, "times": times}).data)


def _after(request: Request) -> datetime:
    text = request.query_params.get("after")
    moment = timezone.now() if text is None else moment_of(text)
    if moment is None:
        raise _invalid("after", "after is a date (2030-01-31) or a moment (2030-01-31T12:00:00Z).")
    return moment


def _count(request: Request) -> int:
    text = request.query_params.get("count", "10")
    if not (text.isascii() and text.isdigit() and 0 < len(text) <= 3 and 0 < int(text) <= _MOST):
        raise _invalid("count", f"count is a whole number from 1 to {_MOST}.")
    return int(text)


def _invalid(parameter: str, message: str) -> Invalid:
    return Invalid(message, errors=[{"code": "invalid_parameter", "message": message, "pointer": f"?{parameter}"}])
