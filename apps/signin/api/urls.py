"""To be included under `api/v1/`."""

from __future__ import annotations

from django.urls import register_converter
from django.urls.converters import IntConverter

from apps.core.api.routes import route
from apps.signin.api.views import (
    ConnectionListView,
    ConnectionView,
    FromBrowserView,
    RefreshView,
    RevokeView,
    SessionListView,
    SessionView,
    SignInView,
)


class ConnectionIdConverter(IntConverter):
    """As many digits as the database takes."""

    regex = "[0-9]{1,18}"


register_converter(ConnectionIdConverter, "connection_id")

urlpatterns = [
    *route("auth/jwt/", SignInView, "auth-jwt"),
    *route("auth/jwt/refresh/", RefreshView, "auth-jwt-refresh"),
    *route("auth/jwt/revoke/", RevokeView, "auth-jwt-revoke"),
    *route("auth/jwt/from-browser/", FromBrowserView, "auth-jwt-from-browser"),
    *route("auth/sessions/", SessionListView, "auth-sessions"),
    *route("auth/sessions/<uuid:session_id>/", SessionView, "auth-session"),
    *route("auth/connections/", ConnectionListView, "auth-connections"),
    *route("auth/connections/<connection_id:connection_id>/", ConnectionView, "auth-connection"),
]
