"""To be included under `api/v1/`."""

from __future__ import annotations

from django.urls import path

from apps.accounts.api.views import MemberListView, MeView, OrganizationListView, TokenListView, TokenView

urlpatterns = [
    path("users/me/", MeView.as_view(), name="users-me"),
    path("organizations/", OrganizationListView.as_view(), name="organizations"),
    path("organizations/<uuid:organization_id>/members/", MemberListView.as_view(), name="organization-members"),
    path("tokens/", TokenListView.as_view(), name="tokens"),
    path("tokens/<uuid:token_id>/", TokenView.as_view(), name="token"),
]
