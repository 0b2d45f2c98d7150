from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.accounts.models import User
from tests.stored import file_of, forge

pytestmark = pytest.mark.django_db

API = "/api/v1/"
FILES = {
    "report.md": ("text/markdown", b"# Report"),
    "charts/bars.svg": ("image/svg+xml", b"<svg xmlns='http://www.w3.org/2000/svg'><script>1</script></svg>"),
    "page.html": ("text/html", b"<script>alert(1)</script>"),
    "data.bin": ("application/x-strange", b"\0\1"),
    'evil"\r\nX-Evil: 1\u00e9.txt': ("text/plain\r\nX-Evil: 1", b"evil"),
}


@pytest.fixture
def run(alice: User, start: Callable[..., Any]) -> Any:
    player = start(alice)
    player.play(first={"artifacts": [player.artifact(name, data, kind) for name, (kind, data) in FILES.items()]})
    return player.execution


@pytest.fixture
def listed(run: Any, alice: User, api_of: Callable[[User], APIClient]) -> dict[str, Any]:
    page = api_of(alice).get(f"{API}executions/{run.pk}/artifacts/").json()
    assert page["next"] is None
    return {artifact["name"]: artifact for artifact in page["results"]}


def test_list_and_detail(run: Any, listed: dict[str, Any], alice: User, api_of: Callable[[User], APIClient]) -> None:
    client = api_of(alice)
    assert listed.keys() == FILES.keys()
    report = listed["report.md"]
    assert report["content_hash"] == hashlib.sha256(b"# Report").hexdigest()
    assert (report["size"], report["artifact_type"], report["task_name"]) == (8, "report", "first")
    assert (report["content_type"], report["execution"]) == ("text/markdown", str(run.pk))
    assert client.get(report["url"]).json() == report
    assert client.get(report["content_url"]).content == b"# Report"
    found = client.get(f"{API}executions/{run.pk}/artifacts/?name=report.md&task={report['task']}").json()["results"]
    assert found == [report]


def test_a_browser_is_told_what_to_make_of_it(
    listed: dict[str, Any], alice: User, api_of: Callable[[User], APIClient]
) -> None:
    client = api_of(alice)
    expected = {
        "report.md": ("text/markdown; charset=utf-8", 'inline; filename="report.md"'),
        "charts/bars.svg": ("image/svg+xml", 'inline; filename="bars.svg"'),
        "page.html": ("text/html; charset=utf-8", 'inline; filename="page.html"'),
        "data.bin": ("application/x-strange", 'attachment; filename="data.bin"'),
    }
    for name, (kind, disposition) in expected.items():
        response = client.get(listed[name]["content_url"])
        assert response.content == FILES[name][1]
        assert response.headers["Content-Type"] == kind
        assert response.headers["Content-Disposition"] == disposition
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in response.headers["Content-Security-Policy"]
        assert "allow-scripts" not in response.headers["Content-Security-Policy"]
        saved = client.get(f"{listed[name]['content_url']}?download")
        assert saved.headers["Content-Disposition"].startswith("attachment")


def test_a_hostile_name_or_type_sets_no_header(
    listed: dict[str, Any], alice: User, api_of: Callable[[User], APIClient]
) -> None:
    (evil,) = (artifact for name, artifact in listed.items() if "evil" in name)
    response = api_of(alice).get(evil["content_url"])
    assert response.status_code == 200
    assert "X-Evil" not in response.headers
    assert response.headers["Content-Type"] == "application/octet-stream"
    assert response.headers["Content-Disposition"].startswith("attachment")


def test_what_is_known_is_not_sent_again(
    listed: dict[str, Any], alice: User, api_of: Callable[[User], APIClient]
) -> None:
    client, address = api_of(alice), listed["report.md"]["content_url"]
    etag = client.get(address).headers["ETag"]
    assert etag == f'"{listed["report.md"]["content_hash"]}"'
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        response = client.get(address, headers={"If-None-Match": known})
        assert (response.status_code, response.content, response.headers["ETag"]) == (304, b"", etag)
    assert client.get(address, headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize("accept", ["*/*", "text/html", "application/json", "image/png"])
def test_whatever_is_accepted(
    listed: dict[str, Any], alice: User, api_of: Callable[[User], APIClient], accept: str
) -> None:
    response = api_of(alice).get(listed["data.bin"]["content_url"], headers={"Accept": accept})
    assert response.content == b"\0\1"


def test_damaged_bytes_are_never_sent(
    run: Any, listed: dict[str, Any], alice: User, api_of: Callable[[User], APIClient]
) -> None:
    report = listed["report.md"]
    path = file_of(run.organization_id, report["content_hash"])
    forge(path, b"# Forged")
    damaged = api_of(alice).get(report["content_url"])
    assert (damaged.status_code, damaged.json()["code"]) == (500, "blob_damaged")
    path.unlink()
    missing = api_of(alice).get(report["content_url"])
    assert (missing.status_code, missing.json()["code"]) == (404, "blob_missing")
