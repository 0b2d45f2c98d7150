from __future__ import annotations

from dataclasses import asdict
from typing import Any
from uuid import UUID

import django_filters
from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.filters import OrderingFilter
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import queries as accounts
from apps.accounts.api.authentication import actor_of
from apps.accounts.api.idempotency import IdempotentMixin
from apps.accounts.models import User
from apps.core.api.views import TenantAPIView
from apps.core.errors import Invalid
from apps.melodies import queries, services
from apps.melodies.api.parsers import DOCUMENT_PARSERS, sent_document
from apps.melodies.api.serializers import (
    MelodyChangeSerializer,
    MelodySerializer,
    ValidationSerializer,
    VersionDetailSerializer,
    VersionSerializer,
)
from apps.melodies.models import Melody, MelodyStatus, MelodyVersion
from apps.projects import queries as projects
from apps.projects.models import Project

_YAML = {
    "type": "string",
    "description": "A melody in YAML.",
    "example": "workflow:\n  name: hello\n  steps:\n    - name: greet\n      type: test_echo\n      value: Hello\n",
}
DOCUMENT_BODY: dict[Any, Any] = {
    "application/yaml": _YAML,
    "application/json": OpenApiTypes.OBJECT,
    "text/yaml": _YAML,
    "application/x-yaml": _YAML,
}
"""For `extend_schema(request=…)`."""

ORGANIZATION = OpenApiParameter(
    "organization",
    str,
    description="Slug or id of the organization it shall belong to; your personal one if not given.",
)


PATH = OpenApiParameter(
    "path",
    str,
    description="The name by which a `pipeline_file` of another melody shall find it, such as pipelines/review.yaml.",
)

PROJECT = OpenApiParameter("project", UUID, description="The project it shall belong to: its secrets, its budgets.")


def _project(actor: User, reference: UUID | str | None) -> Project | None:
    if reference is None:
        return None
    try:
        identifier = reference if isinstance(reference, UUID) else UUID(reference)
    except ValueError:
        raise Invalid("`project` should be the id of a project.") from None
    return projects.project_for(actor=actor, project_id=identifier)


class MelodyFilter(django_filters.FilterSet):  # type: ignore[misc]  # the package has no types
    name = django_filters.CharFilter(lookup_expr="icontains", label="Part of the name, upper or lower case.")
    status = django_filters.ChoiceFilter(choices=MelodyStatus.choices)
    path = django_filters.CharFilter(label="The whole path.")
    project = django_filters.UUIDFilter(field_name="project_id", label="The id of a project.")

    class Meta:
        model = Melody
        fields = ("name", "status", "path", "project")


class MelodyListView(IdempotentMixin, TenantAPIView, ListAPIView[Melody]):
    serializer_class = MelodySerializer
    parser_classes = DOCUMENT_PARSERS
    queryset = Melody.objects.none()
    filter_backends = [django_filters.rest_framework.DjangoFilterBackend, OrderingFilter]
    filterset_class = MelodyFilter
    ordering_fields = ("id", "name", "created_at", "updated_at")
    ordering = ("-id",)

    def get_queryset(self) -> QuerySet[Melody]:
        return queries.melodies(actor=actor_of(self.request))

    @extend_schema(operation_id="melodies_list", summary="Melodies of my organizations", tags=["melodies"])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="melodies_create",
        summary="Create a melody",
        description="The body is the document itself. What is wrong with it comes back all at once in `errors`.",
        tags=["melodies"],
        parameters=[ORGANIZATION, PATH, PROJECT],
        request=DOCUMENT_BODY,
        responses={201: MelodySerializer},
    )
    def post(self, request: Request) -> Response:
        actor = actor_of(request)
        sent = sent_document(request)
        organization = accounts.organization_for(actor=actor, reference=request.query_params.get("organization"))
        version = services.create_melody(
            actor=actor,
            organization=organization,
            source=sent.source,
            media=sent.media,
            path=request.query_params.get("path"),
            project=_project(actor, request.query_params.get("project")),
        )
        melody = version.melody
        melody.latest = [version]  # type: ignore[attr-defined]  # as queries.melodies would
        data = self.get_serializer(melody).data
        return Response(data, status=status.HTTP_201_CREATED, headers={"Location": data["url"]})


class OneMelodyView(TenantAPIView):
    """Of one melody, which must be one of the caller's organizations'."""

    def melody(self) -> Melody:
        return queries.melody_for(actor=actor_of(self.request), melody_id=self.kwargs["melody_id"])

    def publish(self) -> Response:
        """The next version from the request's document: 201, or 200 with the latest if nothing has changed."""
        sent = sent_document(self.request)
        melody = self.melody()
        before = melody.latest[0].number if melody.latest else 0  # type: ignore[attr-defined]
        version = services.publish_version(
            actor=actor_of(self.request), melody=melody, source=sent.source, media=sent.media
        )
        code = status.HTTP_200_OK if version.number <= before else status.HTTP_201_CREATED
        return Response(VersionSerializer(version).data, status=code)


class MelodyView(OneMelodyView, GenericAPIView[Melody]):
    serializer_class = MelodySerializer
    queryset = Melody.objects.none()

    @extend_schema(operation_id="melodies_get", summary="One melody", tags=["melodies"])
    def get(self, request: Request, melody_id: UUID) -> Response:
        return Response(self.get_serializer(self.melody()).data)

    @extend_schema(
        operation_id="melodies_change",
        summary="Change path or project of a melody",
        description="Name and description come from the document: publish the next version to change those.",
        tags=["melodies"],
        request=MelodyChangeSerializer,
        responses={200: MelodySerializer},
    )
    def patch(self, request: Request, melody_id: UUID) -> Response:
        change = MelodyChangeSerializer(data=request.data)
        change.is_valid(raise_exception=True)
        melody = self.melody()
        actor, changes = actor_of(request), change.validated_data
        if "project" in changes:
            changes["project"] = _project(actor, changes["project"])
        services.change_melody(actor=actor, melody=melody, **changes)
        return Response(self.get_serializer(melody).data)


class MelodyDocumentView(OneMelodyView, GenericAPIView[MelodyVersion]):
    serializer_class = VersionSerializer
    parser_classes = DOCUMENT_PARSERS
    queryset = MelodyVersion.objects.none()

    @extend_schema(
        operation_id="melodies_put_document",
        summary="Replace the document",
        description="Publishes the next version. Sending what is there already changes nothing and answers 200.",
        tags=["melodies"],
        request=DOCUMENT_BODY,
        responses={200: VersionSerializer, 201: VersionSerializer},
    )
    def put(self, request: Request, melody_id: UUID) -> Response:
        return self.publish()


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
        request=DOCUMENT_BODY,
        responses={200: VersionSerializer, 201: VersionSerializer},
    )
    def post(self, request: Request, melody_id: UUID) -> Response:
        return self.publish()


class VersionView(OneMelodyView, GenericAPIView[MelodyVersion]):
    serializer_class = VersionDetailSerializer
    queryset = MelodyVersion.objects.none()

    @extend_schema(operation_id="versions_get", summary="One version with its document", tags=["melodies"])
    def get(self, request: Request, melody_id: UUID, number: int) -> Response:
        return Response(self.get_serializer(queries.version_of(self.melody(), number)).data)


class ValidateView(TenantAPIView, GenericAPIView[Any]):
    serializer_class = ValidationSerializer
    parser_classes = DOCUMENT_PARSERS

    @extend_schema(
        operation_id="melodies_validate",
        summary="Check a document",
        description="Keeps nothing. Answers 200 for a document that is not valid, too: `valid` says which it is. `warnings` "
        "are those of `melody lint`; a document that has only these can be used.",
        tags=["melodies"],
        request=DOCUMENT_BODY,
        responses={200: ValidationSerializer},
    )
    def post(self, request: Request) -> Response:
        sent = sent_document(request)
        report = services.lint_document(sent.source, sent.media)
        warnings = [asdict(problem) for problem in report.warnings]
        definition = report.definition
        if definition is None:
            errors = [asdict(problem) for problem in report.errors]
            return Response({"valid": False, "errors": errors, "warnings": warnings})
        steps = sum(1 for _ in definition.walk())
        return Response(
            {"valid": True, "name": definition.name, "steps": steps, "mode": definition.mode, "warnings": warnings}
        )
