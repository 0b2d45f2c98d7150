"""Who is in a project, over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.authentication import actor_of
from apps.accounts.api.idempotency import IdempotentMixin
from apps.accounts.api.scopes import require_administer
from apps.accounts.errors import invalid
from apps.accounts.models import Membership, Team, User
from apps.projects import queries, services
from apps.projects.api.serializers import (
    ProjectAccessInput,
    ProjectAccessSerializer,
    ProjectMemberSerializer,
    ProjectRoleInput,
)
from apps.projects.api.views import OneProjectView
from apps.projects.models import Project, ProjectAccess


class ProjectAccessListView(IdempotentMixin, OneProjectView, ListAPIView[ProjectAccess]):
    serializer_class = ProjectAccessSerializer
    queryset = ProjectAccess.objects.none()
    cursor_ordering = ("created_at", "id")

    def get_queryset(self) -> QuerySet[ProjectAccess]:
        return queries.grants(actor=actor_of(self.request), project=self.project())

    @extend_schema(
        operation_id="projects_access",
        summary="Who is named in a project",
        description="People and teams with their roles. Admins of the organization are in every project, named or not.",
        tags=["projects"],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="projects_access_give",
        summary="Name somebody in a project",
        description="A member of the organization, or a team. For admins of the project.",
        tags=["projects"],
        request=ProjectAccessInput,
        responses={201: ProjectAccessSerializer},
    )
    def post(self, request: Request, project_id: UUID) -> Response:
        project = self.project()
        require_administer(request)
        given = ProjectAccessInput(data=request.data)
        given.is_valid(raise_exception=True)
        grant = services.name_in_project(
            actor=actor_of(request), project=project, **_named(project, given.validated_data)
        )
        return Response(self.get_serializer(grant).data, status=status.HTTP_201_CREATED)


def _named(project: Project, given: dict[str, Any]) -> dict[str, Any]:
    """The people and teams behind the ids; who is not of the organization is as good as nobody."""
    found: dict[str, Any] = {"role": given["role"]}
    if (user_id := given.get("user")) is not None:
        found["user"] = User.objects.filter(memberships__organization=project.organization_id, pk=user_id).first()
        if found["user"] is None:
            raise invalid("/user", "not_a_member", "Only members of the organization can be named in its projects.")
    if (team_id := given.get("team")) is not None:
        found["team"] = Team.objects.filter(organization=project.organization_id, pk=team_id).first()
        if found["team"] is None:
            raise invalid("/team", "no_such_team", "There is no such team in the project's organization.")
    return found


class ProjectAccessView(OneProjectView, GenericAPIView[ProjectAccess]):
    serializer_class = ProjectAccessSerializer
    queryset = ProjectAccess.objects.none()

    def grant(self) -> ProjectAccess:
        project = self.project()
        grant = queries.grant_for(actor=actor_of(self.request), project=project, grant_id=self.kwargs["access_id"])
        grant.project = project
        return grant

    @extend_schema(
        operation_id="projects_access_change",
        summary="Change a role in a project",
        description="For admins of the project.",
        tags=["projects"],
        request=ProjectRoleInput,
    )
    def patch(self, request: Request, project_id: UUID, access_id: UUID) -> Response:
        grant = self.grant()
        require_administer(request)
        given = ProjectRoleInput(data=request.data)
        given.is_valid(raise_exception=True)
        grant = services.change_role(actor=actor_of(request), grant=grant, role=given.validated_data["role"])
        return Response(self.get_serializer(grant).data)

    @extend_schema(
        operation_id="projects_access_take",
        summary="Take somebody out of a project",
        description="For admins of the project; everybody may take themselves out.",
        tags=["projects"],
        request=None,
        responses={204: None},
    )
    def delete(self, request: Request, project_id: UUID, access_id: UUID) -> Response:
        grant = self.grant()
        if grant.user_id != actor_of(request).pk:
            require_administer(request)
        services.remove_access(actor=actor_of(request), grant=grant)
        return Response(status=status.HTTP_204_NO_CONTENT)


class ProjectMemberListView(OneProjectView, ListAPIView[Membership]):
    serializer_class = ProjectMemberSerializer
    queryset = Membership.objects.none()
    filter_backends = []
    cursor_ordering = ("id",)

    @extend_schema(
        operation_id="projects_members",
        summary="Everybody in a project",
        description="With the role that their organization, and how they are named, gives them in it.",
        tags=["projects"],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        project = self.project()
        page = list(self.paginate_queryset(queries.members(actor=actor_of(request), project=project)) or [])
        context = {**self.get_serializer_context(), "roles": queries.roles_of(project=project, memberships=page)}
        shown = [ProjectMemberSerializer(membership, context=context).data for membership in page]
        return self.get_paginated_response(shown)
