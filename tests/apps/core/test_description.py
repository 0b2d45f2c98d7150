"""The API's description of itself: the same for everybody, and made once."""

from __future__ import annotations

import pytest
from django.test import Client
from drf_spectacular.generators import SchemaGenerator

pytestmark = pytest.mark.django_db


def test_the_description_is_made_once(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    first = client.get("/api/schema/", headers={"Accept": "application/vnd.oai.openapi+json"})
    assert first.status_code == 200
    assert "/api/v1/agents/" in first.json()["paths"]

    def parse_again(*_: object) -> None:
        raise AssertionError("the description is made anew")

    monkeypatch.setattr(SchemaGenerator, "parse", parse_again)
    again = client.get("/api/schema/", headers={"Accept": "application/vnd.oai.openapi+json"})
    assert again.json() == first.json()
