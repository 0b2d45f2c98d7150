"""A melody as rows of steps and connections, for graphical editors; and as a document to take away."""

from __future__ import annotations

import re
from dataclasses import asdict
from typing import Any, Final
from uuid import UUID

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework.generics import GenericAPIView
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.authentication import actor_of
from apps.accounts.api.idempotency import IdempotentMixin
from apps.core.errors import Invalid
from apps.melodies import graphs, queries, services
from apps.melodies.api.graph_bodies import MelodyGraphSerializer, SentGraphSerializer, graph_body, sent_graph
from apps.melodies.api.parsers import JsonDocumentParser, sent_document
from apps.melodies.api.serializers import VersionSerializer
from apps.melodies.api.views import OneMelodyView
from apps.melodies.definition import InvalidDocument, load_value
from apps.melodies.definition.kinds import known_kinds
from apps.melodies.definition.rows_text import as_json, as_yaml, in_order
from apps.melodies.graphs import MelodyRows
from apps.melodies.models import MelodyGraph, MelodyVersion

IF_MATCH: Final = OpenApiParameter(
    "If-Match", str, OpenApiParameter.HEADER, description="The ETag you read: 412 if the graph has changed since."
)
_TAG: Final = re.compile(r'(?:W/)?"r(\d+)"\Z')


def _answer(rows: MelodyRows, **more: Any) -> Response:
    return Response(graph_body(rows) | more, headers={"ETag": f'"r{rows.revision}"'})


class GraphView(OneMelodyView, GenericAPIView[MelodyGraph]):
    serializer_class = MelodyGraphSerializer
    parser_classes = [JsonDocumentParser]
    queryset = MelodyGraph.objects.none()

    @extend_schema(
        operation_id="graph_get",
        summary="Steps and connections",
        description="The rows of a melody, with the places of its steps. While nobody has changed them they follow the latest version.",
        tags=["graphs"],
        responses={200: MelodyGraphSerializer},
    )
    def get(self, request: Request, melody_id: UUID) -> Response:
        return _answer(graphs.rows_of(self.melody()))

    @extend_schema(
        operation_id="graph_put",
        summary="Replace steps and connections",
        description="The rows must hang together, but need not make a valid melody yet: `problems` says what is missing.",
        tags=["graphs"],
        parameters=[IF_MATCH],
        request=SentGraphSerializer,
        responses={200: MelodyGraphSerializer},
    )
    def put(self, request: Request, melody_id: UUID) -> Response:
        melody = self.melody()
        services.may_write(actor=actor_of(request), melody=melody)
        graph = sent_graph(sent_document(request), graphs.rows_of(melody).graph)
        rows = services.save_graph(
            actor=actor_of(request), melody=melody, graph=graph, revision=_revision(request.headers.get("If-Match"))
        )
        return _answer(rows, problems=_problems(rows))


def _revision(tag: str | None) -> int | None:
    if tag is None or tag.strip() == "*":
        return None
    found = _TAG.match(tag.strip())
    if found is None:
        raise Invalid('If-Match takes the ETag of the graph as you read it, such as "r3".')
    return int(found.group(1))


def _problems(rows: MelodyRows) -> list[dict[str, Any]]:
    try:
        load_value(graphs.document_of(rows), known_kinds())
    except InvalidDocument as invalid:
        return [asdict(problem) for problem in invalid.problems]
    return []


class GraphImportView(IdempotentMixin, OneMelodyView, GenericAPIView[MelodyGraph]):
    serializer_class = MelodyGraphSerializer
    queryset = MelodyGraph.objects.none()

    @extend_schema(
        operation_id="graph_import",
        summary="Start again from a version",
        description="Changes that were not published are lost. Steps whose names stay keep their ids and places.",
        tags=["graphs"],
        parameters=[OpenApiParameter("version", int, description="Its number; the latest if not given.")],
        request=None,
        responses={200: MelodyGraphSerializer},
    )
    def post(self, request: Request, melody_id: UUID) -> Response:
        melody = self.melody()
        version = queries.version_of(melody, _number(request.query_params.get("version")))
        return _answer(services.import_document(actor=actor_of(request), melody=melody, version=version))


class GraphPublishView(IdempotentMixin, OneMelodyView, GenericAPIView[MelodyVersion]):
    serializer_class = VersionSerializer
    queryset = MelodyVersion.objects.none()

    @extend_schema(
        operation_id="graph_publish",
        summary="Publish what the graph says",
        description="The next version, written in YAML; 200 with the latest one if that says the same.",
        tags=["graphs"],
        parameters=[OpenApiParameter("force", bool, description="Also if another version was published since.")],
        request=None,
        responses={200: VersionSerializer, 201: VersionSerializer},
    )
    def post(self, request: Request, melody_id: UUID) -> Response:
        melody = self.melody()
        before = melody.latest[0].number if melody.latest else 0  # type: ignore[attr-defined]  # as queries.melodies
        force = request.query_params.get("force", "").lower() in ("true", "1")
        version = services.publish_graph(actor=actor_of(request), melody=melody, force=force)
        return Response(VersionSerializer(version).data, status=200 if version.number <= before else 201)


class _OneFormat(DefaultContentNegotiation):
    """`format` is this view's own parameter, and `Accept` asks for nothing it does not have."""

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> tuple[Any, str]:
        return renderers[0], renderers[0].media_type


class ExportView(OneMelodyView, GenericAPIView[MelodyVersion]):
    serializer_class = VersionSerializer
    queryset = MelodyVersion.objects.none()
    content_negotiation_class = _OneFormat

    @extend_schema(
        operation_id="melodies_export",
        summary="The document, to take away",
        description="A version that was sent in this format comes back letter by letter, comments included.",
        tags=["melodies"],
        parameters=[
            OpenApiParameter("format", str, enum=["yaml", "json"], description="yaml if not given."),
            OpenApiParameter("version", int, description="Its number; the latest if not given."),
        ],
        responses={
            (200, "application/yaml"): OpenApiResponse(OpenApiTypes.OBJECT, "The document."),
            (200, "application/json"): OpenApiResponse(OpenApiTypes.OBJECT, "The document."),
        },
    )
    def get(self, request: Request, melody_id: UUID) -> HttpResponse:
        wanted = request.query_params.get("format", "yaml")
        if wanted not in ("yaml", "json"):
            raise Invalid("`format` should be yaml or json.")
        version = queries.version_of(self.melody(), _number(request.query_params.get("version")))
        name = re.sub(r"[^A-Za-z0-9_-]+", "-", version.melody.name).strip("-")[:80] or "melody"
        return HttpResponse(
            _text(version, wanted),
            content_type=f"application/{wanted}; charset=utf-8",
            headers={
                "Content-Disposition": f'attachment; filename="{name}.{wanted}"',
                "ETag": f'"{version.sha256}-{wanted}"',
            },
        )


def _text(version: MelodyVersion, wanted: str) -> str:
    if version.media_type == f"application/{wanted}":
        return version.source
    if wanted == "json":
        return as_json(in_order(version.document, known_kinds()))
    return as_yaml(version.document, known_kinds())


def _number(written: str | None) -> int | None:
    if written is None:
        return None
    if not written.isascii() or not written.isdigit() or len(written) > 9:
        raise Invalid("`version` should be the number of a version.")
    return int(written)
