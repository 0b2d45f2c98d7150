"""Signing in to the website, and what became of it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib.sessions.backends.base import SessionBase
from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from oauth2_provider.models import Application
from rest_framework import status
from rest_framework.authentication import SessionAuthentication
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.authentication import actor_of
from apps.accounts.api.scopes import credential_of, require_session_or_full
from apps.accounts.credentials import WEBSITE
from apps.core.api.views import TenantAPIView
from apps.core.attempts import TooManyAttempts
from apps.core.errors import NotFound
from apps.signin import queries
from apps.signin.api.serializers import (
    ConnectionSerializer,
    EndedSerializer,
    RefreshInput,
    ScopesInput,
    SessionSerializer,
    SignedInSerializer,
    SignInInput,
    as_answer,
)
from apps.signin.errors import EmailUnverified, SignInRefused
from apps.signin.models import SignInSession
from apps.signin.services import connections, passwords, sessions
from apps.signin.services.sessions import SignedIn

NO_STORE = {"Cache-Control": "no-store"}


class _SignInView(GenericAPIView[Any]):
    """For whoever is not signed in yet: a credential that came along is not looked at, so that a stale one is no obstacle."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    serializer_class = SignedInSerializer

    def handle_exception(self, exc: Exception) -> Any:
        response = super().handle_exception(exc)
        if isinstance(exc, SignInRefused | TooManyAttempts | EmailUnverified):
            # Nothing went wrong here: what was refused is counted, traced, and sometimes ended, and that shall stay.
            transaction.set_rollback(False)
            response["Cache-Control"] = NO_STORE["Cache-Control"]
        return response

    def given(self, request: Request, kind: type[Any]) -> Any:
        given = kind(data=request.data)
        given.is_valid(raise_exception=True)
        return given.validated_data

    def answer(self, signed_in: SignedIn) -> Response:
        return Response(as_answer(signed_in), headers=NO_STORE)


class SignInView(_SignInView):
    @extend_schema(
        operation_id="auth_sign_in",
        summary="Sign in with e-mail address and password",
        description="An access token for ten minutes, and a refresh token for what comes after. Accounts with a second "
        "factor answer 401 `second_factor_required` until `code` is sent along. Too many attempts: 429 with `Retry-After`.",
        tags=["auth"],
        request=SignInInput,
        responses={200: SignedInSerializer},
        auth=[],
    )
    def post(self, request: Request) -> Response:
        given = self.given(request, SignInInput)
        user = passwords.verify_password(email=given["email"], password=given["password"], road="website")
        passwords.verify_second_factor(user=user, code=given["code"], road="website")
        return self.answer(sessions.open_session(actor=user, scopes=given["scopes"], road="website"))


class RefreshView(_SignInView):
    @extend_schema(
        operation_id="auth_refresh",
        summary="Stay signed in",
        description="Trades a refresh token for the next one and a new access token. A token that is sent again later ends "
        "its session: somebody may have copied it.",
        tags=["auth"],
        request=RefreshInput,
        responses={200: SignedInSerializer},
        auth=[],
    )
    def post(self, request: Request) -> Response:
        return self.answer(sessions.refresh_session(secret=self.given(request, RefreshInput)["refresh"]))


class RevokeView(_SignInView):
    @extend_schema(
        operation_id="auth_sign_out",
        summary="Sign out",
        description="Ends the session of this refresh token. The answer is the same for a token nobody knows.",
        tags=["auth"],
        request=RefreshInput,
        responses={204: None},
        auth=[],
    )
    def post(self, request: Request) -> Response:
        sessions.end_session_of(secret=self.given(request, RefreshInput)["refresh"])
        return Response(status=status.HTTP_204_NO_CONTENT)


class FromBrowserView(TenantAPIView, GenericAPIView[Any]):
    """After a sign-in that only a browser can do: social, passkeys."""

    authentication_classes = (SessionAuthentication,)
    serializer_class = SignedInSerializer

    @extend_schema(
        operation_id="auth_from_browser",
        summary="Tokens for a browser that is signed in",
        description="For a website on the same origin, after a sign-in by page. Needs the session cookie and `X-CSRFToken`.",
        tags=["auth"],
        request=ScopesInput,
        responses={200: SignedInSerializer},
    )
    def post(self, request: Request) -> Response:
        given = ScopesInput(data=request.data)
        given.is_valid(raise_exception=True)
        signed_in = sessions.open_session(
            actor=actor_of(request), scopes=given.validated_data["scopes"], road="browser session"
        )
        return Response(as_answer(signed_in), headers=NO_STORE)


class _MineView(TenantAPIView, GenericAPIView[Any]):
    """One's own sessions: for full credentials only, lest a token of few scopes end what guards against it."""

    def check_permissions(self, request: Request) -> None:
        super().check_permissions(request)
        require_session_or_full(request)


class _SessionView(_MineView):
    serializer_class = SessionSerializer
    queryset = SignInSession.objects.none()
    cursor_ordering = ("-last_used_at", "-id")

    def get_queryset(self) -> QuerySet[SignInSession]:
        return queries.sessions(actor=actor_of(self.request))

    def get_serializer_context(self) -> dict[str, Any]:
        current = self.current()
        return {**super().get_serializer_context(), "current": None if current is None else current.pk}

    def current(self) -> SignInSession | None:
        credential = credential_of(self.request)
        if credential is not None:
            known = credential.kind == WEBSITE
            return self.get_queryset().filter(pk=credential.id).first() if known else None
        browser: SessionBase = self.request.session
        return self.get_queryset().filter(browser_key=browser.session_key or "").first()


class SessionListView(_SessionView, ListAPIView[SignInSession]):
    @extend_schema(
        operation_id="auth_sessions_list",
        summary="Where I am signed in",
        description="Sessions of the website and of browsers that are not over. Programs are under `auth/connections/`.",
        tags=["auth"],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="auth_sessions_end_others",
        summary="Sign out everywhere else",
        description="Ends all sessions but the one this request comes from.",
        tags=["auth"],
        request=None,
        responses={200: EndedSerializer},
    )
    def delete(self, request: Request) -> Response:
        return Response({"ended": sessions.end_sessions(actor=actor_of(request), but=self.current())})


class SessionView(_SessionView):
    @extend_schema(
        operation_id="auth_sessions_end",
        summary="End a session",
        tags=["auth"],
        request=None,
        responses={204: None},
    )
    def delete(self, request: Request, session_id: UUID) -> Response:
        session = self.get_queryset().filter(pk=session_id).first()
        if session is None:
            raise NotFound("There is no such session, or it is over already.")
        sessions.end_session(actor=actor_of(request), session=session)
        return Response(status=status.HTTP_204_NO_CONTENT)


class _ConnectionView(_MineView):
    serializer_class = ConnectionSerializer
    queryset = Application.objects.none()
    cursor_ordering = ("id",)

    def get_queryset(self) -> QuerySet[Application]:
        return queries.connections(actor=actor_of(self.request))


class ConnectionListView(_ConnectionView, ListAPIView[Application]):
    @extend_schema(operation_id="auth_connections_list", summary="Programs that act for me", tags=["auth"])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class ConnectionView(_ConnectionView):
    @extend_schema(
        operation_id="auth_connections_end",
        summary="Disconnect a program",
        tags=["auth"],
        request=None,
        responses={204: None},
    )
    def delete(self, request: Request, connection_id: int) -> Response:
        application = self.get_queryset().filter(pk=connection_id).first()
        if application is None:
            raise NotFound("This program holds no token of yours.")
        connections.disconnect(actor=actor_of(request), application=application)
        return Response(status=status.HTTP_204_NO_CONTENT)
