"""Webhooks: their secrets, and where deliveries come in."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import IO, Any, Final

from django.conf import settings
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.parsers import BaseParser
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from apps.accounts.api.authentication import actor_of
from apps.accounts.permissions import Action
from apps.core.api.parsers import DEEPEST, is_deeper
from apps.core.api.views import TenantAPIView
from apps.core.errors import Invalid, TooLarge
from apps.core.redaction import is_secret_name
from apps.melodies.permissions import require_for
from apps.triggers import services
from apps.triggers.api.serializers import DeliverySerializer, SecretInput, SecretSerializer
from apps.triggers.api.views import OfOneTrigger

_MOST_TOLD: Final = 50
_LONGEST_TOLD: Final = 1_000
_TOLD: Final = frozenset({"content-type", "user-agent"})


class RawParser(BaseParser):
    """The bytes as they came: they are what was signed."""

    media_type = "*/*"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        body: bytes = stream.read(settings.SYMPHONY_HOOK_MAX_BYTES + 1)
        if len(body) > settings.SYMPHONY_HOOK_MAX_BYTES:
            raise TooLarge(f"A delivery has at most {settings.SYMPHONY_HOOK_MAX_BYTES:,} bytes.")
        return body


class RotateSecretView(OfOneTrigger):
    """Not idempotent by a key: the answer holds a secret and is kept nowhere."""

    serializer_class = SecretSerializer

    @extend_schema(
        operation_id="triggers_rotate_secret",
        summary="Give a webhook a new secret",
        description="Shown this once. Deliveries signed with the secrets before it are taken for `overlap_seconds` more.",
        tags=["triggers"],
        request=SecretInput,
        responses={201: SecretSerializer},
    )
    def post(self, request: Request, trigger_id: Any) -> Response:
        trigger = self.trigger()
        require_for(actor=actor_of(request), melody=trigger.melody, action=Action.WRITE)
        given = SecretInput(data=request.data)
        given.is_valid(raise_exception=True)
        overlap = timedelta(seconds=given.validated_data["overlap_seconds"])
        row, secret = services.rotate_secret(actor=actor_of(request), trigger=trigger, overlap=overlap)
        answer = {"secret": secret, "created_at": row.created_at, "others_until": row.created_at + overlap}
        return Response(
            SecretSerializer(answer).data, status=status.HTTP_201_CREATED, headers={"Cache-Control": "no-store"}
        )


class HookView(TenantAPIView, APIView):
    """Nobody signs in here: what is sent is signed itself."""

    authentication_classes = []
    permission_classes = [AllowAny]
    parser_classes = [RawParser]

    @extend_schema(
        operation_id="hooks_deliver",
        summary="Deliver to a webhook",
        description="Signed as the Standard Webhooks specification says. 404 for every delivery that is not, whether there "
        "is such a hook or not. A delivery that comes again starts nothing again.",
        tags=["triggers"],
        auth=[],
        parameters=[
            OpenApiParameter(
                "webhook-id", str, OpenApiParameter.HEADER, description="Of the delivery: the same when it is repeated."
            ),
            OpenApiParameter("webhook-timestamp", str, OpenApiParameter.HEADER, description="Seconds since 1970."),
            OpenApiParameter(
                "webhook-signature", str, OpenApiParameter.HEADER, description="`v1,` and base64 of the HMAC-SHA256."
            ),
        ],
        request={"application/json": OpenApiTypes.ANY},
        responses={202: DeliverySerializer},
    )
    def post(self, request: Request, public_id: str) -> Response:
        # Nothing sent is an empty form to DRF.
        sent: Any = request.data
        body: bytes = sent if isinstance(sent, bytes) else b""
        delivery_id, now = request.headers.get("webhook-id", ""), timezone.now()
        trigger = services.verified_hook(
            public_id=public_id,
            delivery_id=delivery_id,
            timestamp=request.headers.get("webhook-timestamp", ""),
            signature=request.headers.get("webhook-signature", ""),
            body=body,
            now=now,
        )
        # Counted once it is known who sends: others can not use up what the sender has.
        services.keep_pace(trigger.organization_id, hook=public_id)
        firing, is_known = services.receive(
            trigger=trigger,
            delivery_id=delivery_id,
            payload=_json(body),
            headers=_told(request.headers),
            query=_asked(request.query_params),
            now=now,
        )
        answer = {"delivery": delivery_id, "firing": firing.pk, "duplicate": is_known}
        return Response(DeliverySerializer(answer).data, status=status.HTTP_202_ACCEPTED)


def _json(body: bytes) -> Any:
    if not body:
        return None
    try:
        value = json.loads(body, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        message = "A delivery's body is JSON, or empty."
        raise Invalid(message, errors=[{"code": "json", "message": message, "pointer": ""}]) from None
    if is_deeper(value, DEEPEST):
        message = f"More than {DEEPEST} lists and objects stand inside each other; send less of them."
        raise Invalid(message, errors=[{"code": "too_deep", "message": message, "pointer": ""}])
    return value


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def _asked(query: Mapping[str, Any]) -> dict[str, str]:
    """As with headers: whoever may look at the run reads it."""
    wanted = ((name, str(value)[:_LONGEST_TOLD]) for name, value in query.items() if not is_secret_name(name))
    return dict(list(wanted)[:_MOST_TOLD])


def _told(headers: Mapping[str, str]) -> dict[str, str]:
    """What a mapping may want to know of who sent it, by lower-case names; nothing that looks like a secret."""
    named = {name.lower(): value for name, value in headers.items()}
    wanted = (
        (name, value[:_LONGEST_TOLD])
        for name, value in named.items()
        if (name in _TOLD or name.startswith("x-")) and not is_secret_name(name) and "signature" not in name
    )
    return dict(list(wanted)[:_MOST_TOLD])
