"""All addresses of the web."""

from __future__ import annotations

from django.contrib import admin
from django.templatetags.static import static
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularSwaggerSplitView

from apps.core.api.description import SchemaView
from symphony.health import livez, metrics, readyz

urlpatterns: list[URLPattern | URLResolver] = [
    path("livez", livez),
    path("readyz", readyz),
    path("metrics", metrics),
    # The admin names no icon, and browsers ask for this one then.
    path("favicon.ico", RedirectView.as_view(url=static("core/icon.svg"))),
    path("admin/", admin.site.urls),
    path("api/v1/", RedirectView.as_view(pattern_name="docs")),
    # Tried one after the other: what is asked for most comes first.
    path("api/v1/", include("apps.executions.api.urls")),
    path("api/v1/", include("apps.melodies.api.urls")),
    path("api/v1/", include("apps.accounts.api.urls")),
    path("api/v1/", include("apps.signin.api.urls")),
    path("api/v1/", include("apps.billing.api.urls")),
    path("api/v1/", include("apps.projects.api.urls")),
    path("api/v1/", include("apps.spending.api.urls")),
    path("api/v1/", include("apps.agents.api.urls")),
    path("api/v1/", include("apps.melodies.api.collaboration_urls")),
    path("api/v1/", include("apps.triggers.api.urls")),
    path("api/v1/", include("apps.audit.api.urls")),
    path("", include("apps.signin.urls")),
    path("", include("apps.accounts.urls")),
    path("", include("apps.billing.urls")),
    path("", include("apps.executions.pages.urls")),
    path("api/schema/", SchemaView.as_view(), name="schema"),
    path(
        "api/docs/", SpectacularSwaggerSplitView.as_view(url_name="schema", template_name="core/docs.html"), name="docs"
    ),
    path("", RedirectView.as_view(pattern_name="execution-pages"), name="home"),
]

handler400 = "apps.core.api.exceptions.bad_request"
handler403 = "apps.core.api.exceptions.permission_denied"
handler404 = "apps.core.api.exceptions.page_not_found"
handler500 = "apps.core.api.exceptions.server_error"
