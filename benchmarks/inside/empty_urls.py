"""Symphony's addresses, and `/empty`."""

from __future__ import annotations

from django.urls import path
from rest_framework.request import Request
from rest_framework.response import Response

from apps.core.api.views import TenantAPIView
from symphony.urls import urlpatterns as of_symphony


class EmptyView(TenantAPIView):
    """Lets somebody in as every other view of the API does, and has nothing for them."""

    def post(self, request: Request) -> Response:
        return Response(status=204)


urlpatterns = [path("empty", EmptyView.as_view()), *of_symphony]
