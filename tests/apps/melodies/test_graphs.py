"""Melodies as rows of steps and connections."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.accounts import services as accounts
from apps.accounts.models import Organization, User
from apps.core.tenancy import acting_as
from apps.melodies import graphs, queries
from apps.melodies.definition import parse, sha256
from apps.melodies.models import MelodyConnection, MelodyGraph, MelodyStep

pytestmark = pytest.mark.django_db
ApiOf = Callable[[User], APIClient]

MELODIES = "/api/v1/melodies/"
SCORE = """\
# A comment.
workflow:
  name: score
  tags: [new]
  steps:
    - {name: theme, type: test_echo, value: [c, e, 1.5]}
    - name: each
      type: for_loop
      iterator: note
      data_source: "{{steps.theme}}"
      depends_on: {step: theme, on: success}
      steps:
        - {name: play, type: test_echo, value: "{{loop.note}}"}
    - name: choose
      type: switch
      enabled: false
      expression: inputs.kind
      depends_on: [each]
      cases:
        loud: [{name: play, type: test_echo}]
        soft: [{name: play, type: test_echo, on_error: [{name: rest, type: wait, seconds: 1}]}]
      default: []
  connections:
    - {from: theme, to: choose, from_output: melody}
"""


class Editor:
    """A melody in an editor's hands."""

    def __init__(self, client: APIClient, query: str = "", text: str = SCORE) -> None:
        self.client = client
        self.melody = client.post(f"{MELODIES}{query}", text, content_type="application/yaml").json()
        self.address = f"{self.melody['url']}graph/"

    def read(self) -> dict[str, Any]:
        found: dict[str, Any] = self.client.get(self.address).json()
        return found

    def write(self, graph: dict[str, Any], **headers: str) -> Any:
        return self.client.put(self.address, json.dumps(graph), content_type="application/json", headers=headers)

    def change_document(self, text: str) -> Any:
        return self.client.put(f"{self.melody['url']}document/", text, content_type="application/yaml")


@pytest.fixture
def editor(alice: User, api_of: ApiOf) -> Editor:
    return Editor(api_of(alice))


def named(graph: dict[str, Any], name: str, parent: str | None = None) -> dict[str, Any]:
    (step,) = (step for step in graph["steps"] if step["name"] == name and step["parent_step"] == parent)
    return dict(step)


def test_a_graph_nobody_has_touched_is_that_of_the_version(editor: Editor) -> None:
    response = editor.client.get(editor.address)
    graph = response.json()
    assert (response.headers["ETag"], graph["revision"], graph["version"], graph["changed"]) == ('"r0"', 0, 1, False)
    assert [step["name"] for step in graph["steps"]] == ["theme", "each", "choose", "play", "play", "play", "rest"]
    assert named(graph, "choose")["enabled"] is False
    assert graph["workflow"] == {"name": "score", "tags": ["new"]}
    assert graph == editor.read(), "ids and places are the same each time"
    assert not MelodyStep.objects.exists()
    assert {edge["origin"] for edge in graph["connections"]} == {"connection", "dependency"}
    xs = [named(graph, name)["position_x"] for name in ("theme", "each", "choose")]
    assert xs == sorted(set(xs))


def test_what_is_sent_back_unchanged_says_the_same(editor: Editor) -> None:
    stored = editor.write(editor.read())
    assert (stored.status_code, stored.json()["changed"], stored.json()["problems"]) == (200, False, [])
    assert (stored.headers["ETag"], MelodyStep.objects.count(), MelodyConnection.objects.count()) == ('"r1"', 7, 3)
    published = editor.client.post(f"{editor.address}publish/")
    assert (published.status_code, published.json()) == (200, editor.melody["version"])


def test_an_edit_is_kept_and_published(editor: Editor) -> None:
    graph = editor.read()
    for step in graph["steps"]:
        step["position_x"] += 7
    theme = named(graph, "theme")
    graph["steps"][0] = theme | {"name": "subject", "config": {"value": "{{inputs.x}}"}, "width": 320}
    graph["steps"].append({"id": "new one", "name": "applause", "type": "test_echo", "order_index": 9})
    graph["connections"].append({"from_step": theme["id"], "to_step": "new one", "path_data": {"d": "M 0 0"}})
    graph["workflow"]["name"] = "score 2"
    stored = editor.write(graph)
    assert (stored.status_code, stored.json()["changed"]) == (200, True)
    assert stored.json()["problems"][0]["code"] == "unknown_step", "the loop still reads steps.theme"
    each = named(stored.json(), "each")
    again = stored.json()
    again["steps"][again["steps"].index(each)] = each | {
        "config": each["config"] | {"data_source": "{{steps.subject}}"}
    }
    assert editor.write(again).json()["problems"] == []
    before = editor.client.get(f"{editor.melody['url']}versions/1/").json()
    published = editor.client.post(f"{editor.address}publish/")
    assert (published.status_code, published.json()["number"]) == (201, 2)
    after = editor.client.get(f"{editor.melody['url']}versions/2/").json()
    steps = after["document"]["workflow"]["steps"]
    assert [step["name"] for step in steps] == ["subject", "each", "choose", "applause"]
    assert steps[1]["depends_on"] == {"step": "subject", "on": "success"}
    assert after["document"]["workflow"]["connections"][1] == {"from": "subject", "to": "applause"}
    assert before["document"]["workflow"]["name"] == "score"
    graph = editor.read()
    assert (graph["version"], graph["changed"], graph["revision"]) == (2, False, 2)
    assert named(graph, "subject") | {"config": {}} == theme | {"name": "subject", "width": 320, "config": {}}


def test_steps_keep_ids_and_places_when_the_document_changes(editor: Editor) -> None:
    graph = editor.read()
    graph["steps"][1] |= {"position_x": 500, "position_y": 700, "height": 50}
    each = graph["steps"][1]
    editor.write(graph)
    made = MelodyStep.objects.get(pk=each["id"]).created_at
    assert editor.change_document(SCORE.replace("iterator: note", "iterator: tone").replace("loop.note", "loop.tone").replace(
        "    - name: choose", "    - {name: extra, type: test_echo, depends_on: [each]}\n    - name: choose"
    )).status_code == 201  # fmt: skip
    new = editor.read()
    assert (new["version"], new["changed"], new["revision"]) == (2, False, 2)
    kept = named(new, "each")
    assert (kept["id"], kept["position_x"], kept["position_y"], kept["height"]) == (each["id"], 500, 700, 50)
    assert kept["config"]["iterator"] == "tone"
    assert MelodyStep.objects.get(pk=each["id"]).created_at == made
    assert named(new, "extra")["position_x"] > 0


def test_a_version_published_meanwhile_does_not_lose_an_edit(editor: Editor) -> None:
    graph = editor.read()
    graph["workflow"]["description"] = "Drawn."
    editor.write(graph)
    editor.change_document(SCORE.replace("[new]", "[other]"))
    mine = editor.read()
    assert (mine["version"], mine["changed"], mine["behind"]) == (1, True, True)
    refused = editor.client.post(f"{editor.address}publish/")
    assert (refused.status_code, refused.json()["code"]) == (409, "graph_behind")
    forced = editor.client.post(f"{editor.address}publish/?force=true")
    assert (forced.status_code, forced.json()["number"]) == (201, 3)
    assert editor.read()["workflow"] == {"name": "score", "tags": ["new"], "description": "Drawn."}


def test_starting_again_from_a_version(editor: Editor) -> None:
    graph = editor.read()
    graph["workflow"]["description"] = "Drawn."
    graph["steps"][0]["position_x"] = 99
    editor.write(graph)
    editor.change_document(SCORE.replace("[new]", "[other]"))
    fresh = editor.client.post(f"{editor.address}import/").json()
    assert (fresh["version"], fresh["changed"], fresh["workflow"]["tags"]) == (2, False, ["other"])
    assert named(fresh, "theme")["position_x"] == 99
    old = editor.client.post(f"{editor.address}import/?version=1").json()
    assert (old["version"], old["workflow"]["tags"]) == (1, ["new"])
    assert editor.client.post(f"{editor.address}import/?version=7").status_code == 404
    assert editor.client.post(f"{editor.address}import/?version=one").status_code == 422


def test_two_editors(editor: Editor) -> None:
    graph = editor.read()
    tag = editor.client.get(editor.address).headers["ETag"]
    assert editor.write(graph, **{"If-Match": tag}).status_code == 200
    late = editor.write(graph, **{"If-Match": tag})
    assert (late.status_code, late.json()["code"]) == (412, "graph_changed")
    assert editor.write(graph, **{"If-Match": '"r1"'}).status_code == 200
    assert editor.write(graph, **{"If-Match": "*"}).status_code == 200
    assert editor.write(graph, **{"If-Match": "r2"}).status_code == 422


def test_steps_may_trade_their_names(editor: Editor) -> None:
    graph = editor.read()
    editor.write(graph)
    graph["steps"][0]["name"], graph["steps"][2]["name"] = "choose", "theme"
    assert editor.write(graph).status_code == 200
    assert MelodyStep.objects.get(pk=graph["steps"][0]["id"]).name == "choose"


def test_steps_that_go_take_what_is_inside_along(editor: Editor) -> None:
    graph = editor.read()
    editor.write(graph)
    choose = named(graph, "choose")
    inside = {step["id"] for step in graph["steps"] if step["parent_step"] == choose["id"]}
    gone = inside | {choose["id"]}
    graph["steps"] = [step for step in graph["steps"] if not {step["id"], step["parent_step"]} & gone]
    graph["connections"] = [edge for edge in graph["connections"] if edge["to_step"] != choose["id"]]
    assert editor.write(graph).status_code == 200
    assert MelodyStep.objects.count() == 3


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ("", ""),
        ("{", ""),
        ("[]", ""),
        ("{}", "/steps"),
        ('{"steps": [{}]}', "/steps/0/id"),
        ('{"steps": [{"id": "1", "name": "", "type": "x"}]}', "/steps/0/name"),
        ('{"steps": [{"id": "1", "name": "a", "type": "x", "position_x": "left"}]}', "/steps/0/position_x"),
        ('{"steps": [{"id": "1", "name": "a", "type": "x", "order_index": 9999999999}]}', "/steps/0/order_index"),
        ('{"steps": [{"id": "1", "name": "a", "type": "x", "config": []}]}', "/steps/0/config"),
        ('{"steps": [{"id": "1", "name": "a", "type": "x", "parent_step": "2", "body": "steps"}]}', "/steps/0/parent_step"),
        ('{"steps": [], "connections": [{"from_step": "1", "to_step": "2"}]}', "/connections/0/from_step"),
        ('{"steps": [], "workflow": {"steps": []}}', "/workflow/steps"),
        ('{"steps": [{"id": "1", "name": "a\\u0000", "type": "x"}]}', "/steps/0/name"),
    ],
)  # fmt: skip
def test_rows_that_cannot_be_kept(editor: Editor, body: str, pointer: str) -> None:
    refused = editor.client.put(editor.address, body, content_type="application/json")
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_graph")
    assert pointer in [error["pointer"] for error in refused.json()["errors"]]
    assert not MelodyGraph.objects.exists()


def test_a_graph_that_is_no_melody_is_not_published(editor: Editor) -> None:
    graph = editor.read() | {"steps": [], "connections": []}
    assert editor.write(graph).json()["problems"]
    refused = editor.client.post(f"{editor.address}publish/")
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_melody")
    assert editor.client.get(editor.melody["url"]).json()["version"]["number"] == 1


def test_the_id_of_another_melodys_step(editor: Editor) -> None:
    """Is not taken over."""
    editor.write(editor.read())
    other = Editor(editor.client)
    graph = other.read()
    graph["steps"] = [graph["steps"][0] | {"id": str(MelodyStep.objects.order_by("order_index").first().pk)}]  # type: ignore[union-attr]
    graph["connections"] = []
    refused = other.write(graph)
    assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
    assert MelodyStep.objects.count() == 7


def test_names_too_long_for_columns(editor: Editor) -> None:
    long = Editor(editor.client, text=SCORE.replace("loud:", f"{'l' * 201}:"))
    assert long.client.get(long.address).status_code == 200
    refused = long.client.post(f"{long.address}import/")
    assert (refused.status_code, refused.json()["code"]) == (422, "invalid_graph")


def test_a_viewer_and_a_stranger(alice: User, bob: User, carol: User, orchestra: Organization, api_of: ApiOf) -> None:
    accounts.add_member(actor=alice, organization=orchestra, user=carol, role="viewer")
    editor = Editor(api_of(alice), f"?organization={orchestra.slug}")
    graph = json.dumps(editor.read())
    for who, may_read, code in ((bob, 404, 404), (carol, 200, 403)):
        client = api_of(who)
        assert client.get(editor.address).status_code == may_read
        assert client.get(f"{editor.melody['url']}export/").status_code == may_read
        assert client.put(editor.address, graph, content_type="application/json").status_code == code
        assert client.post(f"{editor.address}import/").status_code == code
        assert client.post(f"{editor.address}publish/").status_code == code
    assert not MelodyGraph.objects.exists()


def test_the_rows_say_what_the_document_says(alice: User, editor: Editor) -> None:
    """Also after a trip through the database."""
    editor.client.post(f"{editor.address}import/")
    with acting_as(alice.pk):
        melody = queries.melody_for(actor=alice, melody_id=editor.melody["id"])
        document = graphs.document_of(graphs.rows_of(melody))
    assert sha256(document) == editor.melody["version"]["sha256"]


def test_a_document_to_take_away(editor: Editor) -> None:
    address = f"{editor.melody['url']}export/"
    text = editor.client.get(address)
    assert (text.content.decode(), text.headers["Content-Type"]) == (SCORE, "application/yaml; charset=utf-8")
    assert text.headers["Content-Disposition"] == 'attachment; filename="score.yaml"'
    as_json = editor.client.get(f"{address}?format=json")
    assert as_json.headers["Content-Type"] == "application/json; charset=utf-8"
    assert json.loads(as_json.content) == parse(SCORE).value
    sent = Editor(editor.client, text=as_json.content.decode())
    sent.client.put(f"{sent.melody['url']}document/", as_json.content, content_type="application/json")
    assert editor.client.get(f"{address}?version=1").content == text.content
    assert editor.client.get(f"{address}?version=2").status_code == 404
    assert editor.client.get(f"{address}?format=xml").status_code == 422


def test_json_is_taken_away_as_yaml(editor: Editor) -> None:
    body = json.dumps(parse(SCORE).value)
    made = editor.client.post(MELODIES, body, content_type="application/json").json()
    text = editor.client.get(f"{made['url']}export/").content.decode()
    assert parse(text, media="yaml").value == parse(SCORE).value
    assert text.startswith("workflow:\n  name: score\n")
