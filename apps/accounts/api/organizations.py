"""Organizations, over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import django_filters
from django.db.models import Q, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.filters import OrderingFilter
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import queries, services
from apps.accounts.api.authentication import actor_of
from apps.accounts.api.bodies import OrganizationChange, TransferInput
from apps.accounts.api.idempotency import IdempotentMixin
from apps.accounts.api.scopes import require_administer, require_session_or_full
from apps.accounts.api.serializers import MembershipSerializer, OrganizationInput, OrganizationSerializer
from apps.accounts.models import Membership, Organization
from apps.core.api.etags import IF_MATCH, check_if_match, etag_of
from apps.core.api.views import TenantAPIView
from apps.core.errors import NotFound


class OrganizationFilter(django_filters.FilterSet):  # type: ignore[misc]  # the package has no types
    search = django_filters.CharFilter(method="with_words", label="Part of the name or short name.")

    class Meta:
        model = Organization
        fields = ("search", "is_personal")

    def with_words(self, found: QuerySet[Organization], name: str, words: str) -> QuerySet[Organization]:
        return found.filter(Q(name__icontains=words) | Q(slug__icontains=words))


class OrganizationListView(IdempotentMixin, TenantAPIView, ListAPIView[Organization]):
    serializer_class = OrganizationSerializer
    queryset = Organization.objects.none()
    filter_backends = [django_filters.rest_framework.DjangoFilterBackend, OrderingFilter]
    filterset_class = OrganizationFilter
    ordering_fields = ("id", "name", "slug", "created_at", "updated_at")
    ordering = ("-id",)

    def get_queryset(self) -> QuerySet[Organization]:
        return queries.organizations(actor=actor_of(self.request))

    @extend_schema(operation_id="organizations_list", summary="My organizations", tags=["organizations"])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="organizations_create",
        summary="Found an organization",
        tags=["organizations"],
        request=OrganizationInput,
        responses={201: OrganizationSerializer},
    )
    def post(self, request: Request) -> Response:
        given = OrganizationInput(data=request.data)
        given.is_valid(raise_exception=True)
        organization = services.create_organization(actor=actor_of(request), name=given.validated_data["name"])
        headers = {"ETag": etag_of(organization)}
        return Response(self.get_serializer(organization).data, status=status.HTTP_201_CREATED, headers=headers)


class OneOrganizationView(TenantAPIView):
    """Of one organization, which must exist for the caller."""

    def organization(self) -> Organization:
        return queries.organization_for(actor=actor_of(self.request), reference=str(self.kwargs["organization_id"]))


class OrganizationView(OneOrganizationView, GenericAPIView[Organization]):
    serializer_class = OrganizationSerializer

    @extend_schema(operation_id="organizations_retrieve", summary="An organization of mine", tags=["organizations"])
    def get(self, request: Request, organization_id: UUID) -> Response:
        return self._answer(self.organization())

    @extend_schema(
        operation_id="organizations_update",
        summary="Rename an organization, change its settings",
        description="What is left out stays. `settings` is a merge patch (RFC 7396). For admins.",
        tags=["organizations"],
        request=OrganizationChange,
        responses={200: OrganizationSerializer},
        parameters=[IF_MATCH],
    )
    def patch(self, request: Request, organization_id: UUID) -> Response:
        organization = self.organization()
        require_administer(request)
        given = OrganizationChange(data=request.data)
        given.is_valid(raise_exception=True)
        check_if_match(request, organization)
        return self._answer(
            services.update_organization(actor=actor_of(request), organization=organization, **given.validated_data)
        )

    @extend_schema(
        operation_id="organizations_delete",
        summary="Delete an empty organization",
        description="For its owner, while there is no other member and nothing in it; else 409 "
        "`organization_not_empty`. To close one that is in use, deactivate it.",
        tags=["organizations"],
        request=None,
        responses={204: None},
    )
    def delete(self, request: Request, organization_id: UUID) -> Response:
        organization = self.organization()
        require_administer(request)
        services.delete_organization(actor=actor_of(request), organization=organization)
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _answer(self, organization: Organization) -> Response:
        return Response(self.get_serializer(organization).data, headers={"ETag": etag_of(organization)})


class DeactivateView(OneOrganizationView, GenericAPIView[Organization]):
    serializer_class = OrganizationSerializer

    @extend_schema(
        operation_id="organizations_deactivate",
        summary="Close an organization",
        description="For its owners. To all members it is gone; nothing is deleted, and staff can bring it back.",
        tags=["organizations"],
        request=None,
        responses={204: None},
    )
    def post(self, request: Request, organization_id: UUID) -> Response:
        organization = self.organization()
        require_administer(request)
        services.deactivate_organization(actor=actor_of(request), organization=organization)
        return Response(status=status.HTTP_204_NO_CONTENT)


class LeaveView(OneOrganizationView, GenericAPIView[Organization]):
    serializer_class = OrganizationSerializer

    @extend_schema(
        operation_id="organizations_leave",
        summary="Leave an organization",
        description="409 `last_owner` for who is its only owner.",
        tags=["organizations"],
        request=None,
        responses={204: None},
    )
    def post(self, request: Request, organization_id: UUID) -> Response:
        organization = self.organization()
        require_session_or_full(request)
        services.leave_organization(actor=actor_of(request), organization=organization)
        return Response(status=status.HTTP_204_NO_CONTENT)


class TransferView(OneOrganizationView, GenericAPIView[Membership]):
    serializer_class = MembershipSerializer

    @extend_schema(
        operation_id="organizations_transfer",
        summary="Hand the ownership over to another member",
        description="For an owner, who stays as an admin.",
        tags=["organizations"],
        request=TransferInput,
        responses={200: MembershipSerializer},
    )
    def post(self, request: Request, organization_id: UUID) -> Response:
        organization = self.organization()
        require_session_or_full(request)
        given = TransferInput(data=request.data)
        given.is_valid(raise_exception=True)
        actor = actor_of(request)
        to = queries.members(actor=actor, organization=organization).filter(pk=given.validated_data["member"]).first()
        if to is None:
            raise NotFound("There is no such member.")
        successor = services.transfer_ownership(actor=actor, organization=organization, to=to)
        return Response(self.get_serializer(successor).data)
