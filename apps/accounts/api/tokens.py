"""Tokens of programs, over HTTP."""

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
from apps.accounts.api.scopes import require_session_or_full
from apps.accounts.api.serializers import NewTokenSerializer, TokenInput, TokenNameInput, TokenSerializer
from apps.accounts.models import ApiToken
from apps.core.api.views import TenantAPIView
from apps.core.errors import NotFound


class _TokenView(TenantAPIView, GenericAPIView[ApiToken]):
    """A token of few scopes must not be a way to one of more."""

    serializer_class = TokenSerializer
    queryset = ApiToken.objects.none()

    def check_permissions(self, request: Request) -> None:
        super().check_permissions(request)
        require_session_or_full(request)

    def get_queryset(self) -> QuerySet[ApiToken]:
        return queries.tokens(actor=actor_of(self.request)).select_related("only_organization")


class TokenListView(_TokenView, ListAPIView[ApiToken]):
    # Not idempotent by key: the response holds the secret, and would have to be kept with it.

    @extend_schema(operation_id="tokens_list", summary="My tokens", tags=["tokens"])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="tokens_create",
        summary="Create a token",
        description="The response is the only one that shows the secret. A credential of few scopes creates none.",
        tags=["tokens"],
        request=TokenInput,
        responses={201: NewTokenSerializer},
    )
    def post(self, request: Request) -> Response:
        given = TokenInput(data=request.data)
        given.is_valid(raise_exception=True)
        wanted = dict(given.validated_data)
        actor, reference = actor_of(request), wanted.pop("organization")
        organization = None
        if reference is not None:
            organization = queries.organization_for(actor=actor, reference=str(reference))
        # Left out is not the same as null: who says nothing gets a token that ends.
        wanted.setdefault("expires_at", services.usual_expiry())
        token, secret = services.create_token(actor=actor, organization=organization, **wanted)
        body = {**TokenSerializer(token).data, "secret": secret}
        return Response(body, status=status.HTTP_201_CREATED, headers={"Cache-Control": "no-store"})


class TokenView(_TokenView):
    @extend_schema(operation_id="tokens_retrieve", summary="A token of mine", tags=["tokens"])
    def get(self, request: Request, token_id: UUID) -> Response:
        return Response(self.get_serializer(self._token(token_id)).data)

    @extend_schema(
        operation_id="tokens_rename",
        summary="Rename a token",
        tags=["tokens"],
        request=TokenNameInput,
        responses={200: TokenSerializer},
    )
    def patch(self, request: Request, token_id: UUID) -> Response:
        given = TokenNameInput(data=request.data)
        given.is_valid(raise_exception=True)
        token = self._token(token_id)
        renamed = services.rename_token(actor=actor_of(request), token=token, name=given.validated_data["name"])
        return Response(self.get_serializer(renamed).data)

    @extend_schema(
        operation_id="tokens_revoke", summary="Revoke a token", tags=["tokens"], request=None, responses={204: None}
    )
    def delete(self, request: Request, token_id: UUID) -> Response:
        services.revoke_token(actor=actor_of(request), token=self._token(token_id))
        return Response(status=status.HTTP_204_NO_CONTENT)

    def _token(self, token_id: UUID) -> ApiToken:
        token = self.get_queryset().filter(pk=token_id).first()
        if token is None:
            raise NotFound("There is no such token, or it is revoked already.")
        return token
