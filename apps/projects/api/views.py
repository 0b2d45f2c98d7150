from __future__ import annotations

from typing import Any, Final
from uuid import UUID

import django_filters
from django.db.models import Q, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.filters import OrderingFilter
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import queries as accounts
from apps.accounts.api.authentication import actor_of
from apps.accounts.api.idempotency import IdempotentMixin
from apps.accounts.api.scopes import require_administer
from apps.accounts.models import Organization
from apps.core.api.etags import IF_MATCH, check_if_match, etag_of
from apps.core.api.filters import TrueOrFalseFilter
from apps.core.api.views import TenantAPIView
from apps.projects import queries, services
from apps.projects.api.serializers import ProjectChange, ProjectInput, ProjectSerializer
from apps.projects.models import Project, ProjectAccessMode

_ADMINISTERED: Final = frozenset({"access", "archived"})


class ProjectFilter(django_filters.FilterSet):  # type: ignore[misc]  # the package has no types
    search = django_filters.CharFilter(method="with_words", label="Part of name, slug or description.")
    access = django_filters.ChoiceFilter(choices=ProjectAccessMode.choices)
    archived = TrueOrFalseFilter(
        field_name="archived_at", lookup_expr="isnull", exclude=True, label="Only archived ones, or only the others."
    )

    class Meta:
        model = Project
        fields = ("search", "access", "archived")

    def with_words(self, found: QuerySet[Project], name: str, words: str) -> QuerySet[Project]:
        return found.filter(Q(name__icontains=words) | Q(slug__icontains=words) | Q(description__icontains=words))


class ProjectListView(IdempotentMixin, TenantAPIView, ListAPIView[Project]):
    serializer_class = ProjectSerializer
    queryset = Project.objects.none()
    filter_backends = [django_filters.rest_framework.DjangoFilterBackend, OrderingFilter]
    filterset_class = ProjectFilter
    ordering_fields = ("id", "name", "created_at", "updated_at")
    ordering = ("-id",)

    def organization(self) -> Organization:
        return accounts.organization_for(actor=actor_of(self.request), reference=str(self.kwargs["organization_id"]))

    def get_queryset(self) -> QuerySet[Project]:
        return queries.projects(actor=actor_of(self.request), organization=self.organization())

    @extend_schema(
        operation_id="projects_list",
        summary="Projects of an organization",
        description="Those that exist for you: of the restricted ones, those in which you are named.",
        tags=["projects"],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="projects_create",
        summary="Create a project",
        description="You are named in it as its owner.",
        tags=["projects"],
        request=ProjectInput,
        responses={201: ProjectSerializer},
    )
    def post(self, request: Request, organization_id: UUID) -> Response:
        organization = self.organization()
        given = ProjectInput(data=request.data)
        given.is_valid(raise_exception=True)
        project = services.create_project(actor=actor_of(request), organization=organization, **given.validated_data)
        data = self.get_serializer(project).data
        headers = {"Location": data["url"], "ETag": etag_of(project)}
        return Response(data, status=status.HTTP_201_CREATED, headers=headers)


class OneProjectView(TenantAPIView):
    """Of one project, which must exist for the caller."""

    def project(self) -> Project:
        return queries.project_for(actor=actor_of(self.request), project_id=self.kwargs["project_id"])


class ProjectView(OneProjectView, GenericAPIView[Project]):
    serializer_class = ProjectSerializer
    queryset = Project.objects.none()

    def answer(self, project: Project) -> Response:
        return Response(self.get_serializer(project).data, headers={"ETag": etag_of(project)})

    @extend_schema(operation_id="projects_get", summary="One project", tags=["projects"])
    def get(self, request: Request, project_id: UUID) -> Response:
        return self.answer(self.project())

    @extend_schema(
        operation_id="projects_change",
        summary="Change a project",
        description="What is not given stays as it is. To change `access` or `archived` is for admins of the project.",
        tags=["projects"],
        parameters=[IF_MATCH],
        request=ProjectChange,
    )
    def patch(self, request: Request, project_id: UUID) -> Response:
        project = self.project()
        given = ProjectChange(data=request.data, partial=True)
        given.is_valid(raise_exception=True)
        if _ADMINISTERED & given.validated_data.keys():
            require_administer(request)
        check_if_match(request, project)
        return self.answer(self.changed(project, dict(given.validated_data)))

    def changed(self, project: Project, changes: dict[str, Any]) -> Project:
        """Out of the archive first, into it last: in between the rest is changed."""
        actor, archived = actor_of(self.request), changes.pop("archived", None)
        if archived is False:
            project = services.unarchive_project(actor=actor, project=project)
        if changes:
            project = services.update_project(actor=actor, project=project, **changes)
        if archived is True:
            project = services.archive_project(actor=actor, project=project)
        return project

    @extend_schema(
        operation_id="projects_delete",
        summary="Delete a project",
        description="With its variables, secrets and budgets; its melodies stay. A restricted project with melodies stays "
        "too (409). For admins of the project.",
        tags=["projects"],
        parameters=[IF_MATCH],
        request=None,
        responses={204: None},
    )
    def delete(self, request: Request, project_id: UUID) -> Response:
        project = self.project()
        require_administer(request)
        check_if_match(request, project)
        services.delete_project(actor=actor_of(request), project=project)
        return Response(status=status.HTTP_204_NO_CONTENT)
