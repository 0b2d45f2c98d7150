"""Templates: made, filled in, counted, and kept apart."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import ProgrammingError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from rest_framework.test import APIClient

from apps.accounts import services as accounts
from apps.accounts.models import Organization, User
from apps.core.tenancy import acting_as, staff
from apps.melodies import services as melodies
from apps.melodies.management.commands.templates import FOLDER, summary
from apps.melodies.models import CreationSource, Melody, MelodyTemplate
from apps.projects import services as projects
from manage import role_for

pytestmark = pytest.mark.django_db
ApiOf = Callable[[User], APIClient]

TEMPLATES = "/api/v1/templates/"
DOCUMENT: dict[str, Any] = {
    "workflow": {
        "name": "review",
        "description": "Reviews a text.",
        "inputs": {"text": "What to review."},
        "variables": {"tone": "plain"},
        "steps": [{"name": "read", "type": "test_echo", "value": "{{state.tone}}: {{inputs.text}}"}],
    }
}
VALUES = {
    "variables": {"tone": {"type": "string"}, "limit": {"type": "integer", "description": "Words at most."}},
    "inputs": {"text": {"type": "string", "default": "Hello"}},
}


@pytest.fixture
def create(orchestra: Organization) -> Callable[..., Any]:
    def create(client: APIClient, **body: Any) -> Any:
        given = {"name": "Review", "document": DOCUMENT} | body
        sent = {name: value for name, value in given.items() if value is not None}
        return client.post(f"{TEMPLATES}?organization={orchestra.pk}", sent, format="json")

    return create


def test_from_a_document(alice: User, orchestra: Organization, api_of: ApiOf, create: Callable[..., Any]) -> None:
    client = api_of(alice)
    made = create(client, category="Text", icon="✎")
    template = made.json()
    assert (made.status_code, template["description"], template["organization"]) == (
        201,
        "Reviews a text.",
        str(orchestra.pk),
    )
    assert template["default_values"]["variables"] == {"tone": {"type": "string"}}
    assert template["document"]["workflow"]["name"] == "review"
    assert client.get(made.headers["Location"]).json() == template
    (listed,) = client.get(TEMPLATES).json()["results"]
    assert listed == {name: value for name, value in template.items() if name != "document"}
    taken = create(client)
    assert (taken.status_code, taken.json()["code"]) == (409, "template_name_taken")


def test_from_a_melody(alice: User, orchestra: Organization, api_of: ApiOf, create: Callable[..., Any]) -> None:
    with acting_as(alice.pk):
        source = json.dumps(DOCUMENT)
        melody = melodies.create_melody(actor=alice, organization=orchestra, source=source, media="json").melody
        newer = json.dumps({"workflow": DOCUMENT["workflow"] | {"description": "Newer."}})
        melodies.publish_version(actor=alice, melody=melody, source=newer, media="json")
    client, body = api_of(alice), {"document": None, "melody": str(melody.pk)}
    assert create(client, **body).json()["description"] == "Newer."
    assert create(client, **body, version="1", name="First").json()["description"] == "Reviews a text."
    assert create(client, **body, version="9", name="None").status_code == 404


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"document": None}, "/document"),
        ({"source": "workflow: {}"}, "/source"),
        ({"version": "1"}, "/version"),
        (
            {"document": {"workflow": {"name": "x", "steps": [{"name": "a", "type": "test_eco"}]}}},
            "/document/workflow/steps/0/type",
        ),
        ({"document": None, "source": "workflow: ["}, ""),
        ({"name": " "}, "/name"),
        ({"default_values": {"variables": {"tone": {"type": "text"}}}}, "/default_values/variables/tone/type"),
        (
            {"default_values": {"variables": {"tone": {"type": "any", "default": "\0"}}}},
            "/default_values/variables/tone/default",
        ),
        ({"category": "x" * 61}, "/category"),
    ],
)
def test_what_is_wrong_is_said_where(
    alice: User, api_of: ApiOf, create: Callable[..., Any], body: dict[str, Any], pointer: str
) -> None:
    answer = create(api_of(alice), **body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer), answer.content


class TestUsing:
    def test_a_melody_of_it(
        self, alice: User, orchestra: Organization, api_of: ApiOf, create: Callable[..., Any]
    ) -> None:
        client = api_of(alice)
        template = create(client, default_values=VALUES).json()
        body = {"name": "my review", "path": "texts/review.yaml", "values": {"variables": {"limit": 100}}}
        made = client.post(f"{template['url']}instantiate/", body, format="json")
        assert (made.status_code, made.json()["input"], made.json()["version"]) == (201, {"text": "Hello"}, 1)
        melody = client.get(made.headers["Location"]).json()
        assert (melody["name"], melody["path"], melody["organization"]) == (
            "my review",
            "texts/review.yaml",
            str(orchestra.pk),
        )
        with acting_as(alice.pk):
            row = Melody.objects.get(pk=melody["id"])
            assert row.creation_source == CreationSource.TEMPLATE
            assert row.versions.get().document["workflow"]["variables"] == {"tone": "plain", "limit": 100}
        assert client.get(template["url"]).json()["usage_count"] == 1
        # It is counted without being changed: nobody's ETag is out of date for it.
        assert client.get(template["url"]).json()["updated_at"] == template["updated_at"]

    def test_all_that_is_missing_or_wrong_is_named(
        self, alice: User, api_of: ApiOf, create: Callable[..., Any]
    ) -> None:
        client = api_of(alice)
        template = create(client, default_values=VALUES).json()
        body = {"values": {"variables": {"tone": 3, "limti": 100}, "inputs": {"text": None}}}
        answer = client.post(f"{template['url']}instantiate/", body, format="json")
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid_template_values")
        assert {(each["pointer"], each["code"]) for each in answer.json()["errors"]} == {
            ("/values/variables/tone", "wrong_type"),
            ("/values/variables/limti", "unknown_name"),
            ("/values/variables/limit", "missing"),
            ("/values/inputs/text", "wrong_type"),
        }
        assert client.get(template["url"]).json()["usage_count"] == 0

    def test_in_another_place(
        self, alice: User, api_of: ApiOf, create: Callable[..., Any], home_of: Callable[[User], Organization]
    ) -> None:
        client, home = api_of(alice), home_of(alice)
        template = create(client).json()
        with acting_as(alice.pk):
            project = projects.create_project(actor=alice, organization=home, name="Texts")
        address = f"{template['url']}instantiate/?organization={home.pk}"
        made = client.post(address, {"project": str(project.pk)}, format="json")
        assert client.get(made.headers["Location"]).json()["project"] == str(project.pk)
        wrong = client.post(f"{template['url']}instantiate/", {"project": str(project.pk)}, format="json")
        assert wrong.json()["code"] == "project_elsewhere"


def test_two_editors(alice: User, api_of: ApiOf, create: Callable[..., Any]) -> None:
    client = api_of(alice)
    made = create(client)
    address, tag = made.json()["url"], made.headers["ETag"]
    first = client.patch(
        address, {"category": "Text", "default_values": VALUES}, format="json", headers={"If-Match": tag}
    )
    second = client.patch(address, {"category": "Other"}, format="json", headers={"If-Match": tag})
    assert (first.status_code, second.status_code) == (200, 412)
    assert (first.json()["category"], first.json()["default_values"]) == ("Text", VALUES)
    assert client.delete(address, headers={"If-Match": tag}).status_code == 412
    assert client.delete(address, headers={"If-Match": first.headers["ETag"]}).status_code == 204
    assert client.get(address).json()["code"] == "template_not_found"


def test_who_may_do_what(
    alice: User, bob: User, carol: User, orchestra: Organization, api_of: ApiOf, create: Callable[..., Any]
) -> None:
    made = create(api_of(alice)).json()
    with acting_as(alice.pk):
        accounts.add_member(actor=alice, organization=orchestra, user=bob, role="viewer")
    requests = [("patch", made["url"]), ("delete", made["url"]), ("post", f"{made['url']}instantiate/")]
    viewer, stranger = api_of(bob), api_of(carol)
    assert viewer.get(made["url"]).status_code == 200
    assert stranger.get(made["url"]).status_code == 404
    for method, address in requests:
        assert getattr(viewer, method)(address, {}, format="json").status_code == 403, address
        assert getattr(stranger, method)(address, {}, format="json").status_code == 404, address
    assert create(viewer, name="Another").status_code == 403
    assert create(stranger, name="Another").status_code == 404
    # A viewer may still use it at home.
    assert viewer.post(f"{made['url']}instantiate/?organization={_home(bob)}", {}, format="json").status_code == 201


def _home(user: User) -> str:
    with acting_as(user.pk):
        return str(Organization.objects.get(is_personal=True, owner_user=user).pk)


def test_lists(alice: User, api_of: ApiOf, create: Callable[..., Any]) -> None:
    client = api_of(alice)
    for name, category in (("Review", "Text"), ("Sum up", "text"), ("Count", "Numbers")):
        create(client, name=name, category=category)

    def found(question: str) -> list[str]:
        with CaptureQueriesContext(connection) as asked:
            names = [each["name"] for each in client.get(f"{TEMPLATES}?{question}").json()["results"]]
        counts.add(len(asked))
        return names

    counts: set[int] = set()
    assert found("") == ["Count", "Review", "Sum up"]
    assert found("category=text") == ["Review", "Sum up"]
    assert found("search=sum") == found("ordering=-name&page_size=1") == ["Sum up"]
    assert found("builtin=true") == []
    # However many there are.
    assert len(counts) == 1


class TestThoseOfTheProduct:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Path:
        text = "# Review: a model\n#   reads it.\n#\n# Inputs  text\n" + json.dumps(DOCUMENT)
        (tmp_path / "review.yaml").write_text(text)
        return tmp_path

    def load(self, folder: Path) -> str:
        out = StringIO()
        call_command("templates", "load", "--folder", str(folder), stdout=out)
        return out.getvalue().strip()

    def test_everybody_uses_them_and_nobody_changes_them(self, bob: User, folder: Path, api_of: ApiOf) -> None:
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE")
            assert self.load(folder) == "1 templates made, 0 renewed."
            cursor.execute("SET ROLE symphony_web")
        client = api_of(bob)
        (template,) = client.get(f"{TEMPLATES}?builtin=true").json()["results"]
        assert (template["organization"], template["description"]) == (None, "A model reads it.")
        made = client.post(f"{template['url']}instantiate/", {}, format="json")
        assert (made.status_code, client.get(made.headers["Location"]).json()["organization"]) == (201, _home(bob))
        assert client.get(template["url"]).json()["usage_count"] == 1
        for method in ("patch", "delete"):
            answer = getattr(client, method)(template["url"], {"name": "Mine"}, format="json")
            assert (answer.status_code, "came with the product" in answer.json()["detail"]) == (403, True)
        with acting_as(bob.pk):
            assert MelodyTemplate.objects.update(usage_count=0) == 0
            with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
                MelodyTemplate.objects.create(name="Mine", document=DOCUMENT)
        with connection.cursor() as cursor:
            cursor.execute("RESET ROLE")
            assert self.load(folder) == "0 templates made, 1 renewed."
            cursor.execute("SET ROLE symphony_web")
        assert client.get(template["url"]).json()["usage_count"] == 1

    def test_what_cannot_be_loaded(self, db: None, folder: Path) -> None:
        (folder / "wrong.yaml").write_text("workflow:\n  name: x\n")
        with pytest.raises(CommandError, match=r"wrong\.yaml, line \d+: .*steps"):
            self.load(folder)
        with pytest.raises(CommandError, match="no \\*"):
            self.load(folder / "empty")
        assert role_for("templates") == "owner"

    def test_the_examples_are_templates(self, db: None) -> None:
        files = sorted(FOLDER.glob("*.yaml"))
        assert self.load(FOLDER) == f"{len(files)} templates made, 0 renewed."
        with staff():
            rows = list(MelodyTemplate.objects.filter(organization=None))
        assert {row.category for row in rows} == {"examples"}
        assert [row.name for row in rows if not row.description] == []

    def test_what_a_file_says_of_itself(self) -> None:
        assert summary("# One: two\n# three.\n#\n# More: x\na: 1\n") == "Two three."
        assert summary("# just words\na: 1\n") == "Just words"
        assert summary("a: 1\n") == ""


def test_the_admin_shows_them(alice: User, client: Any, api_of: ApiOf, create: Callable[..., Any]) -> None:
    template = create(api_of(alice)).json()
    User.objects.filter(pk=alice.pk).update(is_staff=True, is_superuser=True)
    client.force_login(User.objects.get(pk=alice.pk))
    pages = [
        reverse("admin:melodies_melodytemplate_changelist") + "?q=review",
        reverse("admin:melodies_melodytemplate_change", args=[template["id"]]),
    ]
    for page in pages:
        response = client.get(page)
        assert (response.status_code, b"Review" in response.content) == (200, True), page
