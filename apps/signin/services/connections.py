"""Programs that a person let in by OAuth2: the editor, and others that were registered."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone
from oauth2_provider.models import AccessToken, Application, DeviceGrant, Grant, RefreshToken, clear_expired

from apps.accounts.models import User
from apps.core.errors import NotFound
from apps.core.trail import leave_trace

EDITOR_CLIENT: Final = "symphony-editor"
EDITOR_REDIRECTS: Final = ("http://127.0.0.1/callback", "http://[::1]/callback")
USED_CODES_KEPT: Final = timedelta(hours=1)


def register_public_client(*, client_id: str, name: str, redirect_uris: Sequence[str]) -> tuple[Application, bool]:
    """A program without a secret: code with PKCE, and the device flow. Whether it was new; an old one is brought up to date."""
    fields = {
        "name": name,
        "client_type": Application.CLIENT_PUBLIC,
        "authorization_grant_type": Application.GRANT_AUTHORIZATION_CODE,
        "redirect_uris": " ".join(redirect_uris),
        "skip_authorization": False,
    }
    with transaction.atomic():
        application, made = Application.objects.get_or_create(client_id=client_id, defaults=fields)
        for field, value in fields.items():
            setattr(application, field, value)
        application.full_clean()
        application.save()
        leave_trace("oauth_client.registered", target=application, after={"redirect_uris": list(redirect_uris)})
    return application, made


def disconnect(*, actor: User, application: Application) -> None:
    """Take back everything this program holds of the actor."""
    with transaction.atomic():
        if not _take_back(actor, application=application):
            raise NotFound("This program holds no token of yours.")
        leave_trace("connection.ended", actor=actor, target=application)


def disconnect_as_staff(*, actor: User, user: User, application: Application) -> bool:
    """Staff takes back what a program holds of anybody. Whether it still held something."""
    with transaction.atomic():
        taken = _take_back(user, application=application) > 0
        if taken:
            leave_trace("connection.ended", actor=actor, target=application, after={"person": str(user.pk)})
    return taken


def disconnect_all(*, user: User) -> int:
    """Whatever programs hold of this person, for instance after a change of the password."""
    with transaction.atomic():
        return _take_back(user)


def tidy(*, user: User, application: Application) -> None:
    """Delete what has expired of one person and program. Done whenever they get a token, so that no table grows for ever."""
    now = timezone.now()
    AccessToken.objects.filter(user=user, application=application, expires__lt=now, refresh_token=None).delete()
    Grant.objects.filter(user=user, application=application, expires__lt=now).delete()
    DeviceGrant.objects.filter(client_id=application.client_id, expires__lt=now - USED_CODES_KEPT).delete()


def tidy_all() -> None:
    clear_expired()


def _take_back(user: User, **only: Application) -> int:
    taken: int = Grant.objects.filter(user=user, **only).delete()[0]
    taken += AccessToken.objects.filter(user=user, **only).delete()[0]
    codes = {"client_id": only["application"].client_id} if only else {}
    taken += DeviceGrant.objects.filter(user=user, **codes).delete()[0]
    taken += RefreshToken.objects.filter(user=user, revoked=None, **only).update(revoked=timezone.now())
    return taken


def forget(*, user: User) -> None:
    """Everything kept about what programs may do for somebody."""
    Grant.objects.filter(user=user).delete()
    DeviceGrant.objects.filter(user=user).delete()
    AccessToken.objects.filter(user=user).delete()
    RefreshToken.objects.filter(user=user).delete()
