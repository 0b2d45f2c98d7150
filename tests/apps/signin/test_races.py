"""Two at the same moment: real threads, real transactions."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any, TypeVar

import pytest
from django.db import connection, transaction
from django.test import Client

from apps.accounts.models import User
from apps.core.tenancy import acting_as
from apps.signin.errors import BadRefreshToken
from apps.signin.models import RefreshToken, SignInSession
from apps.signin.services import sessions
from tests.apps.signin.conftest import post_form
from tests.apps.signin.test_oauth import CHALLENGE, VERIFIER, code_of, trade

pytestmark = pytest.mark.django_db(transaction=True)

R = TypeVar("R")


def at_once(count: int, work: Callable[[], R]) -> list[R]:
    start = Barrier(count)

    def run(_: int) -> R:
        try:
            start.wait(timeout=20)
            return work()
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def test_two_refreshes_at_once_are_one_rotation(dora: User, web_role: None) -> None:
    opened = sessions.open_session(actor=dora, road="website")
    answers = at_once(4, lambda: sessions.refresh_session(secret=opened.refresh).refresh)
    assert len(set(answers)) == 4
    with acting_as(dora.pk):
        assert SignInSession.objects.get().generation == 1
        assert set(RefreshToken.objects.values_list("generation", flat=True)) == {0, 1}


def test_a_reuse_beside_a_refresh_ends_the_session_whoever_is_first(
    dora: User, web_role: None, monkeypatch: Any
) -> None:
    monkeypatch.setattr(sessions, "GRACE", -sessions.GRACE)
    opened = sessions.open_session(actor=dora, road="website")

    def use() -> str:
        try:
            return sessions.refresh_session(secret=opened.refresh).refresh
        except BadRefreshToken:
            return "refused"

    answers = at_once(2, use)
    assert answers.count("refused") == 1
    winner = next(answer for answer in answers if answer != "refused")
    with pytest.raises(BadRefreshToken):
        sessions.refresh_session(secret=winner)
    with acting_as(dora.pk):
        assert SignInSession.objects.get().end_reason == "reused"


def test_a_code_is_traded_once(dora: User, editor: Any, web_role: None) -> None:
    browser = Client()
    browser.force_login(dora, backend="apps.signin.backends.GuardedBackend")
    code = code_of(browser, code_challenge=CHALLENGE)
    statuses = at_once(3, lambda: trade(code, VERIFIER).status_code)
    assert sorted(statuses) == [200, 400, 400]


def test_a_refresh_of_the_editor_is_used_once(dora: User, editor: Any, web_role: None) -> None:
    browser = Client()
    browser.force_login(dora, backend="apps.signin.backends.GuardedBackend")
    tokens = trade(code_of(browser, code_challenge=CHALLENGE), VERIFIER).json()

    def use() -> int:
        with transaction.atomic():
            pass
        body = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"], "client_id": editor.client_id}
        return int(post_form("/oauth2/token/", body).status_code)

    assert sorted(at_once(3, use))[0:1] == [200]
    assert sorted(at_once(1, use)) == [400]
