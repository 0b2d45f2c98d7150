"""The one backend that knows passwords. It counts attempts on every road: forms, admin, and whatever calls `authenticate`."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.backends import ModelBackend
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from apps.accounts.models import User
from apps.core.attempts import TooManyAttempts
from apps.signin.errors import BadCredentials, EmailUnverified
from apps.signin.services import passwords

BACKEND = "apps.signin.backends.GuardedBackend"


class GuardedBackend(ModelBackend):
    def authenticate(
        self, request: HttpRequest | None, username: str | None = None, password: str | None = None, **credentials: Any
    ) -> User | None:
        email = username or credentials.get(User.USERNAME_FIELD)
        if not isinstance(email, str) or password is None:
            return None
        try:
            return passwords.verify_password(email=email, password=password, road="authenticate")
        except BadCredentials:
            return None
        except (TooManyAttempts, EmailUnverified) as error:
            raise PermissionDenied(error.detail) from error
