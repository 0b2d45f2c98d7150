"""Pools: how much may run at once; and the priority of a run."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from apps.accounts import queries as accounts
from apps.accounts.api.authentication import actor_of
from apps.accounts.api.idempotency import IdempotentMixin
from apps.accounts.api.scopes import require_administer
from apps.core.api.strict import StrictSerializer
from apps.core.api.views import TenantAPIView
from apps.executions import pools, services
from apps.executions.api.control import ControlView
from apps.executions.api.serializers import ExecutionDetailSerializer
from apps.executions.models import Pool, PoolHealth, PoolKind, PoolState
from apps.executions.services.pools import MOST_SLOTS, MOST_TOKENS
from apps.executions.services.standing import HIGHEST, LOWEST


class PoolSerializer(serializers.ModelSerializer[Pool]):
    organization = serializers.UUIDField(
        source="organization_id",
        read_only=True,
        allow_null=True,
        help_text="null: it holds for the whole installation.",
    )
    kind = serializers.ChoiceField(choices=PoolKind.choices, read_only=True)
    state = serializers.ChoiceField(choices=PoolState.choices, read_only=True)
    health = serializers.ChoiceField(choices=PoolHealth.choices, read_only=True)
    taken = serializers.IntegerField(
        read_only=True, help_text="Slots taken now, as far as they are of your organizations."
    )
    url = serializers.SerializerMethodField()

    class Meta:
        model = Pool
        fields = (
            "id",
            "organization",
            "kind",
            "name",
            "slots",
            "tokens_per_minute",
            "open",
            "by_plan",
            "taken",
            "state",
            "state_since",
            "health",
            "recovers_at",
            "created_at",
            "updated_at",
            "url",
        )
        read_only_fields = fields

    @extend_schema_field({"type": "string", "format": "uri"})
    def get_url(self, pool: Pool) -> str:
        return reverse("pool", [pool.pk], request=self.context["request"])


class _Limits(StrictSerializer):
    slots = serializers.IntegerField(
        min_value=1,
        max_value=MOST_SLOTS,
        required=False,
        allow_null=True,
        help_text="How much at once; null: no limit.",
    )
    tokens_per_minute = serializers.IntegerField(
        min_value=1, max_value=MOST_TOKENS, required=False, allow_null=True, help_text="Only of the kind `model`."
    )
    open = serializers.BooleanField(required=False, help_text="false: it gives nothing out until it is opened again.")


class PoolInput(_Limits):
    kind = serializers.ChoiceField(choices=PoolKind.choices)
    name = serializers.CharField(
        max_length=120,
        required=False,
        allow_blank=True,
        help_text="The model, the queue, or what steps say under `limit`; none of the kind `organization`.",
    )


class PoolChange(_Limits):
    pass


class PriorityInput(serializers.Serializer[Any]):
    priority = serializers.IntegerField(
        min_value=LOWEST, max_value=HIGHEST, help_text="0 is ordinary; more goes first."
    )


class _PoolView(TenantAPIView, GenericAPIView[Pool]):
    serializer_class = PoolSerializer
    queryset = Pool.objects.none()

    def shown(self, pool: Pool) -> dict[str, Any]:
        found = pools.pool_for(actor=actor_of(self.request), pool_id=pool.pk)
        return dict(self.get_serializer(found).data)


class PoolListView(IdempotentMixin, _PoolView, ListAPIView[Pool]):
    cursor_ordering = ("id",)

    def get_queryset(self) -> QuerySet[Pool]:
        actor = actor_of(self.request)
        organization = accounts.organization_for(actor=actor, reference=str(self.kwargs["organization_id"]))
        return pools.pools(actor=actor, organization=organization)

    @extend_schema(operation_id="pools_list", summary="Pools that hold for an organization", tags=["pools"])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="pools_create",
        summary="Limit what runs at once",
        description="It holds from the next step on that begins, also of runs that are under way. 409 with the code `pool_taken` "
        "when there is one of this kind and name. For admins.",
        tags=["pools"],
        request=PoolInput,
        responses={201: PoolSerializer},
    )
    def post(self, request: Request, organization_id: UUID) -> Response:
        actor = actor_of(request)
        organization = accounts.organization_for(actor=actor, reference=str(organization_id))
        require_administer(request)
        given = PoolInput(data=request.data)
        given.is_valid(raise_exception=True)
        data = self.shown(services.create_pool(actor=actor, organization=organization, **given.validated_data))
        return Response(data, status=status.HTTP_201_CREATED, headers={"Location": data["url"]})


class PoolView(_PoolView):
    def pool(self) -> Pool:
        return pools.pool_for(actor=actor_of(self.request), pool_id=self.kwargs["pool_id"])

    @extend_schema(operation_id="pools_get", summary="One pool", tags=["pools"])
    def get(self, request: Request, pool_id: UUID) -> Response:
        return Response(self.get_serializer(self.pool()).data)

    @extend_schema(
        operation_id="pools_change",
        summary="Change a pool",
        description="What runs goes on. With fewer slots nothing begins until enough have come back. For admins.",
        tags=["pools"],
        request=PoolChange,
        responses={200: PoolSerializer},
    )
    def patch(self, request: Request, pool_id: UUID) -> Response:
        pool = self.pool()
        require_administer(request)
        given = PoolChange(data=request.data, partial=True)
        given.is_valid(raise_exception=True)
        return Response(self.shown(services.update_pool(actor=actor_of(request), pool=pool, **given.validated_data)))

    @extend_schema(
        operation_id="pools_delete",
        summary="Delete a pool",
        description="What waited for it goes on. For admins.",
        tags=["pools"],
        request=None,
        responses={204: None},
    )
    def delete(self, request: Request, pool_id: UUID) -> Response:
        pool = self.pool()
        require_administer(request)
        services.delete_pool(actor=actor_of(request), pool=pool)
        return Response(status=status.HTTP_204_NO_CONTENT)


class PriorityView(ControlView):
    @extend_schema(
        operation_id="executions_prioritize",
        summary="Change the priority of an execution",
        description="What waits of it moves at once; what runs goes on. 409 with the code `execution_over` if it has ended.",
        tags=["executions"],
        request=PriorityInput,
        responses={200: ExecutionDetailSerializer},
    )
    def post(self, request: Request, execution_id: UUID) -> Response:
        execution = self.execution()
        given = PriorityInput(data=request.data)
        given.is_valid(raise_exception=True)
        execution = services.set_priority(
            actor=actor_of(request), execution=execution, priority=given.validated_data["priority"]
        )
        return Response(self.get_serializer(execution).data)
