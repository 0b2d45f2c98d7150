"""Pages and addresses of programs. To be included at the root."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.views import LogoutView
from django.urls import URLPattern, URLResolver, include, path

from apps.signin.oauth import views
from apps.signin.pages.consent import AuthorizePage, DeviceConfirmPage, DevicePage
from apps.signin.pages.sign_in import CodePage, SignInPage

# The toolkit looks its own addresses up by these names.
_oauth2 = [
    path("authorize/", AuthorizePage.as_view(), name="authorize"),
    path("token/", views.TokenView.as_view(), name="token"),
    path("revoke/", views.RevokeTokenView.as_view(), name="revoke-token"),
    path("introspect/", views.IntrospectTokenView.as_view(), name="introspect"),
    path("device-authorization/", views.DeviceAuthorizationView.as_view(), name="device-authorization"),
    path("device/", DevicePage.as_view(), name="device"),
    path("device/confirm/", DeviceConfirmPage.as_view(), name="device-confirm"),
]

urlpatterns: list[URLPattern | URLResolver] = [
    path("login/", SignInPage.as_view(), name="login"),
    path("login/code/", CodePage.as_view(), name="login-code"),
    path("logout/", LogoutView.as_view(next_page="login"), name="logout"),
    path("oauth2/", include((_oauth2, "oauth2_provider"))),
    path(".well-known/oauth-authorization-server", views.MetadataView.as_view(), name="oauth-server-metadata"),
]

if settings.ALLAUTH.on:
    urlpatterns += [path("", include("apps.signin.allauth.urls"))]
