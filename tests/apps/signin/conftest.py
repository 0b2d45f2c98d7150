from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.cache import cache
from django.test import Client
from pytest_django import Settings
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.core import attempts
from apps.core.trail import traced
from apps.signin.services import connections

PASSWORD = "correct horse battery staple"
REDIRECT = "http://127.0.0.1:49152/callback"


@pytest.fixture(autouse=True)
def quick_and_uncounted(settings: Settings) -> Iterator[None]:
    """A hash that takes no time, and nobody has tried anything yet."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    cache.clear()
    attempts._own.clear()
    yield
    cache.clear()


@pytest.fixture
def dora(alice: User) -> User:
    """Alice, with a password."""
    alice.set_password(PASSWORD)
    alice.save()
    return alice


@pytest.fixture
def anybody(web_role: None) -> APIClient:
    return APIClient()


@pytest.fixture
def sign_in(dora: User, anybody: APIClient) -> Callable[..., dict[str, Any]]:
    def jwt(**more: Any) -> dict[str, Any]:
        body = {"email": dora.email, "password": PASSWORD, **more}
        response = anybody.post("/api/v1/auth/jwt/", body, format="json")
        assert response.status_code == 200, response.content
        return dict(response.json())

    return jwt


def bearer(access: str) -> APIClient:
    return APIClient(headers={"Authorization": f"Bearer {access}"})


def post_form(path: str, body: dict[str, str], **environ: str) -> Any:
    """As programs do it; Django's own client would send a multipart form."""
    return Client(**environ).post(path, urlencode(body), content_type="application/x-www-form-urlencoded")


@pytest.fixture
def browser(dora: User, web_role: None) -> Client:
    """A browser in which Alice is signed in."""
    client = Client()
    client.force_login(dora, backend="apps.signin.backends.GuardedBackend")
    return client


@pytest.fixture
def editor(db: None) -> Any:
    application, _ = connections.register_public_client(
        client_id=connections.EDITOR_CLIENT, name="Symphony editor", redirect_uris=connections.EDITOR_REDIRECTS
    )
    return application


@pytest.fixture
def traces() -> Iterator[list[str]]:
    seen: list[str] = []

    def note(action: str, **_: Any) -> None:
        seen.append(action)

    traced.connect(note)
    yield seen
    traced.disconnect(note)
