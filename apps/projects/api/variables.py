"""Variables of a project, over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts.api.authentication import actor_of
from apps.core.api.etags import IF_MATCH, check_if_match, etag_of
from apps.projects import queries, services
from apps.projects.api.serializers import VariableInput, VariableSerializer, VariablesInput
from apps.projects.api.views import OneProjectView
from apps.projects.errors import VariableNotFound
from apps.projects.models import ProjectVariable
from apps.projects.services import GivenVariable

_NAME = OpenApiParameter(
    "name", str, OpenApiParameter.PATH, description="Letters a-z, digits and `_`, a letter or `_` first."
)


class VariableListView(OneProjectView, ListAPIView[ProjectVariable]):
    serializer_class = VariableSerializer
    queryset = ProjectVariable.objects.none()
    cursor_ordering = ("name",)

    def get_queryset(self) -> QuerySet[ProjectVariable]:
        return queries.variables(actor=actor_of(self.request), project=self.project())

    @extend_schema(
        operation_id="projects_variables",
        summary="Variables of a project",
        description="What runs of its melodies start with, unless the melody itself gives the name another value.",
        tags=["projects"],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="projects_variables_replace",
        summary="Replace all variables",
        description="Exactly these from now on; or, if something is wrong with one of them, nothing changes.",
        tags=["projects"],
        request=VariablesInput,
        responses={200: VariableSerializer(many=True)},
    )
    def put(self, request: Request, project_id: UUID) -> Response:
        project = self.project()
        sent = VariablesInput(data=request.data)
        sent.is_valid(raise_exception=True)
        given = [GivenVariable(**each) for each in sent.validated_data["variables"]]
        services.replace_variables(actor=actor_of(request), project=project, given=given)
        return self.list(request)


class VariableView(OneProjectView, GenericAPIView[ProjectVariable]):
    serializer_class = VariableSerializer
    queryset = ProjectVariable.objects.none()

    def variable(self) -> ProjectVariable | None:
        name = self.kwargs["name"].replace("\0", " ")
        return queries.variables(actor=actor_of(self.request), project=self.project()).filter(name=name).first()

    @extend_schema(operation_id="projects_variables_get", summary="One variable", tags=["projects"], parameters=[_NAME])
    def get(self, request: Request, project_id: UUID, name: str) -> Response:
        found = self.variable()
        if found is None:
            raise VariableNotFound
        return Response(self.get_serializer(found).data, headers={"ETag": etag_of(found)})

    @extend_schema(
        operation_id="projects_variables_store",
        summary="Store a variable",
        description="Replaces what was there.",
        tags=["projects"],
        parameters=[_NAME, IF_MATCH],
        request=VariableInput,
        responses={200: VariableSerializer, 201: VariableSerializer},
    )
    def put(self, request: Request, project_id: UUID, name: str) -> Response:
        project = self.project()
        sent = VariableInput(data=request.data)
        sent.is_valid(raise_exception=True)
        before = self.variable()
        if before is not None:
            check_if_match(request, before)
        variable, new = services.set_variable(
            actor=actor_of(request), project=project, given=GivenVariable(name=name, **sent.validated_data)
        )
        code = status.HTTP_201_CREATED if new else status.HTTP_200_OK
        return Response(self.get_serializer(variable).data, status=code, headers={"ETag": etag_of(variable)})

    @extend_schema(
        operation_id="projects_variables_delete",
        summary="Delete a variable",
        tags=["projects"],
        parameters=[_NAME],
        request=None,
        responses={204: None},
    )
    def delete(self, request: Request, project_id: UUID, name: str) -> Response:
        services.delete_variable(actor=actor_of(request), project=self.project(), name=name)
        return Response(status=status.HTTP_204_NO_CONTENT)
