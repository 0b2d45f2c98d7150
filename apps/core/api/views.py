"""What every view of the API stands on."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.views import APIView

from apps.core.tenancy import set_actor


class TenantAPIView(APIView):
    """Tells the database who is asking, as soon as that is known and before permissions look anything up.

    It holds to the end of the request's transaction (ATOMIC_REQUESTS). A middleware could not do this: a token's user is
    known inside the view only. For any DRF view: `class MelodyList(TenantAPIView, ListAPIView)`.
    """

    def perform_authentication(self, request: Request) -> None:
        super().perform_authentication(request)
        if request.user.is_authenticated:
            set_actor(request.user.pk)
