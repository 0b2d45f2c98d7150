"""Members of organizations, and invitations to become one, over HTTP."""

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

from apps.accounts import queries, services
from apps.accounts.api.authentication import actor_of
from apps.accounts.api.bodies import (
    InvitationInput,
    InvitationSerializer,
    InvitationsInput,
    OutcomesSerializer,
    RoleInput,
)
from apps.accounts.api.idempotency import IdempotentMixin
from apps.accounts.api.organizations import OneOrganizationView
from apps.accounts.api.scopes import require_administer
from apps.accounts.api.serializers import MembershipSerializer
from apps.accounts.models import Invitation, InvitationStatus, Membership, Organization, Role
from apps.accounts.permissions import Action, require
from apps.core.errors import NotFound


class MemberFilter(django_filters.FilterSet):  # type: ignore[misc]  # the package has no types
    role = django_filters.ChoiceFilter(choices=Role.choices)
    search = django_filters.CharFilter(method="with_words", label="Words of name, username or e-mail address.")

    class Meta:
        model = Membership
        fields = ("role", "search")

    def with_words(self, found: QuerySet[Membership], name: str, words: str) -> QuerySet[Membership]:
        return queries.members_with(found, words)


class MemberListView(OneOrganizationView, ListAPIView[Membership]):
    serializer_class = MembershipSerializer
    queryset = Membership.objects.none()
    filter_backends = [django_filters.rest_framework.DjangoFilterBackend, OrderingFilter]
    filterset_class = MemberFilter
    ordering_fields = ("id", "joined_at", "role")
    ordering = ("id",)

    def get_queryset(self) -> QuerySet[Membership]:
        return queries.members(actor=actor_of(self.request), organization=self.organization())

    @extend_schema(operation_id="organizations_members", summary="Members of an organization", tags=["organizations"])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class MemberView(OneOrganizationView, GenericAPIView[Membership]):
    serializer_class = MembershipSerializer

    @extend_schema(operation_id="organizations_member", summary="A member", tags=["organizations"])
    def get(self, request: Request, organization_id: UUID, member_id: UUID) -> Response:
        return Response(self.get_serializer(self._member(member_id)).data)

    @extend_schema(
        operation_id="organizations_change_role",
        summary="Change the role of a member",
        description="For admins; what concerns owners, for owners. 409 `last_owner` for the only one.",
        tags=["organizations"],
        request=RoleInput,
        responses={200: MembershipSerializer},
    )
    def patch(self, request: Request, organization_id: UUID, member_id: UUID) -> Response:
        member = self._member(member_id)
        require_administer(request)
        given = RoleInput(data=request.data)
        given.is_valid(raise_exception=True)
        changed = services.change_role(actor=actor_of(request), membership=member, role=given.validated_data["role"])
        return Response(self.get_serializer(changed).data)

    @extend_schema(
        operation_id="organizations_remove_member",
        summary="Remove a member",
        description="Also from all teams. For admins; oneself, for everybody.",
        tags=["organizations"],
        request=None,
        responses={204: None},
    )
    def delete(self, request: Request, organization_id: UUID, member_id: UUID) -> Response:
        member = self._member(member_id)
        require_administer(request)
        services.remove_member(actor=actor_of(request), membership=member)
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _member(self, member_id: UUID) -> Membership:
        found = queries.members(actor=actor_of(self.request), organization=self.organization())
        member = found.select_related("organization").filter(pk=member_id).first()
        if member is None:
            raise NotFound("There is no such member.")
        return member


class InvitationFilter(django_filters.FilterSet):  # type: ignore[misc]  # the package has no types
    status = django_filters.ChoiceFilter(choices=InvitationStatus.choices)
    search = django_filters.CharFilter(field_name="email", lookup_expr="icontains", label="Part of the address.")

    class Meta:
        model = Invitation
        fields = ("status", "search")


class _InvitationsView(OneOrganizationView, GenericAPIView[Invitation]):
    """For admins, readers too: addresses of strangers are in it."""

    serializer_class = InvitationSerializer
    queryset = Invitation.objects.none()

    def administered(self) -> Organization:
        organization = self.organization()
        require_administer(self.request)
        require(actor=actor_of(self.request), organization=organization, action=Action.ADMINISTER)
        return organization

    def get_queryset(self) -> QuerySet[Invitation]:
        return queries.invitations(actor=actor_of(self.request), organization=self.administered())

    def invitation(self, invitation_id: UUID) -> Invitation:
        found = self.get_queryset().filter(pk=invitation_id).first()
        if found is None:
            raise NotFound("There is no such invitation.")
        return found


class InvitationListView(IdempotentMixin, _InvitationsView, ListAPIView[Invitation]):
    filter_backends = [django_filters.rest_framework.DjangoFilterBackend, OrderingFilter]
    filterset_class = InvitationFilter
    ordering_fields = ("id", "email", "created_at", "expires_at")
    ordering = ("-id",)

    @extend_schema(
        operation_id="invitations_list",
        summary="Invitations to an organization",
        description="For admins.",
        tags=["invitations"],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="invitations_create",
        summary="Invite somebody",
        description="A letter brings a link that is good for a week, for this address only. For admins; to make an owner, "
        "for owners.",
        tags=["invitations"],
        request=InvitationInput,
        responses={201: InvitationSerializer},
    )
    def post(self, request: Request, organization_id: UUID) -> Response:
        organization = self.administered()
        given = InvitationInput(data=request.data)
        given.is_valid(raise_exception=True)
        made = services.invite(actor=actor_of(request), organization=organization, **given.validated_data)
        return Response(self.get_serializer(made).data, status=status.HTTP_201_CREATED)


class InvitationBulkView(IdempotentMixin, _InvitationsView):
    @extend_schema(
        operation_id="invitations_create_many",
        summary="Invite many at once",
        description="At most 100. Who is a member or invited already is passed over, and said so; a mistake in one undoes "
        "all.",
        tags=["invitations"],
        request=InvitationsInput,
        responses={200: OutcomesSerializer},
    )
    def post(self, request: Request, organization_id: UUID) -> Response:
        organization = self.administered()
        given = InvitationsInput(data=request.data)
        given.is_valid(raise_exception=True)
        people = [(each["email"], each["role"]) for each in given.validated_data["invitations"]]
        outcomes = services.invite_many(actor=actor_of(request), organization=organization, people=people)
        return Response(OutcomesSerializer({"results": outcomes}).data)


class InvitationView(_InvitationsView):
    @extend_schema(operation_id="invitations_retrieve", summary="An invitation", tags=["invitations"])
    def get(self, request: Request, organization_id: UUID, invitation_id: UUID) -> Response:
        return Response(self.get_serializer(self.invitation(invitation_id)).data)

    @extend_schema(
        operation_id="invitations_revoke",
        summary="Revoke an invitation",
        description="Its link is dead from now on.",
        tags=["invitations"],
        request=None,
        responses={204: None},
    )
    def delete(self, request: Request, organization_id: UUID, invitation_id: UUID) -> Response:
        services.revoke_invitation(actor=actor_of(request), invitation=self.invitation(invitation_id))
        return Response(status=status.HTTP_204_NO_CONTENT)


class ResendView(_InvitationsView):
    @extend_schema(
        operation_id="invitations_resend",
        summary="Send the letter again",
        description="With a new link and a new week; the old link is dead. At most once a minute.",
        tags=["invitations"],
        request=None,
        responses={200: InvitationSerializer},
    )
    def post(self, request: Request, organization_id: UUID, invitation_id: UUID) -> Response:
        sent = services.resend_invitation(actor=actor_of(request), invitation=self.invitation(invitation_id))
        return Response(self.get_serializer(sent).data)
