"""Who is signed in, and which programs there are. To look at and to end; nothing is made or changed here."""

from __future__ import annotations

from typing import Any, cast

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from oauth2_provider.models import AccessToken, Application, DeviceGrant, Grant, IDToken, RefreshToken

from apps.accounts.models import User
from apps.signin.models import SignInSession
from apps.signin.services import connections, sessions

# The toolkit's own pages would let staff write tokens by hand.
for made_by_the_toolkit in (AccessToken, Application, DeviceGrant, Grant, IDToken, RefreshToken):
    if admin.site.is_registered(made_by_the_toolkit):
        admin.site.unregister(made_by_the_toolkit)


class _LookOnly(admin.ModelAdmin):
    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class EndPermission(admin.ModelAdmin):
    def has_end_permission(self, request: HttpRequest) -> bool:
        """Whoever may delete rows of this table may end what they stand for."""
        return request.user.has_perm(f"{self.opts.app_label}.delete_{self.opts.model_name}")


@admin.register(SignInSession)
class SignInSessionAdmin(_LookOnly, EndPermission):
    list_display = (
        "user",
        "kind",
        "device",
        "address",
        "created_at",
        "last_used_at",
        "expires_at",
        "ended_at",
        "end_reason",
    )
    list_filter = ("end_reason", "ended_at")
    list_select_related = ("user",)
    search_fields = ("user__email", "device", "address")
    date_hierarchy = "created_at"
    exclude = ("browser_key",)
    actions = ("end",)

    @admin.action(description="End the selected sessions", permissions=["end"])
    def end(self, request: HttpRequest, chosen: QuerySet[SignInSession]) -> None:
        ended = sessions.end_sessions_as_staff(actor=cast(User, request.user), sessions=chosen)
        self.message_user(request, f"{ended} sessions ended.")


@admin.register(Application)
class ApplicationAdmin(_LookOnly):
    """Programs are registered by `manage.py oauth`."""

    list_display = ("name", "client_id", "client_type", "authorization_grant_type", "user", "created")
    list_select_related = ("user",)
    search_fields = ("name", "client_id", "redirect_uris")
    # The toolkit's own page for it is not here.
    view_on_site = False
    exclude = ("client_secret", "hash_client_secret")


@admin.register(RefreshToken)
class ConnectionAdmin(_LookOnly, EndPermission):
    """What programs hold of people. The tokens themselves are not here: only their hashes are kept."""

    list_display = ("user", "application", "created", "revoked")
    list_filter = ("application", "revoked")
    list_select_related = ("user", "application")
    search_fields = ("user__email", "application__name")
    fields = ("user", "application", "token_family", "created", "revoked")
    actions = ("end",)

    @admin.action(description="Disconnect these programs from these people", permissions=["end"])
    def end(self, request: HttpRequest, chosen: QuerySet[RefreshToken]) -> None:
        ended = 0
        for token in chosen.filter(revoked=None).select_related("user", "application"):
            ended += connections.disconnect_as_staff(
                actor=cast(User, request.user), user=token.user, application=token.application
            )
        self.message_user(request, f"{ended} connections ended.")
