"""Oneself and others, over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.auth import update_session_auth_hash
from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import queries, services
from apps.accounts.api.authentication import actor_of
from apps.accounts.api.bodies import (
    EmailChange,
    EraseInput,
    ErasureSerializer,
    JoinedSerializer,
    PasswordChange,
    ProfileChange,
    PublicUserSerializer,
    ReceivedInvitationSerializer,
    SentSerializer,
)
from apps.accounts.api.scopes import require_person, require_session_or_full
from apps.accounts.api.serializers import UserSerializer
from apps.accounts.models import Invitation, User
from apps.core.api.etags import IF_MATCH, check_if_match, etag_of
from apps.core.api.views import TenantAPIView
from apps.core.errors import NotFound
from apps.core.tenancy import local_setting

SENT = "A letter is on its way to {}."


class MeView(TenantAPIView, GenericAPIView[User]):
    serializer_class = UserSerializer

    @extend_schema(operation_id="users_me", summary="Who am I?", tags=["users"])
    def get(self, request: Request) -> Response:
        user = actor_of(request)
        return Response(self.get_serializer(user).data, headers={"ETag": etag_of(user)})

    @extend_schema(
        operation_id="users_update",
        summary="Change my profile",
        description="What is left out stays. `preferences` and `social_links` are merge patches (RFC 7396).",
        tags=["users"],
        request=ProfileChange,
        responses={200: UserSerializer},
        parameters=[IF_MATCH],
    )
    def patch(self, request: Request) -> Response:
        actor = actor_of(request)
        given = ProfileChange(data=request.data)
        given.is_valid(raise_exception=True)
        check_if_match(request, actor)
        user = services.update_profile(actor=actor, **given.validated_data)
        return Response(self.get_serializer(user).data, headers={"ETag": etag_of(user)})


class PersonView(TenantAPIView, GenericAPIView[User]):
    serializer_class = PublicUserSerializer

    @extend_schema(operation_id="users_retrieve", summary="Somebody's public profile", tags=["users"])
    def get(self, request: Request, username: str) -> Response:
        return Response(self.get_serializer(queries.person(username=username)).data)


class _PersonalView(TenantAPIView, GenericAPIView[User]):
    """What only the person does, not a program with a token of theirs."""

    serializer_class = SentSerializer

    def check_permissions(self, request: Request) -> None:
        super().check_permissions(request)
        require_session_or_full(request)

    def given(self, request: Request, kind: type[Any]) -> dict[str, Any]:
        given = kind(data=request.data)
        given.is_valid(raise_exception=True)
        return dict(given.validated_data)


class PasswordView(_PersonalView):
    @extend_schema(
        operation_id="users_change_password",
        summary="Change my password",
        description="Needs the old one. Other sign-ins end; API tokens stay.",
        tags=["users"],
        request=PasswordChange,
        responses={204: None},
    )
    def post(self, request: Request) -> Response:
        given = self.given(request, PasswordChange)
        user = services.change_password(actor=actor_of(request), old=given["old_password"], new=given["new_password"])
        if request.auth is None:
            # Else this session of a browser would end with the others.
            update_session_auth_hash(request._request, user)  # noqa: SLF001 - Django's own request is what it takes
        return Response(status=status.HTTP_204_NO_CONTENT)


class EmailView(_PersonalView):
    @extend_schema(
        operation_id="users_change_email",
        summary="Change my e-mail address",
        description="Nothing changes until the link in the letter to the new address is followed.",
        tags=["users"],
        request=EmailChange,
        responses={202: SentSerializer},
    )
    def post(self, request: Request) -> Response:
        given = self.given(request, EmailChange)
        services.request_email_change(actor=actor_of(request), email=given["email"], password=given["password"])
        return Response({"detail": SENT.format(given["email"])}, status=status.HTTP_202_ACCEPTED)


class VerificationView(_PersonalView):
    @extend_schema(
        operation_id="users_send_verification",
        summary="Send me a letter to verify my e-mail address",
        description="At most one a minute; more answer 429 with `Retry-After`.",
        tags=["users"],
        request=None,
        responses={202: SentSerializer},
    )
    def post(self, request: Request) -> Response:
        actor = actor_of(request)
        services.send_verification(actor=actor)
        return Response({"detail": SENT.format(actor.email)}, status=status.HTTP_202_ACCEPTED)


class ExportView(_PersonalView):
    @extend_schema(
        operation_id="users_export",
        summary="Everything that is kept about me",
        description="By section; each part of Symphony adds its own.",
        tags=["users"],
        responses={200: OpenApiTypes.OBJECT},
    )
    def get(self, request: Request) -> Response:
        data = services.export_personal_data(actor=actor_of(request))
        return Response(data, headers={"Content-Disposition": 'attachment; filename="symphony-export.json"'})


class EraseView(_PersonalView):
    def check_permissions(self, request: Request) -> None:
        super().check_permissions(request)
        require_person(request)

    @extend_schema(
        operation_id="users_erase",
        summary="Erase my account",
        description="For good. Refused (409 `still_owner`) while others work in an organization that you alone own. What "
        "others rely on stays, without your name.",
        tags=["users"],
        request=EraseInput,
        responses={200: ErasureSerializer},
    )
    def post(self, request: Request) -> Response:
        given = self.given(request, EraseInput)
        erasure = services.erase_person(actor=actor_of(request), **given)
        return Response({"kept": list(erasure.kept)})


class _ReceivedView(TenantAPIView, GenericAPIView[Invitation]):
    serializer_class = ReceivedInvitationSerializer
    queryset = Invitation.objects.none()

    def get_queryset(self) -> QuerySet[Invitation]:
        return queries.invitations_to(actor=actor_of(self.request))

    def invitation(self, invitation_id: UUID) -> Invitation:
        with local_setting("app.invited", "on"):
            found = self.get_queryset().filter(pk=invitation_id).first()
        if found is None:
            raise NotFound("There is no such invitation to you, or it is open no more.")
        return found


class ReceivedInvitationsView(_ReceivedView, ListAPIView[Invitation]):
    @extend_schema(
        operation_id="users_invitations",
        summary="Invitations to me",
        description="Those that are open, to the e-mail address of the account, once it is verified.",
        tags=["users"],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        with local_setting("app.invited", "on"):
            return super().get(request, *args, **kwargs)


class AcceptReceivedView(_ReceivedView):
    @extend_schema(
        operation_id="users_accept_invitation",
        summary="Join the organization",
        tags=["users"],
        request=None,
        responses={200: JoinedSerializer},
    )
    def post(self, request: Request, invitation_id: UUID) -> Response:
        require_session_or_full(request)
        invitation = self.invitation(invitation_id)
        membership = services.accept_invitation(actor=actor_of(request), invitation=invitation)
        return Response(JoinedSerializer({"organization": invitation.organization, "role": membership.role}).data)


class DeclineReceivedView(_ReceivedView):
    @extend_schema(
        operation_id="users_decline_invitation",
        summary="Decline the invitation",
        tags=["users"],
        request=None,
        responses={204: None},
    )
    def post(self, request: Request, invitation_id: UUID) -> Response:
        require_session_or_full(request)
        services.decline_invitation(actor=actor_of(request), invitation=self.invitation(invitation_id))
        return Response(status=status.HTTP_204_NO_CONTENT)
