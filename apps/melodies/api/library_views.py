"""Forks, and the same change of many melodies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.http import QueryDict
from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import queries as accounts
from apps.accounts.api.authentication import actor_of
from apps.accounts.api.idempotency import IdempotentMixin
from apps.accounts.models import User
from apps.core.api.problems import pointer
from apps.core.api.views import TenantAPIView
from apps.core.errors import Invalid
from apps.melodies import queries, services
from apps.melodies.api.filters import SEARCH, MelodyFilter
from apps.melodies.api.serializers import BulkResultSerializer, BulkSerializer, ForkSerializer, MelodySerializer
from apps.melodies.api.views import OneMelodyView, created, project_named
from apps.melodies.models import Melody


class ForkView(IdempotentMixin, OneMelodyView, GenericAPIView[Melody]):
    serializer_class = MelodySerializer
    queryset = Melody.objects.none()

    @extend_schema(
        operation_id="melodies_fork",
        summary="Fork a melody",
        description="A melody of your own that begins as this one is and remembers where it comes from. You need to be able to "
        "read this one, and to write where the new one shall be.",
        tags=["melodies"],
        request=ForkSerializer,
        responses={201: MelodySerializer},
    )
    def post(self, request: Request, melody_id: UUID) -> Response:
        given = ForkSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        actor, wanted = actor_of(request), given.validated_data
        melody = self.melody()
        version = services.fork_melody(
            actor=actor,
            melody=melody,
            organization=accounts.organization_for(actor=actor, reference=wanted.get("organization")),
            project=project_named(actor, wanted.get("project")),
            version=queries.version_named(melody, wanted["version"]) if "version" in wanted else None,
            path=wanted.get("path"),
            **({"status": wanted["status"]} if "status" in wanted else {}),
        )
        return created(self, version)


class BulkView(IdempotentMixin, TenantAPIView, GenericAPIView[Melody]):
    serializer_class = BulkSerializer
    queryset = Melody.objects.none()

    @extend_schema(
        operation_id="melodies_bulk",
        summary="Change many melodies",
        description=f"All of them or, if one cannot be changed so, none. At most {services.MOST_AT_ONCE:,}.",
        tags=["melodies"],
        request=BulkSerializer,
        responses={200: BulkResultSerializer},
    )
    def post(self, request: Request) -> Response:
        given = BulkSerializer(data=request.data)
        given.is_valid(raise_exception=True)
        actor, wanted = actor_of(request), given.validated_data
        identifiers = wanted["ids"] if "ids" in wanted else _filtered(actor, wanted["filter"])
        result = services.change_melodies(
            actor=actor,
            melody_ids=list(dict.fromkeys(identifiers)),
            action=services.BulkAction(wanted["action"]),
            tags=wanted.get("tags", ()),
            project=project_named(actor, wanted.get("project")),
            dry_run=wanted["dry_run"],
        )
        return Response(BulkResultSerializer(result).data)


def filtered(actor: User, wanted: Mapping[str, str]) -> Any:
    """The melodies a list would show. A name the list does not know would mean all of them."""
    known = MelodyFilter.base_filters.keys() - {SEARCH}
    for name in wanted:
        if name not in known:
            message = f"This is no filter here; what is: {', '.join(sorted(known))}."
            raise Invalid(
                message, errors=[{"code": "unknown_filter", "message": message, "pointer": pointer(["filter", name])}]
            )
    parameters = QueryDict(mutable=True)
    for name, value in wanted.items():
        parameters[name] = value
    found = MelodyFilter(parameters, queryset=queries.melodies(actor=actor).prefetch_related(None))
    if not found.is_valid():
        errors = [
            {"code": "invalid", "message": message, "pointer": pointer(["filter", name])}
            for name, messages in found.errors.items()
            for message in messages
        ]
        raise Invalid("The filter is not valid.", errors=errors)
    return found.qs


def _filtered(actor: User, wanted: Mapping[str, str]) -> list[UUID]:
    rows = filtered(actor, wanted).order_by("-id").values_list("pk", flat=True)
    return list(rows[: services.MOST_AT_ONCE + 1])
