"""Comments on melodies and steps, threads, and who is mentioned in them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.core import mail
from django.db import ProgrammingError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from rest_framework.test import APIClient

from apps.accounts import mail as letters
from apps.accounts import services as accounts
from apps.accounts.events import person_erasing, personal_data_requested
from apps.accounts.models import Organization, User
from apps.core.tenancy import acting_as
from apps.melodies import services as melodies
from apps.melodies.models import CommentMention, Melody, MelodyComment
from apps.projects import services as projects

pytestmark = pytest.mark.django_db
ApiOf = Callable[[User], APIClient]

NESTED = """\
workflow:
  name: nested
  steps:
    - {name: greet, type: test_echo, value: Hello}
    - name: each
      type: for_loop
      iterator: item
      data_source: "[1, 2]"
      steps:
        - {name: inner, type: test_echo, value: "{{item}}"}
"""


@pytest.fixture
def melody(alice: User, bob: User, carol: User, orchestra: Organization, web_role: None) -> Melody:
    """Alice's; Bob is a member, Carol a viewer."""
    with acting_as(alice.pk):
        accounts.add_member(actor=alice, organization=orchestra, user=bob, role="member")
        accounts.add_member(actor=alice, organization=orchestra, user=carol, role="viewer")
        return melodies.create_melody(actor=alice, organization=orchestra, source=NESTED, media="yaml").melody


@pytest.fixture
def say(melody: Melody) -> Callable[..., Any]:
    def say(client: APIClient, body: str, **more: Any) -> Any:
        return client.post(f"/api/v1/melodies/{melody.pk}/comments/", {"body": body} | more, format="json")

    return say


def listed(client: APIClient, melody: Melody, question: str = "") -> list[str]:
    found = client.get(f"/api/v1/melodies/{melody.pk}/comments/?{question}").json()["results"]
    return [each["body"] for each in found]


def test_everybody_who_reads_may_comment(
    alice: User, carol: User, melody: Melody, api_of: ApiOf, say: Callable[..., Any]
) -> None:
    made = say(api_of(carol), "  **Lovely.** <script>\n")
    comment = made.json()
    assert (made.status_code, comment["body"]) == (201, "**Lovely.** <script>")
    assert (comment["author"]["id"], comment["step"], comment["parent"]) == (str(carol.pk), None, None)
    assert api_of(alice).get(made.headers["Location"]).json() == comment
    stranger = accounts.create_user(email="dora@example.org", password=None)
    client = api_of(stranger)
    assert say(client, "Me too").status_code == 404
    for method, address in (
        ("get", f"/api/v1/melodies/{melody.pk}/comments/"),
        ("get", comment["url"]),
        ("patch", comment["url"]),
        ("delete", comment["url"]),
        ("post", f"{comment['url']}resolve/"),
        ("post", f"{comment['url']}reopen/"),
    ):
        assert getattr(client, method)(address, {}, format="json").status_code == 404, address


def test_on_a_step_that_is_made_anew(alice: User, melody: Melody, api_of: ApiOf, say: Callable[..., Any]) -> None:
    client = api_of(alice)
    made = say(client, "Why twice?", step_path=["each", "inner"]).json()
    step = made["step"]["id"]
    assert made["step"]["path"] == ["each", "inner"]
    assert say(client, "Indeed.", parent=made["id"]).json()["step"] == made["step"]
    assert say(client, "By id.", step=step).json()["step"] == made["step"]
    say(client, "All of it.")
    assert listed(client, melody, f"step={step}") == ["Why twice?", "Indeed.", "By id."]
    assert listed(client, melody, "on_melody=true") == ["All of it."]
    # The step goes, and comes back.
    for text in (NESTED.replace("inner", "other"), NESTED):
        with acting_as(alice.pk):
            melodies.publish_version(actor=alice, melody=melody, source=text, media="yaml")
            melodies.import_document(actor=alice, melody=melody)
    again = say(client, "Still there.", step_path=["each", "inner"]).json()["step"]["id"]
    assert "Why twice?" in listed(client, melody, f"step={again}")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"body": " "}, "/body"),
        ({"body": "x" * 10_001}, "/body"),
        ({"body": "a\0"}, "/body"),
        ({"body": "x", "step": str(uuid4())}, "/step"),
        ({"body": "x", "step_path": ["nobody"]}, "/step_path"),
        ({"body": "x", "step_path": ["greet"], "step": str(uuid4())}, "/step_path"),
        ({"body": "x", "parent": str(uuid4())}, "/parent"),
        ({"body": "x", "parent": str(uuid4()), "step_path": ["greet"]}, "/step"),
    ],
)
def test_what_is_no_comment(
    alice: User, melody: Melody, api_of: ApiOf, say: Callable[..., Any], body: dict[str, Any], pointer: str
) -> None:
    answer = say(api_of(alice), **body)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer), answer.content


def test_threads(alice: User, bob: User, carol: User, melody: Melody, api_of: ApiOf, say: Callable[..., Any]) -> None:
    anna, ben, cara = api_of(alice), api_of(bob), api_of(carol)
    root = say(cara, "Too loud?").json()
    answer = say(ben, "No.", parent=root["id"]).json()
    deeper = say(cara, "Yes!", parent=answer["id"]).json()
    assert deeper["parent"] == root["id"]
    other = say(ben, "Another thing.").json()
    assert anna.get(root["url"]).json()["reply_count"] == 2
    assert listed(anna, melody, f"thread={root['id']}") == ["Too loud?", "No.", "Yes!"]
    # A viewer settles what they began, and nothing else.
    settled = cara.post(f"{deeper['url']}resolve/").json()
    assert (settled["id"], settled["resolved"], settled["resolved_by"]["id"]) == (root["id"], True, str(carol.pk))
    assert cara.post(f"{other['url']}resolve/").status_code == 403
    assert listed(anna, melody, "resolved=true") == ["Too loud?", "No.", "Yes!"]
    assert listed(anna, melody, "resolved=false") == ["Another thing."]
    assert listed(anna, melody, f"author={bob.pk}") == ["No.", "Another thing."]
    reopened = ben.post(f"{root['url']}reopen/").json()
    assert (reopened["resolved"], reopened["resolved_by"], reopened["resolved_at"]) == (False, None, None)


def test_what_one_has_said_is_ones_own(
    alice: User, bob: User, carol: User, melody: Melody, api_of: ApiOf, say: Callable[..., Any]
) -> None:
    anna, ben, cara = api_of(alice), api_of(bob), api_of(carol)
    root = say(cara, "Helo").json()
    assert root["edited_at"] is None
    edited = cara.patch(root["url"], {"body": "Hello"}, format="json").json()
    assert (edited["body"], edited["edited_at"] is not None) == ("Hello", True)
    for client in (anna, ben):
        assert client.patch(root["url"], {"body": "Mine"}, format="json").status_code == 403
    assert ben.delete(root["url"]).status_code == 403
    say(ben, "Hi.", parent=root["id"])
    # An admin may; with answers to it its place stays.
    assert anna.delete(root["url"]).status_code == 204
    left = anna.get(root["url"]).json()
    assert (left["deleted"], left["body"], left["reply_count"]) == (True, "", 1)
    for gone in (cara.patch(root["url"], {"body": "Back"}, format="json"), anna.delete(root["url"])):
        assert (gone.status_code, gone.json()["code"]) == (409, "comment_gone")
    alone = say(cara, "Alone").json()
    assert cara.delete(alone["url"]).status_code == 204
    assert cara.get(alone["url"]).json()["code"] == "comment_not_found"


def test_the_database_keeps_words_where_they_are(
    bob: User, carol: User, melody: Melody, api_of: ApiOf, say: Callable[..., Any]
) -> None:
    comment = say(api_of(carol), "Hello").json()["id"]
    with acting_as(bob.pk):
        rows = MelodyComment.objects.filter(pk=comment)
        for change in ({"body": "Bye"}, {"author": bob}):
            with pytest.raises(Exception, match=r"comment .* (is its author|stays)"), transaction.atomic():
                rows.update(**change)
        assert rows.delete()[0] == 0
        with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
            MelodyComment.objects.create(
                organization_id=melody.organization_id, melody=melody, author=carol, body="I said"
            )


class TestMentions:
    def test_members_who_are_named_are_told(
        self,
        alice: User,
        bob: User,
        melody: Melody,
        api_of: ApiOf,
        say: Callable[..., Any],
        django_capture_on_commit_callbacks: Any,
    ) -> None:
        stranger = accounts.create_user(email="dora@example.org", password=None, display_name="Dora")
        with django_capture_on_commit_callbacks(execute=True):
            text = f"@{bob.username} @{bob.username.upper()} @{stranger.username} @{alice.username} @nobody: look\nhere"
            comment = say(api_of(alice), text).json()
        assert [each["id"] for each in comment["mentions"]] == [str(bob.pk)]
        assert letters.wait_until_sent()
        (letter,) = mail.outbox
        assert (letter.to, letter.subject) == ([bob.email], "Alice mentioned you on nested")
        assert "look here" in letter.body
        assert comment["id"] in letter.body
        (mention,) = api_of(bob).get("/api/v1/mentions/?seen=false").json()["results"]
        assert (mention["comment"], mention["melody_name"], mention["seen"]) == (comment["id"], "nested", False)
        assert api_of(alice).get("/api/v1/mentions/").json()["results"] == []

    def test_seen(self, alice: User, bob: User, melody: Melody, api_of: ApiOf, say: Callable[..., Any]) -> None:
        for number in range(3):
            say(api_of(alice), f"@{bob.username} {number}")
        client = api_of(bob)

        def unseen() -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = client.get("/api/v1/mentions/?seen=false").json()["results"]
            return found

        first = unseen()[0]
        assert client.patch(f"/api/v1/mentions/{first['id']}/", {"seen": True}, format="json").json()["seen"] is True
        assert len(unseen()) == 2
        assert (
            client.patch(f"/api/v1/mentions/{first['id']}/", {"seen": False}, format="json").json()["seen_at"] is None
        )
        some = [each["id"] for each in unseen()[:2]]
        assert client.post("/api/v1/mentions/seen/", {"mentions": some}, format="json").json() == {"changed": 2}
        assert client.post("/api/v1/mentions/seen/", {}, format="json").json() == {"changed": 1}
        assert unseen() == []
        other = api_of(alice).patch(f"/api/v1/mentions/{first['id']}/", {"seen": False}, format="json")
        assert (other.status_code, other.json()["code"]) == (404, "mention_not_found")

    def test_an_edit_names_others(
        self, alice: User, bob: User, carol: User, melody: Melody, api_of: ApiOf, say: Callable[..., Any]
    ) -> None:
        client = api_of(alice)
        url = say(client, f"@{bob.username}?").json()["url"]
        edited = client.patch(url, {"body": f"@{carol.username}!"}, format="json").json()
        assert [each["id"] for each in edited["mentions"]] == [str(carol.pk)]
        assert api_of(bob).get("/api/v1/mentions/").json()["results"] == []

    def test_whoever_cannot_see_the_melody_is_not_told(
        self, alice: User, bob: User, melody: Melody, api_of: ApiOf, say: Callable[..., Any]
    ) -> None:
        before = say(api_of(alice), f"@{bob.username} first").json()
        with acting_as(alice.pk):
            project = projects.create_project(
                actor=alice, organization=melody.organization, name="Secret", access="restricted"
            )
            melodies.change_melody(actor=alice, melody=Melody.objects.get(pk=melody.pk), project=project)
        assert say(api_of(alice), f"@{bob.username} second").json()["mentions"] == []
        client = api_of(bob)
        assert client.get("/api/v1/mentions/").json()["results"] == []
        for address in (before["url"], f"/api/v1/melodies/{melody.pk}/comments/", f"/api/v1/melodies/{melody.pk}/"):
            assert client.get(address).status_code == 404, address
        with acting_as(bob.pk):
            assert (MelodyComment.objects.count(), CommentMention.objects.count()) == (0, 0)
        # Nor does the project vanish and leave them in the open.
        answer = api_of(alice).delete(f"/api/v1/projects/{project.pk}/")
        assert (answer.status_code, answer.json()["code"]) == (409, "project_in_use")


def test_lists_ask_as_often_for_many_as_for_few(
    alice: User, bob: User, melody: Melody, api_of: ApiOf, say: Callable[..., Any]
) -> None:
    anna, ben = api_of(alice), api_of(bob)
    say(anna, f"@{bob.username} 0")
    # The use of a token is written down with its first request.
    ben.get("/api/v1/mentions/")
    lists = {f"/api/v1/melodies/{melody.pk}/comments/": anna, "/api/v1/mentions/": ben}

    def asked() -> dict[str, int]:
        counts = {}
        for address, client in lists.items():
            with CaptureQueriesContext(connection) as queries:
                assert client.get(address).status_code == 200
            counts[address] = len(queries)
        return counts

    before = asked()
    root = say(ben, f"@{alice.username}").json()
    for number in range(3):
        say(anna, f"@{bob.username} {number}", parent=root["id"])
    assert asked() == before
    assert max(before.values()) <= 14, before


def test_a_melody_takes_what_was_said_along(
    alice: User, bob: User, carol: User, melody: Melody, api_of: ApiOf, say: Callable[..., Any]
) -> None:
    root = say(api_of(carol), f"@{alice.username}").json()
    say(api_of(alice), "Yes?", parent=root["id"])
    with acting_as(bob.pk):
        # A member, who may delete none of the comments.
        melodies.delete_melodies(actor=bob, melodies=[Melody.objects.get(pk=melody.pk)])
    with acting_as(alice.pk):
        assert (MelodyComment.objects.count(), CommentMention.objects.count()) == (0, 0)


def test_what_is_kept_about_a_person(
    alice: User, bob: User, melody: Melody, api_of: ApiOf, say: Callable[..., Any]
) -> None:
    say(api_of(alice), f"@{bob.username}: mine")
    with acting_as(alice.pk):
        told = dict(answer for _, answer in personal_data_requested.send(sender=None, user=alice) if answer is not None)
    assert [each["body"] for each in told["comments_and_templates"]["comments"]] == [f"@{bob.username}: mine"]
    assert set(told["projects"]) == {"created", "named"}
    with acting_as(bob.pk):
        person_erasing.send(sender=None, user=bob, personal_organization=None)
        assert not CommentMention.objects.exists()
        assert MelodyComment.objects.count() == 1


def test_the_admin_shows_them(alice: User, client: Any, melody: Melody, api_of: ApiOf, say: Callable[..., Any]) -> None:
    comment = say(api_of(alice), "A remark").json()
    User.objects.filter(pk=alice.pk).update(is_staff=True, is_superuser=True)
    client.force_login(User.objects.get(pk=alice.pk))
    for page in (
        reverse("admin:melodies_melodycomment_changelist") + "?q=remark",
        reverse("admin:melodies_melodycomment_change", args=[comment["id"]]),
    ):
        response = client.get(page)
        assert (response.status_code, b"A remark" in response.content) == (200, True), page
