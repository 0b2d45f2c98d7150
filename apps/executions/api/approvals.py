"""Approvals: what waits for me, and what I say to it."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from apps.accounts.api.authentication import actor_of
from apps.accounts.api.idempotency import IdempotentMixin
from apps.core.api.parsers import BoundedJSONParser
from apps.core.api.strict import StrictSerializer
from apps.core.api.views import TenantAPIView
from apps.executions import approvals, lookups, waiting
from apps.executions.api.serializers import WAITING_FOR, told_waiting
from apps.executions.models import Decision, Task
from apps.executions.states import TaskStatus

DECISIONS: Final = [(choice, choice) for choice in approvals.CHOICES]
_URI = {"type": "string", "format": "uri"}


class ApprovalSerializer(serializers.ModelSerializer[Task]):
    """For `waiting.approvals`."""

    task = serializers.UUIDField(source="id", read_only=True)
    name = serializers.CharField(read_only=True, help_text="The step's name.")
    execution = serializers.UUIDField(source="execution_id", read_only=True)
    melody = serializers.UUIDField(source="execution.melody_id", read_only=True)
    melody_name = serializers.CharField(source="execution.melody.name", read_only=True)
    organization = serializers.UUIDField(source="organization_id", read_only=True)
    since = serializers.DateTimeField(source="started_at", read_only=True, allow_null=True)
    waiting_for = serializers.SerializerMethodField()
    decision_url = serializers.SerializerMethodField(help_text="Where to say what you think.")

    class Meta:
        model = Task
        fields = (
            "task",
            "name",
            "execution",
            "melody",
            "melody_name",
            "organization",
            "since",
            "waiting_for",
            "decision_url",
        )
        read_only_fields = fields

    @extend_schema_field(WAITING_FOR)
    def get_waiting_for(self, task: Task) -> dict[str, Any] | None:
        return told_waiting(task)

    @extend_schema_field(_URI)
    def get_decision_url(self, task: Task) -> str:
        return reverse("task-decision", [task.pk], request=self.context["request"])


class DecisionSerializer(serializers.ModelSerializer[Decision]):
    task = serializers.UUIDField(source="task_id", read_only=True)
    user = serializers.EmailField(source="person", read_only=True)
    role = serializers.CharField(read_only=True, help_text="The role in which it was said.")
    decision = serializers.ChoiceField(choices=DECISIONS, read_only=True)
    at = serializers.DateTimeField(source="decided_at", read_only=True)

    class Meta:
        model = Decision
        fields: tuple[str, ...] = ("id", "task", "user", "role", "decision", "comment", "at")
        read_only_fields = fields


class MadeDecisionSerializer(DecisionSerializer):
    over = serializers.SerializerMethodField(help_text="Whether it was the last voice that was needed.")

    class Meta(DecisionSerializer.Meta):
        fields = (*DecisionSerializer.Meta.fields, "over")
        read_only_fields = fields

    def get_over(self, decision: Decision) -> bool:
        return bool(self.context["over"])


class DecisionInput(StrictSerializer):
    decision = serializers.ChoiceField(choices=DECISIONS)
    comment = serializers.CharField(
        required=False, allow_blank=True, max_length=approvals.LONGEST_COMMENT, help_text="Why; kept with the decision."
    )


class ApprovalFilter(django_filters.FilterSet):  # type: ignore[misc]  # the package has no types
    organization = django_filters.UUIDFilter(field_name="organization_id")
    execution = django_filters.UUIDFilter(field_name="execution_id")
    melody = django_filters.UUIDFilter(field_name="execution__melody_id")

    class Meta:
        model = Task
        fields = ("organization", "execution", "melody")


class ApprovalListView(TenantAPIView, ListAPIView[Task]):
    """What I may decide now: by my role, not about a run of my own where that is excluded, and not twice."""

    serializer_class = ApprovalSerializer
    queryset = Task.objects.none()
    filterset_class = ApprovalFilter
    cursor_ordering = ("id",)

    def get_queryset(self) -> QuerySet[Task]:
        return waiting.approvals(actor=actor_of(self.request))

    @extend_schema(operation_id="approvals_list", summary="What waits for my decision", tags=["approvals"])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class DecisionView(IdempotentMixin, TenantAPIView, GenericAPIView[Decision]):
    serializer_class = MadeDecisionSerializer
    queryset = Decision.objects.none()
    parser_classes = [BoundedJSONParser]

    @extend_schema(
        operation_id="tasks_decide",
        summary="Approve or reject",
        description="409 with the code `already_decided` for a second voice, `not_waiting` when the task does not wait for a "
        "decision (any more); 403 when your role does not suffice.",
        tags=["approvals"],
        request=DecisionInput,
        responses={201: MadeDecisionSerializer},
    )
    def post(self, request: Request, task_id: UUID) -> Response:
        actor = actor_of(request)
        task = lookups.task_for(actor=actor, task_id=task_id)
        given = DecisionInput(data=request.data)
        given.is_valid(raise_exception=True)
        decision = approvals.decide(
            actor=actor,
            task=task,
            decision=given.validated_data["decision"],
            comment=given.validated_data.get("comment", ""),
        )
        context = {**self.get_serializer_context(), "over": task.status != TaskStatus.WAITING}
        data = MadeDecisionSerializer(decision, context=context).data
        return Response(data, status=status.HTTP_201_CREATED)


class DecisionListView(TenantAPIView, ListAPIView[Decision]):
    serializer_class = DecisionSerializer
    queryset = Decision.objects.none()
    filter_backends = []
    cursor_ordering = ("id",)

    def get_queryset(self) -> QuerySet[Decision]:
        task = lookups.task_for(actor=actor_of(self.request), task_id=self.kwargs["task_id"])
        return waiting.decisions_of(task)

    @extend_schema(operation_id="tasks_decisions", summary="What was said about a task", tags=["approvals"])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)
