"""Bodies that are built to break whoever reads them."""

from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import pytest
from rest_framework.exceptions import ParseError
from rest_framework.test import APIClient

from apps.core.api.parsers import DEEPEST, BoundedJSONParser


def nested(levels: int, kind: str) -> str:
    return '{"a":' * levels + "1" + "}" * levels if kind == "object" else "[" * levels + "]" * levels


def parsed(text: str) -> Any:
    return BoundedJSONParser().parse(BytesIO(text.encode()), "application/json", {})


@pytest.mark.parametrize("kind", ["object", "list"])
@pytest.mark.parametrize("levels", [DEEPEST + 1, 700, 900, 100_000])
def test_what_is_nested_too_deep_is_refused(kind: str, levels: int) -> None:
    with pytest.raises(ParseError):
        parsed(nested(levels, kind))


@pytest.mark.parametrize("kind", ["object", "list"])
def test_as_deep_as_allowed_it_is_read(kind: str) -> None:
    assert parsed(nested(DEEPEST, kind)) == json.loads(nested(DEEPEST, kind))


def test_width_is_no_depth() -> None:
    wide = {"a": [[number] for number in range(10_000)]}
    assert parsed(json.dumps(wide)) == wide


def test_a_number_that_is_too_long_is_refused_in_words_for_who_sent_it() -> None:
    with pytest.raises(ParseError, match="longer than 4300 digits; send it as text"):
        parsed('{"a": ' + "9" * 5_000 + "}")


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/api/v1/auth/jwt/", "/api/v1/auth/jwt/refresh/", "/api/v1/users/password/"])
def test_strangers_get_no_500_out_of_it(path: str) -> None:
    for levels in (500, 930, 960, 5_000):
        body = f'{{"email": {nested(levels, "object")}}}'
        response = APIClient().post(path, body, content_type="application/json")
        assert response.status_code == 400, (levels, response.content)
