"""What the toolkit is told to check besides: device codes, refreshes that race, and what has no place in a token."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

from django.utils import timezone
from oauth2_provider.models import AbstractApplication, DeviceGrant, Grant, RefreshToken
from oauth2_provider.oauth2_validators import OAuth2Validator
from oauthlib.oauth2.rfc6749.errors import InvalidGrantError, InvalidRequestError
from oauthlib.oauth2.rfc8628.grant_types import DeviceCodeGrant

from apps.core.trail import leave_trace
from apps.signin.oauth.core import hashed

DEVICE_GRANT: Final = "urn:ietf:params:oauth:grant-type:device_code"
POLL_SECONDS: Final = 5
_CHALLENGE_LENGTH: Final = 43
"""Of a SHA-256 in base64url without padding."""


class SymphonyValidator(OAuth2Validator):  # type: ignore[misc]  # it publishes no types
    def validate_grant_type(
        self, client_id: str, grant_type: str, client: Any, request: Any, *args: Any, **kwargs: Any
    ) -> bool:
        # The toolkit gives each client one way in; a program on somebody's machine has two.
        if grant_type == DEVICE_GRANT:
            return may_use_devices(client)
        return bool(super().validate_grant_type(client_id, grant_type, client, request, *args, **kwargs))

    def validate_device_code(self, client_id: str, code: str, request: Any, *args: Any, **kwargs: Any) -> str | None:
        """Where the device stands; once authorized, the code is used up by this."""
        device = DeviceGrant.objects.select_for_update().filter(device_code=code, client_id=client_id).first()
        if device is None:
            return None
        if device.is_expired():
            return str(DeviceCodeGrant.DEVICE_CODE_EXPIRED)
        if device.status == DeviceGrant.DENIED:
            return str(DeviceCodeGrant.DEVICE_CODE_DENIED)
        if device.status != DeviceGrant.AUTHORIZED:
            return _still_waiting(device)
        if device.user is None or not device.user.is_active:
            return None
        request.user, request.scopes = device.user, device.scope.split()
        device.delete()
        return str(DeviceCodeGrant.DEVICE_CODE_AUTHORIZED)

    def validate_code(self, client_id: str, code: str, client: Any, request: Any, *args: Any, **kwargs: Any) -> bool:
        # Whoever comes second waits here, and finds it used; the toolkit itself looks several times, and would stumble.
        if Grant.objects.select_for_update().filter(code=code, application=client).first() is None:
            return False
        return bool(super().validate_code(client_id, code, client, request, *args, **kwargs)) and request.user.is_active

    def validate_refresh_token(self, refresh_token: str, client: Any, request: Any, *args: Any, **kwargs: Any) -> bool:
        valid = bool(super().validate_refresh_token(refresh_token, client, request, *args, **kwargs))
        if not valid:
            _trace_reuse(refresh_token)
            return False
        return bool(request.user.is_active)

    def is_pkce_required(self, client_id: str, request: Any) -> bool:
        """Of every client, also of those with a secret. A challenge of another shape would fit no verifier."""
        challenge = request.code_challenge
        if challenge is not None and (len(challenge) != _CHALLENGE_LENGTH or request.code_challenge_method != "S256"):
            raise InvalidRequestError(
                description="Send code_challenge_method=S256, and as code_challenge the base64url of a SHA-256.",
                request=request,
            )
        return True

    def _create_authorization_code(self, request: Any, code: dict[str, Any], expires: Any = None) -> Any:
        return super()._create_authorization_code(request, {**code, "code": hashed(code["code"])}, expires)

    def _save_bearer_token(self, token: dict[str, Any], request: Any, *args: Any, **kwargs: Any) -> None:
        """Two refreshes at once: the second finds its token used, and may have no answer, for tokens are kept as hashes."""
        presented = getattr(request, "refresh_token_instance", None)
        if presented is not None:
            locked = RefreshToken.objects.select_for_update().filter(pk=presented.pk, revoked=None).first()
            if locked is None:
                raise InvalidGrantError(request=request)
        super()._save_bearer_token(token, request, *args, **kwargs)


def may_use_devices(client: Any) -> bool:
    """The device flow is for public clients that staff registered, not for what somebody registered for themselves."""
    public = client.client_type == AbstractApplication.CLIENT_PUBLIC and client.user_id is None
    return public or bool(client.allows_grant_type(AbstractApplication.GRANT_DEVICE_CODE))


def _still_waiting(device: DeviceGrant) -> str:
    """`last_checked` is when it was last polled in time: who polls too often is told so, and has to wait from then."""
    now = timezone.now()
    too_soon = now - device.last_checked < timedelta(seconds=POLL_SECONDS - 1)
    device.save(update_fields=["last_checked"])
    return str(DeviceCodeGrant.DEVICE_CODE_SLOW_DOWN if too_soon else DeviceCodeGrant.DEVICE_CODE_PENDING)


def _trace_reuse(refresh_token: str) -> None:
    used = RefreshToken.objects.filter(token_checksum=hashed(refresh_token), revoked__isnull=False).first()
    if used is not None:
        leave_trace("connection.reused", target=used.application, after={"person": str(used.user_id), "ended": True})
