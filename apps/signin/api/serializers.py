from __future__ import annotations

from typing import Any

from oauth2_provider.models import Application
from rest_framework import serializers

from apps.accounts.permissions import Action
from apps.signin.api.jwt import SessionAccessToken
from apps.signin.models import SignInSession
from apps.signin.services.passwords import LONGEST_PASSWORD
from apps.signin.services.sessions import SignedIn


class ScopesInput(serializers.Serializer[Any]):
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=list(Action)),
        default=list,
        max_length=len(Action),
        help_text="What the session may be used for; empty for all that you may do.",
    )


class SignInInput(ScopesInput):
    email = serializers.CharField(max_length=254)
    password = serializers.CharField(max_length=LONGEST_PASSWORD, trim_whitespace=False)
    code = serializers.CharField(
        max_length=20,
        default="",
        allow_blank=True,
        help_text="The second factor, for accounts that have one: of the authenticator app, or a recovery code.",
    )


class RefreshInput(serializers.Serializer[Any]):
    refresh = serializers.CharField(max_length=200)


class SignedInSerializer(serializers.Serializer[Any]):
    """What keeps the website signed in."""

    access = serializers.CharField(help_text="Send it as `Authorization: Bearer …`.")
    token_type = serializers.CharField(help_text="Always `Bearer`.")
    expires_in = serializers.IntegerField(help_text="Seconds until the access token expires; refresh it before.")
    refresh = serializers.CharField(help_text="Works once: each refresh answers with the next one. Keep it secret.")
    session = serializers.UUIDField()
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=list(Action)))


def as_answer(signed_in: SignedIn) -> dict[str, Any]:
    token = SessionAccessToken.for_session(signed_in.session)
    return {
        "access": str(token),
        "token_type": "Bearer",
        "expires_in": token.seconds,
        "refresh": signed_in.refresh,
        "session": str(signed_in.session.pk),
        "scopes": signed_in.session.scopes,
    }


class SessionSerializer(serializers.ModelSerializer[SignInSession]):
    kind = serializers.ChoiceField(choices=("website", "browser"), read_only=True)
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=list(Action)), read_only=True)
    current = serializers.SerializerMethodField(help_text="Whether this request comes from it.")

    class Meta:
        model = SignInSession
        fields = (
            "id",
            "kind",
            "current",
            "device",
            "address",
            "scopes",
            "created_at",
            "last_used_at",
            "expires_at",
        )
        read_only_fields = fields

    def get_current(self, session: SignInSession) -> bool:
        return bool(session.pk == self.context.get("current"))


class EndedSerializer(serializers.Serializer[Any]):
    ended = serializers.IntegerField(help_text="How many sessions were ended.")


class ConnectionSerializer(serializers.ModelSerializer[Application]):
    """A program that may act for you."""

    connected_at = serializers.DateTimeField(read_only=True)
    last_used_at = serializers.DateTimeField(read_only=True)

    class Meta:
        model = Application
        fields = ("id", "client_id", "name", "connected_at", "last_used_at")
        read_only_fields = fields
