from __future__ import annotations

import re
from dataclasses import asdict
from typing import Any, Final
from uuid import UUID

from django.db.models import QuerySet
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import queries as accounts
from apps.accounts.api.authentication import actor_of
from apps.accounts.api.idempotency import IdempotentMixin
from apps.accounts.models import User
from apps.agents import queries as agents
from apps.core.api.etags import IF_MATCH, check_if_match, etag_of, sent_etags
from apps.core.api.views import TenantAPIView
from apps.core.errors import Invalid
from apps.melodies import queries, services
from apps.melodies.api.filters import MelodyFilter, MelodyOrdering
from apps.melodies.api.parsers import DOCUMENT_PARSERS, sent_document
from apps.melodies.api.serializers import (
    NEW_STATUSES,
    MelodyChangeSerializer,
    MelodySerializer,
    ValidationSerializer,
    VersionSerializer,
)
from apps.melodies.models import Melody, MelodyStatus, MelodyVersion
from apps.projects import queries as projects
from apps.projects.models import Project

_VERSION_TAG: Final = re.compile(r'"v([0-9]{1,9})"', re.ASCII)
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


def project_named(actor: User, reference: UUID | str | None) -> Project | None:
    if reference is None:
        return None
    try:
        identifier = reference if isinstance(reference, UUID) else UUID(reference)
    except ValueError:
        raise Invalid("`project` should be the id of a project.") from None
    return projects.project_for(actor=actor, project_id=identifier)


PUBLISHING = [
    OpenApiParameter("semver", str, description="MAJOR.MINOR.PATCH, higher than the latest; made from what has changed if not given."),
    OpenApiParameter("change_summary", str, description="What has changed, in your words; told from the documents if not given."),
    OpenApiParameter("If-Match", str, OpenApiParameter.HEADER,
                     description='The ETag of the latest version you know, such as "v3": 412 if there is a later one.'),
]  # fmt: skip

STATUS = OpenApiParameter(
    "status",
    str,
    enum=[value for value, _ in NEW_STATUSES],
    description="active if not given; a draft is yet to become it.",
)


def _status(written: str | None) -> str:
    if written is not None and written not in dict(NEW_STATUSES):
        raise Invalid("A new melody's `status` should be draft or active.")
    return written or MelodyStatus.ACTIVE


def created(view: GenericAPIView[Any], version: MelodyVersion) -> Response:
    """The answer to what has made a melody."""
    melody = version.melody
    melody.latest = [version]  # type: ignore[attr-defined]  # as queries.melodies would
    queries.add_lineage([melody], actor=actor_of(view.request))
    data = MelodySerializer(melody, context=view.get_serializer_context()).data
    headers = {"Location": data["url"], "ETag": etag_of(melody)}
    return Response(data, status=status.HTTP_201_CREATED, headers=headers)


class MelodyListView(IdempotentMixin, TenantAPIView, ListAPIView[Melody]):
    serializer_class = MelodySerializer
    parser_classes = DOCUMENT_PARSERS
    queryset = Melody.objects.none()
    filter_backends = [DjangoFilterBackend, MelodyOrdering]
    filterset_class = MelodyFilter
    ordering_fields = ("id", "name", "created_at", "updated_at")

    def get_queryset(self) -> QuerySet[Melody]:
        return queries.melodies(actor=actor_of(self.request))

    def narrowed(self, ordered: QuerySet[Melody], most: int) -> QuerySet[Melody]:
        if "score" in ordered.query.annotations:
            return ordered
        return queries.first_of_each(ordered, most, actor=actor_of(self.request))

    def paginate_queryset(self, queryset: Any) -> Any:
        page = super().paginate_queryset(queryset)
        queries.add_lineage(page or (), actor=actor_of(self.request))
        return page

    @extend_schema(operation_id="melodies_list", summary="Melodies of my organizations", tags=["melodies"])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="melodies_create",
        summary="Create a melody",
        description="The body is the document itself. What is wrong with it comes back all at once in `errors`.",
        tags=["melodies"],
        parameters=[ORGANIZATION, PATH, PROJECT, STATUS],
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
            project=project_named(actor, request.query_params.get("project")),
            status=_status(request.query_params.get("status")),
        )
        return created(self, version)


class OneMelodyView(TenantAPIView):
    """Of one melody, which must be one of the caller's organizations'."""

    def melody(self) -> Melody:
        return queries.melody_for(actor=actor_of(self.request), melody_id=self.kwargs["melody_id"])

    def publish(self) -> Response:
        """The next version from the request's document: 201, or 200 with the latest if nothing has changed."""
        sent = sent_document(self.request)
        melody, asked = self.melody(), self.request.query_params
        version = services.publish_version(
            actor=actor_of(self.request), melody=melody, source=sent.source, media=sent.media, semver=asked.get("semver"),
            change_summary=asked.get("change_summary"), expected=expected_versions(self.request),
        )  # fmt: skip
        return published(melody, version)


def expected_versions(request: Request) -> list[int] | None:
    """The numbers of versions that `If-Match` names, by their ETags; what is no such ETag matches none."""
    tags = sent_etags(request)
    if tags is None:
        return None
    return [int(found.group(1)) for tag in tags if (found := _VERSION_TAG.fullmatch(tag)) is not None]


def published(melody: Melody, version: MelodyVersion) -> Response:
    """`melody` as it was read before: what has a higher number than its latest is new."""
    before = melody.latest[0].number if melody.latest else 0  # type: ignore[attr-defined]  # by queries.melodies
    code = status.HTTP_200_OK if version.number <= before else status.HTTP_201_CREATED
    return Response(VersionSerializer(version).data, status=code, headers={"ETag": version_etag(version)})


def version_etag(version: MelodyVersion) -> str:
    return f'"v{version.number}"'


class MelodyView(OneMelodyView, GenericAPIView[Melody]):
    serializer_class = MelodySerializer
    queryset = Melody.objects.none()

    def answer(self) -> Response:
        melody = self.melody()
        queries.add_lineage([melody], actor=actor_of(self.request))
        return Response(self.get_serializer(melody).data, headers={"ETag": etag_of(melody)})

    @extend_schema(operation_id="melodies_get", summary="One melody", tags=["melodies"])
    def get(self, request: Request, melody_id: UUID) -> Response:
        return self.answer()

    @extend_schema(
        operation_id="melodies_change",
        summary="Change a melody",
        description="All but what its document says: publish the next version to change name and description.",
        tags=["melodies"],
        parameters=[IF_MATCH],
        request=MelodyChangeSerializer,
        responses={200: MelodySerializer},
    )
    def patch(self, request: Request, melody_id: UUID) -> Response:
        change = MelodyChangeSerializer(data=request.data)
        change.is_valid(raise_exception=True)
        melody = self.melody()
        actor, changes = actor_of(request), change.validated_data
        if "project" in changes:
            changes["project"] = project_named(actor, changes["project"])
        check_if_match(request, melody)
        if "agent" in changes:
            agent = changes.pop("agent")
            owner = None if agent is None else agents.agent_for(actor=actor, agent_id=agent)
            services.assign_agent(actor=actor, melody=melody, agent=owner)
        services.change_melody(actor=actor, melody=melody, **changes)
        return self.answer()

    @extend_schema(
        operation_id="melodies_delete",
        summary="Delete a melody",
        description="With its versions, for good. While there are runs of it the answer is 409: archive it instead.",
        tags=["melodies"],
        parameters=[IF_MATCH],
        request=None,
        responses={204: None},
    )
    def delete(self, request: Request, melody_id: UUID) -> Response:
        melody = self.melody()
        check_if_match(request, melody)
        services.delete_melodies(actor=actor_of(request), melodies=[melody])
        return Response(status=status.HTTP_204_NO_CONTENT)


class MelodyDocumentView(OneMelodyView, GenericAPIView[MelodyVersion]):
    serializer_class = VersionSerializer
    parser_classes = DOCUMENT_PARSERS
    queryset = MelodyVersion.objects.none()

    @extend_schema(
        operation_id="melodies_put_document",
        summary="Replace the document",
        description="Publishes the next version. Sending what is there already changes nothing and answers 200.",
        tags=["melodies"],
        parameters=PUBLISHING,
        request=DOCUMENT_BODY,
        responses={200: VersionSerializer, 201: VersionSerializer},
    )
    def put(self, request: Request, melody_id: UUID) -> Response:
        return self.publish()


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
