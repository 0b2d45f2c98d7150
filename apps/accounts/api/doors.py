"""What strangers may do: register, follow links of letters, choose a new password. No answer tells who has an account."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import services
from apps.accounts.api.authentication import actor_of
from apps.accounts.api.bodies import (
    AddressInput,
    JoinedSerializer,
    LinkInput,
    NewAccountInput,
    PasswordReset,
    ReceivedInvitationSerializer,
    RegistrationInput,
    SentSerializer,
    WelcomeSerializer,
)
from apps.accounts.api.scopes import require_session_or_full
from apps.accounts.api.serializers import UserSerializer
from apps.accounts.models import User
from apps.core.api.views import TenantAPIView

ON_ITS_WAY = "If this address can be used here, a letter is on its way to it."


class _Door(GenericAPIView[Any]):
    """Without authentication: a stale credential that came along is no obstacle, a good one no help."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    serializer_class = SentSerializer

    def given(self, request: Request, kind: type[Any]) -> dict[str, Any]:
        given = kind(data=request.data)
        given.is_valid(raise_exception=True)
        return dict(given.validated_data)

    def on_its_way(self) -> Response:
        return Response({"detail": ON_ITS_WAY}, status=status.HTTP_202_ACCEPTED)


class RegisterView(_Door):
    @extend_schema(
        operation_id="users_register",
        summary="Ask for an account",
        description="A letter brings a link to choose a password by. The answer is the same for an address that has an "
        "account: then the letter says so. 403 `sign_up_closed` where nobody registers by themselves.",
        tags=["users"],
        request=RegistrationInput,
        responses={202: SentSerializer},
        auth=[],
    )
    def post(self, request: Request) -> Response:
        services.request_registration(**self.given(request, RegistrationInput))
        return self.on_its_way()


class CompleteRegistrationView(_Door):
    @extend_schema(
        operation_id="users_complete_registration",
        summary="Make the account, by the link of the letter",
        tags=["users"],
        request=NewAccountInput,
        responses={201: UserSerializer},
        auth=[],
    )
    def post(self, request: Request) -> Response:
        user = services.complete_registration(**self.given(request, NewAccountInput))
        return Response(UserSerializer(user).data, status=status.HTTP_201_CREATED)


class ConfirmEmailView(_Door):
    @extend_schema(
        operation_id="users_confirm_email",
        summary="Verify an e-mail address, by the link of the letter",
        description="The account's own address, or a new one that then takes its place. 410 `link_dead` when it is too "
        "old or used.",
        tags=["users"],
        request=LinkInput,
        responses={204: None},
        auth=[],
    )
    def post(self, request: Request) -> Response:
        services.confirm_email(token=self.given(request, LinkInput)["token"])
        return Response(status=status.HTTP_204_NO_CONTENT)


class RequestResetView(_Door):
    @extend_schema(
        operation_id="users_request_password_reset",
        summary="Ask for a link to choose a new password",
        tags=["users"],
        request=AddressInput,
        responses={202: SentSerializer},
        auth=[],
    )
    def post(self, request: Request) -> Response:
        services.request_password_reset(email=self.given(request, AddressInput)["email"])
        return self.on_its_way()


class ResetView(_Door):
    @extend_schema(
        operation_id="users_reset_password",
        summary="Choose a new password, by the link of the letter",
        description="The link is good for one hour, and once.",
        tags=["users"],
        request=PasswordReset,
        responses={204: None},
        auth=[],
    )
    def post(self, request: Request) -> Response:
        services.reset_password(**self.given(request, PasswordReset))
        return Response(status=status.HTTP_204_NO_CONTENT)


class ShowInvitationView(_Door):
    @extend_schema(
        operation_id="invitations_show",
        summary="What the link of a letter invites to",
        tags=["invitations"],
        request=LinkInput,
        responses={200: ReceivedInvitationSerializer},
        auth=[],
    )
    def post(self, request: Request) -> Response:
        invitation = services.shown_invitation(self.given(request, LinkInput)["token"])
        return Response(ReceivedInvitationSerializer(invitation).data)


class RegisterInvitedView(_Door):
    @extend_schema(
        operation_id="invitations_register",
        summary="Make an account for the address that was invited, and join",
        description="Also where nobody else may register. 409 when the address has an account: sign in and accept.",
        tags=["invitations"],
        request=NewAccountInput,
        responses={201: WelcomeSerializer},
        auth=[],
    )
    def post(self, request: Request) -> Response:
        user, membership = services.register_invited(**self.given(request, NewAccountInput))
        body = {"user": user, "organization": membership.organization, "role": membership.role}
        return Response(WelcomeSerializer(body).data, status=status.HTTP_201_CREATED)


class _AnswerView(TenantAPIView, GenericAPIView[User]):
    serializer_class = LinkInput

    def token(self, request: Request) -> str:
        require_session_or_full(request)
        given = LinkInput(data=request.data)
        given.is_valid(raise_exception=True)
        return str(given.validated_data["token"])


class AcceptInvitationView(_AnswerView):
    @extend_schema(
        operation_id="invitations_accept",
        summary="Join, by the link of a letter",
        description="Only for the account whose verified e-mail address was invited.",
        tags=["invitations"],
        request=LinkInput,
        responses={200: JoinedSerializer},
    )
    def post(self, request: Request) -> Response:
        invitation = services.shown_invitation(self.token(request))
        membership = services.accept_invitation(actor=actor_of(request), invitation=invitation)
        return Response(JoinedSerializer({"organization": invitation.organization, "role": membership.role}).data)


class DeclineInvitationView(_AnswerView):
    @extend_schema(
        operation_id="invitations_decline",
        summary="Decline, by the link of a letter",
        tags=["invitations"],
        request=LinkInput,
        responses={204: None},
    )
    def post(self, request: Request) -> Response:
        invitation = services.shown_invitation(self.token(request))
        services.decline_invitation(actor=actor_of(request), invitation=invitation)
        return Response(status=status.HTTP_204_NO_CONTENT)
