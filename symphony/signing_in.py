"""Settings of what signs people in: simplejwt, django-oauth-toolkit, django-allauth. See docs/signing-in.md."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from apps.signin.user_codes import new_user_code

SCOPES: Final = {
    "read": "See what you see",
    "write": "Create, change and run what you may",
    "administer": "Administer organizations where you may, and manage your tokens",
}
_RFC9700: Final = (
    "IMPLICIT_GRANT",
    "PASSWORD_GRANT",
    "PKCE_METHOD",
    "ACCESS_TOKEN_TRANSPORT",
    "AUTHZ_RESPONSE_ISS",
    "TOKEN_STORAGE",
    "REFRESH_TOKEN",
    "REDIRECT_URI_MATCHING",
    "PKCE_REQUIRED",
)


def access_tokens(secret_key: str) -> dict[str, Any]:
    return {
        "ACCESS_TOKEN_LIFETIME": timedelta(minutes=10),
        "ALGORITHM": "HS256",
        # Not the key itself: what signs sessions and links must not be what signs these.
        "SIGNING_KEY": hashlib.sha256(f"symphony access tokens {secret_key}".encode()).hexdigest(),
        "ISSUER": "symphony",
        "AUDIENCE": "symphony-api",
        "USER_ID_CLAIM": "sub",
        "AUTH_TOKEN_CLASSES": ("apps.signin.api.jwt.SessionAccessToken",),
    }


def oauth2(session_days: int) -> dict[str, Any]:
    return {
        "SCOPES": SCOPES,
        "DEFAULT_SCOPES": ["read", "write"],
        "OAUTH2_VALIDATOR_CLASS": "apps.signin.oauth.validator.SymphonyValidator",
        "OAUTH2_BACKEND_CLASS": "apps.signin.oauth.core.HashedCodes",
        "ACCESS_TOKEN_GENERATOR": "apps.signin.oauth.core.new_access_token",
        "REFRESH_TOKEN_GENERATOR": "apps.signin.oauth.core.new_refresh_token",
        # Device codes are checked by the validator, and answered with whole addresses by our own view.
        "OAUTH_PRE_TOKEN_VALIDATION": [],
        "OAUTH_DEVICE_VERIFICATION_URI": "/oauth2/device/",
        "OAUTH_DEVICE_USER_CODE_GENERATOR": new_user_code,
        "AUTHORIZATION_CODE_EXPIRE_SECONDS": 60,
        "ACCESS_TOKEN_EXPIRE_SECONDS": 3600,
        "REFRESH_TOKEN_EXPIRE_SECONDS": int(timedelta(days=session_days).total_seconds()),
        "REFRESH_TOKEN_REUSE_PROTECTION": True,
        "PKCE_REQUIRED": True,
        "OAUTH2_RESPONSE_TYPES_SUPPORTED": ["code"],
        "OAUTH2_GRANT_TYPES_SUPPORTED": [
            "authorization_code",
            "refresh_token",
            "urn:ietf:params:oauth:grant-type:device_code",
        ],
        "OAUTH2_TOKEN_ENDPOINT_AUTH_METHODS_SUPPORTED": ["none", "client_secret_basic", "client_secret_post"],
        **{f"COMPLIANT_BCP_RFC9700_{gate}": True for gate in _RFC9700},
    }


@dataclass(frozen=True, slots=True)
class Allauth:
    """Second factors and social sign-in. Nothing of it is installed, routed or in the middleware unless it is wanted."""

    mfa: bool
    social: Mapping[str, tuple[str | None, str | None]]

    @property
    def providers(self) -> dict[str, tuple[str, str]]:
        """Those that have a client id: name -> (id, secret)."""
        return {name: (client_id, secret or "") for name, (client_id, secret) in self.social.items() if client_id}

    @property
    def on(self) -> bool:
        return self.mfa or bool(self.providers)

    @property
    def apps(self) -> list[str]:
        if not self.on:
            return []
        social = ["allauth.socialaccount", *(f"allauth.socialaccount.providers.{name}" for name in self.providers)]
        return [
            "allauth",
            "allauth.account",
            "allauth.headless",
            *(["allauth.mfa"] if self.mfa else []),
            *(social if self.providers else []),
        ]

    @property
    def middleware(self) -> list[str]:
        # It runs on ASGI as it is, so that live streams hold no thread.
        return ["allauth.account.middleware.AccountMiddleware"] if self.on else []

    @property
    def settings(self) -> dict[str, Any]:
        if not self.on:
            return {}
        scopes = {"github": ["user:email"], "google": ["profile", "email"]}
        return {
            "HEADLESS_ONLY": True,
            "HEADLESS_CLIENTS": ("browser",),
            "HEADLESS_FRONTEND_URLS": {"socialaccount_login_error": "/login/"},
            "ACCOUNT_ADAPTER": "apps.signin.allauth.account.AccountAdapter",
            "ACCOUNT_EMAIL_VERIFICATION": "none",
            "ACCOUNT_LOGIN_METHODS": {"email"},
            "ACCOUNT_SIGNUP_FIELDS": ["email*", "password1*"],
            "ACCOUNT_USER_MODEL_USERNAME_FIELD": None,
            "SOCIALACCOUNT_ADAPTER": "apps.signin.allauth.social.SocialAccountAdapter",
            "SOCIALACCOUNT_PROVIDERS": {
                name: {"APPS": [{"client_id": client_id, "secret": secret}], "SCOPE": scopes[name]}
                for name, (client_id, secret) in self.providers.items()
            },
            "MFA_ADAPTER": "apps.signin.allauth.mfa.SecondFactorAdapter",
            "MFA_SUPPORTED_TYPES": ["totp", "recovery_codes"],
            "MFA_TOTP_ISSUER": "Symphony",
            "MFA_ALLOW_UNVERIFIED_EMAIL": True,
        }
