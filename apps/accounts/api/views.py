from __future__ import annotations

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from apps.accounts import queries, services
from apps.accounts.api.authentication import actor_of
from apps.accounts.api.idempotency import IdempotentMixin
from apps.accounts.api.serializers import (
    MembershipSerializer,
    NewTokenSerializer,
    OrganizationInput,
    OrganizationSerializer,
    TokenInput,
    TokenSerializer,
    UserSerializer,
)
from apps.accounts.models import ApiToken, Membership, Organization, User
from apps.accounts.permissions import Action, token_may
from apps.core.api.views import TenantAPIView
from apps.core.errors import Forbidden, NotFound


class MeView(TenantAPIView, GenericAPIView[User]):
    serializer_class = UserSerializer

    @extend_schema(operation_id="users_me", summary="Who am I?", tags=["users"])
    def get(self, request: Request) -> Response:
        return Response(self.get_serializer(request.user).data)


class OrganizationListView(IdempotentMixin, TenantAPIView, ListAPIView[Organization]):
    serializer_class = OrganizationSerializer
    queryset = Organization.objects.none()

    def get_queryset(self) -> QuerySet[Organization]:
        return queries.organizations(actor=actor_of(self.request))

    @extend_schema(operation_id="organizations_list", summary="My organizations", tags=["organizations"])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="organizations_create",
        summary="Found an organization",
        tags=["organizations"],
        request=OrganizationInput,
        responses={201: OrganizationSerializer},
    )
    def post(self, request: Request) -> Response:
        given = OrganizationInput(data=request.data)
        given.is_valid(raise_exception=True)
        organization = services.create_organization(actor=actor_of(request), name=given.validated_data["name"])
        return Response(self.get_serializer(organization).data, status=status.HTTP_201_CREATED)


class MemberListView(TenantAPIView, ListAPIView[Membership]):
    serializer_class = MembershipSerializer
    queryset = Membership.objects.none()
    cursor_ordering = ("id",)

    def get_queryset(self) -> QuerySet[Membership]:
        organization = queries.organization_for(
            actor=actor_of(self.request), reference=str(self.kwargs["organization_id"])
        )
        return queries.members(actor=actor_of(self.request), organization=organization)

    @extend_schema(operation_id="organizations_members", summary="Members of an organization", tags=["organizations"])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class _TokenView(TenantAPIView, GenericAPIView[ApiToken]):
    """A token of few scopes must not be a way to one of more."""

    serializer_class = TokenSerializer
    queryset = ApiToken.objects.none()

    def check_permissions(self, request: Request) -> None:
        super().check_permissions(request)
        if isinstance(request.auth, ApiToken) and not token_may(request.auth, Action.ADMINISTER):
            raise Forbidden("Only a token without scopes, or with the scope administer, may manage tokens.")

    def get_queryset(self) -> QuerySet[ApiToken]:
        return queries.tokens(actor=actor_of(self.request))


class TokenListView(_TokenView, ListAPIView[ApiToken]):
    """Not idempotent by key: the response holds the secret, and would have to be kept with it."""

    @extend_schema(operation_id="tokens_list", summary="My tokens", tags=["tokens"])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="tokens_create",
        summary="Create a token",
        description="The response is the only one that shows the secret.",
        tags=["tokens"],
        request=TokenInput,
        responses={201: NewTokenSerializer},
    )
    def post(self, request: Request) -> Response:
        given = TokenInput(data=request.data)
        given.is_valid(raise_exception=True)
        token, secret = services.create_token(actor=actor_of(request), **given.validated_data)
        body = {**TokenSerializer(token).data, "secret": secret}
        return Response(body, status=status.HTTP_201_CREATED, headers={"Cache-Control": "no-store"})


class TokenView(_TokenView):
    @extend_schema(
        operation_id="tokens_revoke", summary="Revoke a token", tags=["tokens"], request=None, responses={204: None}
    )
    def delete(self, request: Request, token_id: UUID) -> Response:
        token = self.get_queryset().filter(pk=token_id).first()
        if token is None:
            raise NotFound("There is no such token, or it is revoked already.")
        services.revoke_token(actor=actor_of(request), token=token)
        return Response(status=status.HTTP_204_NO_CONTENT)
