from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from django.core import mail as django_mail
from django.core.cache import cache
from django.core.mail import EmailMessage

from apps.accounts import mail
from apps.accounts.models import User

LINK = re.compile(r"http://127\.0\.0\.1:8000(/\w+/)(\S+)/")


@pytest.fixture(autouse=True)
def nobody_asked_before(request: pytest.FixtureRequest) -> None:
    """Letters and guesses are counted in the cache, which outlives a test's transaction."""
    if "db" in request.fixturenames or request.node.get_closest_marker("django_db"):
        request.getfixturevalue("django_db_setup")
        cache.clear()


@pytest.fixture
def letters_of(django_capture_on_commit_callbacks: Callable[..., object]) -> Callable[..., list[EmailMessage]]:
    """What is sent, after commit, because of a call."""

    def call(action: Callable[[], object]) -> list[EmailMessage]:
        before = len(django_mail.outbox)
        with django_capture_on_commit_callbacks(execute=True):  # type: ignore[attr-defined]
            action()
        assert mail.wait_until_sent()
        return list(django_mail.outbox[before:])

    return call


@pytest.fixture
def token_of(letters_of: Callable[..., list[EmailMessage]]) -> Callable[..., str]:
    """The secret part of the link in the one letter that a call sends."""

    def call(action: Callable[[], object]) -> str:
        (letter,) = letters_of(action)
        found = LINK.search(str(letter.body))
        assert found is not None, letter.body
        return found[2]

    return call


@pytest.fixture
def verified(db: None) -> Callable[[User], User]:
    def verify(user: User) -> User:
        User.objects.filter(pk=user.pk).update(email_verified=True)
        user.refresh_from_db()
        return user

    return verify
