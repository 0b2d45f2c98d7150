"""The JSON Schema of the language, for everybody."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import Final

from django.http import HttpResponse
from django.utils.cache import patch_cache_control
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.views import APIView

from apps.melodies.definition.kinds import known_kinds
from apps.melodies.definition.schema import as_text, melody_schema

_MAX_AGE: Final = 3600


class MelodySchemaView(APIView):
    """Needs nobody to sign in: editors fetch it by address alone."""

    authentication_classes = ()
    permission_classes = (AllowAny,)

    @extend_schema(
        operation_id="melody_schema",
        summary="JSON Schema of the melody language",
        description="Draft 2020-12, for editors: completion, descriptions, and errors of shape while you type.",
        tags=["melodies"],
        auth=[],
        responses={
            (200, "application/schema+json"): OpenApiResponse(OpenApiTypes.OBJECT, "The schema."),
            304: OpenApiResponse(None, "It is the one you have."),
        },
    )
    def get(self, request: Request) -> HttpResponse:
        text, tag = _schema(frozenset(known_kinds()))
        known = [known.strip().removeprefix("W/") for known in request.headers.get("If-None-Match", "").split(",")]
        if tag in known or "*" in known:
            response = HttpResponse(status=304)
        else:
            response = HttpResponse(text, content_type="application/schema+json; charset=utf-8")
        response["ETag"] = tag
        response["Access-Control-Allow-Origin"] = "*"
        patch_cache_control(response, public=True, max_age=_MAX_AGE)
        return response


@lru_cache(maxsize=2)
def _schema(kinds: frozenset[str]) -> tuple[bytes, str]:
    """Text and ETag; made once, for the kinds are the same as long as the process lives."""
    text = as_text(melody_schema({name: known_kinds()[name] for name in kinds}), indent=None).encode()
    return text, f'"{hashlib.sha256(text).hexdigest()[:32]}"'
