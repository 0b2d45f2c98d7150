"""Teams, over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import django_filters
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.filters import OrderingFilter
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import queries, services
from apps.accounts.api.authentication import actor_of
from apps.accounts.api.bodies import (
    RoleInput,
    TeamChange,
    TeamInput,
    TeamMemberInput,
    TeamMemberSerializer,
    TeamSerializer,
)
from apps.accounts.api.idempotency import IdempotentMixin
from apps.accounts.api.organizations import OneOrganizationView
from apps.accounts.api.scopes import require_administer
from apps.accounts.models import Role, Team, TeamMembership
from apps.core.api.etags import IF_MATCH, check_if_match, etag_of
from apps.core.api.filters import TrueOrFalseFilter
from apps.core.errors import NotFound


class TeamFilter(django_filters.FilterSet):  # type: ignore[misc]  # the package has no types
    search = django_filters.CharFilter(method="with_words", label="Words of name or description.")
    mine = TrueOrFalseFilter(method="of_mine", label="Only those I am in.")

    class Meta:
        model = Team
        fields = ("search", "mine")

    def with_words(self, found: QuerySet[Team], name: str, words: str) -> QuerySet[Team]:
        return queries.teams_with(found, words)

    def of_mine(self, found: QuerySet[Team], name: str, wanted: bool) -> QuerySet[Team]:  # noqa: FBT001 - the package's
        return queries.teams_of(found, actor=actor_of(self.request)) if wanted else found


class _TeamsView(OneOrganizationView, GenericAPIView[Team]):
    serializer_class = TeamSerializer
    queryset = Team.objects.none()

    def get_queryset(self) -> QuerySet[Team]:
        return queries.teams(actor=actor_of(self.request), organization=self.organization())

    def team(self, team_id: UUID) -> Team:
        found = self.get_queryset().filter(pk=team_id).first()
        if found is None:
            raise NotFound("There is no such team.")
        return found


class TeamListView(IdempotentMixin, _TeamsView, ListAPIView[Team]):
    filter_backends = [django_filters.rest_framework.DjangoFilterBackend, OrderingFilter]
    filterset_class = TeamFilter
    ordering_fields = ("id", "name", "created_at", "updated_at")
    ordering = ("-id",)

    @extend_schema(operation_id="teams_list", summary="Teams of an organization", tags=["teams"])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="teams_create",
        summary="Create a team",
        description="For admins of the organization.",
        tags=["teams"],
        request=TeamInput,
        responses={201: TeamSerializer},
    )
    def post(self, request: Request, organization_id: UUID) -> Response:
        organization = self.organization()
        require_administer(request)
        given = TeamInput(data=request.data)
        given.is_valid(raise_exception=True)
        team = services.create_team(actor=actor_of(request), organization=organization, **given.validated_data)
        data = TeamSerializer(self.team(team.pk)).data
        return Response(data, status=status.HTTP_201_CREATED, headers={"ETag": etag_of(team)})


class TeamView(_TeamsView):
    @extend_schema(operation_id="teams_retrieve", summary="A team", tags=["teams"])
    def get(self, request: Request, organization_id: UUID, team_id: UUID) -> Response:
        team = self.team(team_id)
        return Response(self.get_serializer(team).data, headers={"ETag": etag_of(team)})

    @extend_schema(
        operation_id="teams_update",
        summary="Change a team",
        description="What is left out stays. `settings` is a merge patch (RFC 7396). For who leads the team, and admins of "
        "the organization.",
        tags=["teams"],
        request=TeamChange,
        responses={200: TeamSerializer},
        parameters=[IF_MATCH],
    )
    def patch(self, request: Request, organization_id: UUID, team_id: UUID) -> Response:
        team = self.team(team_id)
        require_administer(request)
        given = TeamChange(data=request.data)
        given.is_valid(raise_exception=True)
        check_if_match(request, team)
        changed = services.update_team(actor=actor_of(request), team=team, **given.validated_data)
        data = self.get_serializer(self.team(team_id)).data
        return Response(data, headers={"ETag": etag_of(changed)})

    @extend_schema(
        operation_id="teams_delete",
        summary="Delete a team",
        description="For admins of the organization. Its members stay members of that.",
        tags=["teams"],
        request=None,
        responses={204: None},
    )
    def delete(self, request: Request, organization_id: UUID, team_id: UUID) -> Response:
        team = self.team(team_id)
        require_administer(request)
        services.delete_team(actor=actor_of(request), team=team)
        return Response(status=status.HTTP_204_NO_CONTENT)


class TeamMemberFilter(django_filters.FilterSet):  # type: ignore[misc]  # the package has no types
    role = django_filters.ChoiceFilter(choices=Role.choices)
    search = django_filters.CharFilter(method="with_words", label="Words of name, username or e-mail address.")

    class Meta:
        model = TeamMembership
        fields = ("role", "search")

    def with_words(self, found: QuerySet[TeamMembership], name: str, words: str) -> QuerySet[TeamMembership]:
        return queries.members_with(found, words)


class TeamMemberListView(IdempotentMixin, OneOrganizationView, ListAPIView[TeamMembership]):
    serializer_class = TeamMemberSerializer
    queryset = TeamMembership.objects.none()
    filter_backends = [django_filters.rest_framework.DjangoFilterBackend, OrderingFilter]
    filterset_class = TeamMemberFilter
    ordering_fields = ("id", "joined_at", "role")
    ordering = ("id",)

    def team(self) -> Team:
        return team_of(self)

    def get_queryset(self) -> QuerySet[TeamMembership]:
        return queries.team_members(actor=actor_of(self.request), team=self.team())

    @extend_schema(operation_id="teams_members", summary="Members of a team", tags=["teams"])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="teams_add_member",
        summary="Add a member of the organization to a team",
        description="For who leads the team, and admins of the organization.",
        tags=["teams"],
        request=TeamMemberInput,
        responses={201: TeamMemberSerializer},
    )
    def post(self, request: Request, organization_id: UUID, team_id: UUID) -> Response:
        team, actor = self.team(), actor_of(request)
        # Who is in a team is in its projects.
        require_administer(request)
        given = TeamMemberInput(data=request.data)
        given.is_valid(raise_exception=True)
        found = queries.members(actor=actor, organization=team.organization)
        member = found.filter(pk=given.validated_data["member"]).first()
        if member is None:
            raise NotFound("There is no such member of the organization.")
        made = services.add_team_member(actor=actor, team=team, member=member, role=given.validated_data["role"])
        return Response(self.get_serializer(made).data, status=status.HTTP_201_CREATED)


class TeamMemberView(OneOrganizationView, GenericAPIView[TeamMembership]):
    serializer_class = TeamMemberSerializer

    @extend_schema(
        operation_id="teams_change_role",
        summary="Change the role of a member of a team",
        tags=["teams"],
        request=RoleInput,
        responses={200: TeamMemberSerializer},
    )
    def patch(self, request: Request, organization_id: UUID, team_id: UUID, member_id: UUID) -> Response:
        member = self._member(member_id)
        require_administer(request)
        given = RoleInput(data=request.data)
        given.is_valid(raise_exception=True)
        role = given.validated_data["role"]
        changed = services.change_team_role(actor=actor_of(request), member=member, role=role)
        return Response(self.get_serializer(changed).data)

    @extend_schema(
        operation_id="teams_remove_member",
        summary="Remove a member from a team",
        description="Oneself, for everybody.",
        tags=["teams"],
        request=None,
        responses={204: None},
    )
    def delete(self, request: Request, organization_id: UUID, team_id: UUID, member_id: UUID) -> Response:
        actor, member = actor_of(request), self._member(member_id)
        if member.user_id != actor.pk:
            require_administer(request)
        services.remove_team_member(actor=actor, member=member)
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _member(self, member_id: UUID) -> TeamMembership:
        found = queries.team_members(actor=actor_of(self.request), team=team_of(self)).filter(pk=member_id).first()
        if found is None:
            raise NotFound("There is no such member of the team.")
        return found


def team_of(view: OneOrganizationView) -> Team:
    found = queries.teams(actor=actor_of(view.request), organization=view.organization())
    team = found.filter(pk=view.kwargs["team_id"]).first()
    if team is None:
        raise NotFound("There is no such team.")
    return team
