from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from apps.accounts.models import ApiToken, User
from apps.core.api.pagination import CursorPagination
from apps.core.errors import Invalid
from apps.core.tenancy import staff

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


class View:
    def __init__(self, *ordering: str) -> None:
        if ordering:
            self.cursor_ordering = ordering


@pytest.fixture
def tokens(alice: User) -> list[ApiToken]:
    """Thirty rows; created in three bulks of one time stamp each, and every third without an end."""
    made = []
    for index in range(30):
        expires = None if index % 3 == 0 else NOON + timedelta(days=index % 5)
        made.append(ApiToken(user=alice, name=f"{index:02}", hash=f"{index}", prefix="x", expires_at=expires))
    with staff():
        ApiToken.objects.bulk_create(made)
        for index, token in enumerate(made):
            ApiToken.objects.filter(pk=token.pk).update(created_at=NOON + timedelta(hours=index // 10))
    return made


def page(query: str, view: View) -> tuple[list[Any], str | None]:
    paginator = CursorPagination()
    request = Request(APIRequestFactory().get(f"/things/?{query}"))
    with staff():
        found = paginator.paginate_queryset(ApiToken.objects.all(), request, view)
    body = paginator.get_paginated_response([row.name for row in found]).data
    assert list(body) == ["results", "next"]
    return body["results"], body["next"]


def walk(view: View, size: int) -> list[str]:
    names: list[str] = []
    link: str | None = f"/?page_size={size}"
    while link is not None:
        found, link = page(urlsplit(link).query, view)
        assert 0 < len(found) <= size
        names += found
        assert len(names) <= 30
    return names


@pytest.mark.parametrize("size", [1, 4, 10, 30, 100])
@pytest.mark.parametrize(
    "ordering",
    [
        (),
        ("id",),
        ("created_at",),
        ("-created_at",),
        ("-created_at", "name"),
        ("expires_at",),
        ("-expires_at", "-name"),
        ("pk",),
    ],
)
def test_walking_shows_every_row_once_in_order(tokens: list[ApiToken], ordering: tuple[str, ...], size: int) -> None:
    with staff():
        effective = ordering or ("-id",)
        tail = () if effective[-1].lstrip("-") in ("id", "pk") else ("-id" if effective[-1].startswith("-") else "id",)
        expected = list(ApiToken.objects.order_by(*effective, *tail).values_list("name", flat=True))
    assert walk(View(*ordering), size) == expected


def test_rows_that_come_and_go_move_nothing(tokens: list[ApiToken], alice: User) -> None:
    first, link = page("page_size=10", View())
    with staff():
        ApiToken.objects.create(user=alice, name="new", hash="new", prefix="x")
        ApiToken.objects.filter(name__in=first[-3:]).delete()
    assert link is not None
    second, _ = page(urlsplit(link).query, View())
    assert (first[0], second) == ("29", [f"{n:02}" for n in range(19, 9, -1)])


def test_other_parameters_stay_in_the_link(tokens: list[ApiToken]) -> None:
    _, link = page("page_size=3&status=running&status=paused", View())
    assert link is not None
    assert link.startswith("http://testserver/things/?")
    query = parse_qs(urlsplit(link).query)
    assert (query["status"], query["page_size"]) == (["running", "paused"], ["3"])


@pytest.mark.parametrize("size", ["0", "-1", "x", "", "1e3", "1000000000", "1" * 400, "٣"])
def test_a_page_size_that_is_none_is_refused(tokens: list[ApiToken], size: str) -> None:
    with pytest.raises(Invalid, match=r"page_size is a whole number from 1 to 999,999,999; .* at most 1000 results"):
        page(f"page_size={quote(size)}", View())


@pytest.mark.parametrize("size", ["1000", "1001", "5000", "999999999"])
def test_a_page_has_at_most_a_thousand(size: str) -> None:
    assert CursorPagination().get_page_size(Request(APIRequestFactory().get(f"/?page_size={size}"))) == 1000


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "AAAA",
        "bnVsbA",
        "W10",
        "WzFd",
        "W1siLWlkIl0sWyJ4Il1d",
        "W1siLWlkIl0sW11d",
        "W1siLWlkIl0sW251bGxdXQ",
        "W1siLWlkIl0sWyJcdTAwMDAiXV0",
        "W1tbW1tb" * 400,
        "é",
    ],
)
def test_a_cursor_that_is_none_is_refused(tokens: list[ApiToken], cursor: str) -> None:
    with pytest.raises(Invalid, match="cursor"):
        page(f"cursor={quote(cursor)}", View())


def test_a_cursor_of_another_list_is_refused(tokens: list[ApiToken]) -> None:
    _, link = page("page_size=3", View("-created_at"))
    assert link is not None
    with pytest.raises(Invalid, match="cursor"):
        page(urlsplit(link).query, View("name"))
