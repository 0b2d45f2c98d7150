"""The versions of a melody: listing, publishing, comparing, going back."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.authentication import actor_of
from apps.accounts.api.idempotency import IdempotentMixin
from apps.melodies import queries, services
from apps.melodies.api.parsers import DOCUMENT_PARSERS
from apps.melodies.api.serializers import VersionDetailSerializer, VersionDiffSerializer, VersionSerializer
from apps.melodies.api.views import (
    DOCUMENT_BODY,
    PUBLISHING,
    OneMelodyView,
    expected_versions,
    published,
    version_etag,
)
from apps.melodies.definition.diff import diff
from apps.melodies.definition.diff.text import unified
from apps.melodies.definition.diff.told import as_dict, bump_of, sentences
from apps.melodies.definition.kinds import known_kinds
from apps.melodies.models import MelodyVersion

_MOST_SHOWN: Final = 1_000
_MOST_STEPS: Final = 2_000
_LONGEST_SOURCE: Final = 1_000_000


def _named(name: str) -> OpenApiParameter:
    return OpenApiParameter(name, str, OpenApiParameter.PATH, description="Its number, its semver, or `latest`.")


class VersionListView(IdempotentMixin, OneMelodyView, ListAPIView[MelodyVersion]):
    serializer_class = VersionSerializer
    parser_classes = DOCUMENT_PARSERS
    queryset = MelodyVersion.objects.none()
    cursor_ordering = ("-number",)

    def get_queryset(self) -> QuerySet[MelodyVersion]:
        return queries.versions_of(self.melody())

    @extend_schema(operation_id="versions_list", summary="Versions of a melody", tags=["melodies"])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="versions_create",
        summary="Publish the next version",
        description="Sending what is there already changes nothing and answers 200 with the latest version.",
        tags=["melodies"],
        parameters=PUBLISHING,
        request=DOCUMENT_BODY,
        responses={200: VersionSerializer, 201: VersionSerializer},
    )
    def post(self, request: Request, melody_id: UUID) -> Response:
        return self.publish()


class VersionView(OneMelodyView, GenericAPIView[MelodyVersion]):
    serializer_class = VersionDetailSerializer
    queryset = MelodyVersion.objects.none()

    @extend_schema(
        operation_id="versions_get", summary="One version with its document", tags=["melodies"],
        parameters=[_named("version")],
    )  # fmt: skip
    def get(self, request: Request, melody_id: UUID, version: str) -> Response:
        found = queries.version_named(self.melody(), version)
        return Response(self.get_serializer(found).data, headers={"ETag": version_etag(found)})


class VersionRestoreView(IdempotentMixin, OneMelodyView, GenericAPIView[MelodyVersion]):
    serializer_class = VersionSerializer
    queryset = MelodyVersion.objects.none()

    @extend_schema(
        operation_id="versions_restore",
        summary="Go back to a version",
        description="Publishes a new version that says what this one says; 200 with the latest if that says so already.",
        tags=["melodies"],
        parameters=[_named("version"), PUBLISHING[-1]],
        request=None,
        responses={200: VersionSerializer, 201: VersionSerializer},
    )
    def post(self, request: Request, melody_id: UUID, version: str) -> Response:
        melody = self.melody()
        restored = services.restore_version(
            actor=actor_of(request), melody=melody, version=queries.version_named(melody, version),
            expected=expected_versions(request),
        )  # fmt: skip
        return published(melody, restored)


class VersionDiffView(OneMelodyView, GenericAPIView[MelodyVersion]):
    serializer_class = VersionDiffSerializer
    queryset = MelodyVersion.objects.none()
    pagination_class = None

    @extend_schema(
        operation_id="versions_diff",
        summary="What is different between two versions",
        description="Step by step and field by field, in words, and line by line.",
        tags=["melodies"],
        parameters=[_named("version"), _named("other")],
        responses={200: VersionDiffSerializer},
    )
    def get(self, request: Request, melody_id: UUID, version: str, other: str) -> Response:
        melody = self.melody()
        return Response(_compared(queries.version_named(melody, version), queries.version_named(melody, other)))


def _compared(before: MelodyVersion, after: MelodyVersion) -> dict[str, Any]:
    found = diff(before.document, after.document, known_kinds())
    told = list(sentences(found))
    return {
        "before": {"number": before.number, "semver": before.semver},
        "after": {"number": after.number, "semver": after.semver},
        "weight": bump_of(found),
        "summary": told[:_MOST_SHOWN],
        "counts": found.counts(),
        **as_dict(found, _MOST_SHOWN),
        "text": _text(before, after),
    }


def _text(before: MelodyVersion, after: MelodyVersion) -> str | None:
    """Writing YAML takes time: none of versions that nobody reads line by line."""
    for version in (before, after):
        if version.step_count > _MOST_STEPS or len(version.source) > _LONGEST_SOURCE:
            return None
    names = (f"version {before.number} ({before.semver})", f"version {after.number} ({after.semver})")
    return "".join(f"{line}\n" for line in unified(before.document, after.document, known_kinds(), names))
