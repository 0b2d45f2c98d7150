"""Secrets of projects and organizations, over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import queries as accounts
from apps.accounts.api.authentication import actor_of
from apps.accounts.api.scopes import require_administer
from apps.accounts.models import Organization
from apps.core.api.views import TenantAPIView
from apps.projects import queries, services
from apps.projects.api.serializers import SecretInput, SecretSerializer
from apps.projects.models import Project, Secret

_NAME = OpenApiParameter(
    "name", str, OpenApiParameter.PATH, description="Capital letters, digits and `_`, a letter first."
)


class _SecretView(TenantAPIView):
    """Of a project, or of the whole organization, as the address says."""

    def place(self) -> tuple[Organization, Project | None]:
        actor = actor_of(self.request)
        if "project_id" in self.kwargs:
            project = queries.project_for(actor=actor, project_id=self.kwargs["project_id"])
            return project.organization, project
        return accounts.organization_for(actor=actor, reference=str(self.kwargs["organization_id"])), None


class _SecretListView(_SecretView, ListAPIView[Secret]):
    serializer_class = SecretSerializer
    queryset = Secret.objects.none()
    cursor_ordering = ("name",)

    def get_queryset(self) -> QuerySet[Secret]:
        organization, project = self.place()
        return queries.secrets(actor=actor_of(self.request), organization=organization, project=project)


class _OneSecretView(_SecretView, GenericAPIView[Secret]):
    """Not idempotent by key: the request holds the value."""

    serializer_class = SecretSerializer
    queryset = Secret.objects.none()

    def store(self, request: Request) -> Response:
        organization, project = self.place()
        require_administer(request)
        given = SecretInput(data=request.data)
        given.is_valid(raise_exception=True)
        secret = services.set_secret(
            actor=actor_of(request),
            organization=organization,
            project=project,
            name=self.kwargs["name"],
            value=given.validated_data["value"],
        )
        code = status.HTTP_201_CREATED if secret.created_at == secret.updated_at else status.HTTP_200_OK
        return Response(self.get_serializer(secret).data, status=code)

    def remove(self, request: Request) -> Response:
        organization, project = self.place()
        require_administer(request)
        services.delete_secret(
            actor=actor_of(request), organization=organization, project=project, name=self.kwargs["name"]
        )
        return Response(status=status.HTTP_204_NO_CONTENT)


class OrganizationSecretListView(_SecretListView):
    @extend_schema(
        operation_id="organizations_secrets",
        summary="Names of an organization's secrets",
        description="Those that all its projects share.",
        tags=["secrets"],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class ProjectSecretListView(_SecretListView):
    @extend_schema(operation_id="projects_secrets", summary="Names of a project's own secrets", tags=["secrets"])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


_STORE: dict[str, Any] = {
    "summary": "Store a secret",
    "description": "Replaces what was there. The value is not shown again, to nobody. For admins.",
    "tags": ["secrets"],
    "parameters": [_NAME],
    "request": SecretInput,
    "responses": {200: SecretSerializer, 201: SecretSerializer},
}
_DELETE: dict[str, Any] = {
    "summary": "Delete a secret",
    "description": "For admins.",
    "tags": ["secrets"],
    "parameters": [_NAME],
    "request": None,
    "responses": {204: None},
}


class OrganizationSecretView(_OneSecretView):
    @extend_schema(operation_id="organizations_secrets_store", **_STORE)
    def put(self, request: Request, organization_id: UUID, name: str) -> Response:
        return self.store(request)

    @extend_schema(operation_id="organizations_secrets_delete", **_DELETE)
    def delete(self, request: Request, organization_id: UUID, name: str) -> Response:
        return self.remove(request)


class ProjectSecretView(_OneSecretView):
    @extend_schema(operation_id="projects_secrets_store", **_STORE)
    def put(self, request: Request, project_id: UUID, name: str) -> Response:
        return self.store(request)

    @extend_schema(operation_id="projects_secrets_delete", **_DELETE)
    def delete(self, request: Request, project_id: UUID, name: str) -> Response:
        return self.remove(request)
