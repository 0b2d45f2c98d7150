"""The bytes of an artifact. They came from a melody, so a browser must not take them for a page of ours."""

from __future__ import annotations

import re
from typing import Final
from uuid import UUID

from django.http import HttpResponse, HttpResponseNotModified, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.http import content_disposition_header, parse_etags
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request

from apps.accounts.api.authentication import actor_of
from apps.accounts.models import User
from apps.core.api.exceptions import problem_of
from apps.core.api.views import TenantAPIView
from apps.executions import blobs, lookups
from apps.executions.api.negotiation import OneRepresentation
from apps.executions.errors import BlobDamaged, BlobMissing
from apps.executions.models import Artifact
from apps.executions.services.damage import record_damage, watched

INLINE: Final = frozenset(
    {
        "text/plain",
        "text/markdown",
        "text/csv",
        "application/json",
        "image/png",
        "image/jpeg",
        "image/gif",
        "image/webp",
        # Shown, but as strangers: the policy below lets them run nothing and reach nothing.
        "image/svg+xml",
        "text/html",
    }
)
STRANGER: Final = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"
READ_BEFORE: Final = 1 << 20
_TYPE: Final = re.compile(r"([\w.+-]+/[\w.+-]+)(;\s*charset=[\w-]+)?", re.ASCII)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


class ArtifactContentView(TenantAPIView, GenericAPIView[Artifact]):
    queryset = Artifact.objects.none()
    content_negotiation_class = OneRepresentation

    @extend_schema(
        operation_id="artifacts_content",
        summary="The bytes of an artifact",
        description="Checked against their hash, which is the ETag as well.",
        tags=["executions"],
        parameters=[OpenApiParameter("download", bool, description="Never show it, save it.")],
        responses={(200, "*/*"): OpenApiTypes.BINARY, 304: None},
    )
    def get(self, request: Request, artifact_id: UUID) -> HttpResponseBase:
        artifact = lookups.artifact_for(actor=actor_of(request), artifact_id=artifact_id)
        etag = f'"{artifact.content_hash}"'
        response: HttpResponseBase
        if _knows(request, etag):
            response = HttpResponseNotModified()
        else:
            try:
                response = _content(actor_of(request), artifact, _headers(artifact, request))
            except (BlobDamaged, BlobMissing) as error:
                record_damage(actor=actor_of(request), artifact=artifact, error=error)
                # An answer, not an exception: what was just written down is to be kept.
                return problem_of(error)
        response.headers["ETag"] = etag
        # Bytes never change, but who may see them does.
        response.headers["Cache-Control"] = "private, no-cache"
        return response


def _content(actor: User, artifact: Artifact, headers: dict[str, str]) -> HttpResponseBase:
    """Small ones are read to their end before anything is sent. Large ones are streamed: damage breaks them off, and the
    length that was told before says so."""
    pieces = blobs.stream(str(artifact.organization_id), artifact.content_hash)
    if artifact.size <= READ_BEFORE:
        return HttpResponse(b"".join(pieces), headers=headers)
    told = watched(pieces, actor=actor, artifact=artifact)
    return StreamingHttpResponse(told, headers={**headers, "Content-Length": str(artifact.size)})


def _knows(request: Request, etag: str) -> bool:
    known = parse_etags(request.headers.get("If-None-Match", ""))
    return "*" in known or etag in (tag.removeprefix("W/") for tag in known)


def _headers(artifact: Artifact, request: Request) -> dict[str, str]:
    download = "download" in request.query_params
    match = _TYPE.fullmatch(artifact.content_type.strip())
    kind = match.group(1).lower() if match else "application/octet-stream"
    charset = (match.group(2) if match else None) or ("; charset=utf-8" if kind.startswith("text/") else "")
    name = _CONTROL.sub("_", artifact.name.rpartition("/")[2]) or "artifact"
    return {
        "Content-Type": kind + charset,
        "Content-Disposition": content_disposition_header(download or kind not in INLINE, name) or "attachment",
        "Content-Security-Policy": STRANGER,
        "X-Content-Type-Options": "nosniff",
    }
