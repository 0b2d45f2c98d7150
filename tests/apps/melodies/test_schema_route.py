"""The schema, for editors that know nothing but its address."""

from __future__ import annotations

import json

import jsonschema_rs
import pytest
from rest_framework.test import APIClient

ADDRESS = "/api/v1/schema/melody.json"


@pytest.fixture
def nobody() -> APIClient:
    return APIClient(headers={"Authorization": "Token sym_wrong"})


def test_anybody_may_read_it(nobody: APIClient) -> None:
    response = nobody.get(ADDRESS)
    schema = json.loads(response.content)
    assert (response.status_code, schema["$id"]) == (200, "urn:symphony:schema:melody")
    assert response.headers["Content-Type"] == "application/schema+json; charset=utf-8"
    assert response.headers["Cache-Control"] == "public, max-age=3600"
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    validator = jsonschema_rs.Draft202012Validator(schema)
    assert validator.is_valid({"workflow": {"name": "a", "steps": [{"name": "b", "type": "test_echo"}]}})
    assert not validator.is_valid({"workflow": {"name": "a", "steps": [{"name": "b", "type": "test_eco"}]}})


def test_it_is_sent_once(nobody: APIClient) -> None:
    tag = nobody.get(ADDRESS).headers["ETag"]
    for known in (tag, f'"other", W/{tag}', "*"):
        again = nobody.get(ADDRESS, headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    assert nobody.get(ADDRESS, headers={"If-None-Match": '"other"'}).status_code == 200
    assert nobody.post(ADDRESS).status_code == 405
