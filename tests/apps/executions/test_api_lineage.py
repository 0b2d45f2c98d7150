"""Where an artifact comes from and what was made from it, and large downloads."""

from __future__ import annotations

import random
import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from apps.accounts.models import User
from apps.core.tenancy import staff
from apps.executions import blobs
from apps.executions.api.content import READ_BEFORE
from apps.executions.errors import BlobDamaged
from apps.executions.models import Artifact, Execution, PitOperation
from tests.apps.executions.conftest import Player
from tests.stored import file_of, forge

pytestmark = pytest.mark.django_db

API = "/api/v1/"
PIECE = """\
workflow:
  name: piece
  mode: dag
  steps:
    - {name: theme, type: test_echo, value: 1}
    - {name: tempo, type: test_echo, value: 2}
    - {name: harmony, type: test_echo, value: "{{steps.theme.result}}", depends_on: [theme]}
    - {name: score, type: test_echo, value: "{{steps.harmony.result}}", depends_on: [harmony, tempo]}
    - {name: applause, type: test_echo, value: 5, depends_on: [score]}
"""


@pytest.fixture
def run(alice: User, start: Callable[..., Player]) -> Execution:
    player = start(alice, PIECE)
    kept = {
        name: {"output": name, "artifacts": [player.artifact(f"{name}.txt", data, "text/plain")]}
        for name, data in (("theme", b"la"), ("harmony", b"la la"), ("score", b"la la la"), ("applause", b"la la"))
    }
    return player.play(**kept)


@pytest.fixture
def ids(run: Execution) -> dict[str, str]:
    with staff():
        return {artifact.name: str(artifact.pk) for artifact in Artifact.objects.filter(execution=run)}


def names(steps: list[dict[str, Any]]) -> list[tuple[str, int]]:
    return [(step["name"], step["distance"]) for step in steps]


def test_the_way_there_and_on(
    run: Execution, ids: dict[str, str], alice: User, api_of: Callable[[User], APIClient]
) -> None:
    found = api_of(alice).get(f"{API}artifacts/{ids['score.txt']}/lineage/").json()
    assert found["made_by"]["name"] == "score"
    assert (found["attempt"], found["made_by"]["attempt"]) == (1, 1)
    assert found["made_by"]["version_sha256"] == found["execution"]["version_sha256"] == run.version_sha256
    assert sorted(names(found["made_from"])) == [("harmony", 1), ("tempo", 1)]
    assert names(found["made_into"]) == [("applause", 1)]
    assert found["truncated"] is True, "theme is one step further"
    task = {step["name"]: step["task"] for step in (found["made_by"], *found["made_from"], *found["made_into"])}
    assert {(link["task"], link["source"], link["relation"]) for link in found["links"]} == {
        (task["score"], task["harmony"], "read"),
        (task["score"], task["tempo"], "follows"),
        (task["applause"], task["score"], "follows"),
    }
    (harmony,) = (step for step in found["made_from"] if step["name"] == "harmony")
    assert [artifact["content_hash"] for artifact in harmony["artifacts"]] == [blobs.address(b"la la")]


def test_further_away_and_the_same_bytes(
    ids: dict[str, str], alice: User, api_of: Callable[[User], APIClient], django_assert_max_num_queries: Any
) -> None:
    client = api_of(alice)
    with django_assert_max_num_queries(60):
        found = client.get(f"{API}artifacts/{ids['harmony.txt']}/lineage/?depth=20").json()
    assert names(found["made_from"]) == [("theme", 1)]
    assert names(found["made_into"]) == [("score", 1), ("applause", 2)]
    assert found["truncated"] is False
    assert [artifact["id"] for artifact in found["same_bytes"]] == [ids["applause.txt"]]


@pytest.mark.parametrize("depth", ["0", "21", "-1", "x", "9" * 400, "\0"])
def test_a_depth_that_is_none_is_told(
    ids: dict[str, str], alice: User, api_of: Callable[[User], APIClient], depth: str
) -> None:
    answer = api_of(alice).get(f"{API}artifacts/{ids['score.txt']}/lineage/", {"depth": depth})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/depth"


def test_composite_steps_and_what_is_in_them(
    alice: User, start: Callable[..., Player], api_of: Callable[[User], APIClient]
) -> None:
    player = start(
        alice,
        {"workflow": {"name": "loop", "steps": [
            {"name": "parts", "type": "test_echo", "value": [1, 2]},
            {"name": "each", "type": "for_loop", "iterator": "part", "data_source": "{{steps.parts.result}}",
             "steps": [{"name": "play", "type": "test_echo", "value": 1}]},
            {"name": "end", "type": "test_echo", "value": "{{steps.each.result}}"}]}},
    )  # fmt: skip
    first = player.claim(player.task_ids("dispatched")[0])
    player.finish(first, output=[1, 2], artifacts=[player.artifact("parts.json", b"[1, 2]", "application/json")])
    each = player.claim(player.task_ids("dispatched")[0])
    player.expand(each, [{"body": 0, "loop": None}])
    inner = player.claim(player.task_ids("dispatched")[0])
    player.finish(inner, artifacts=[player.artifact("played.txt", b"la", "text/plain")])
    player.play()
    with staff():
        artifacts = {artifact.name: artifact.pk for artifact in Artifact.objects.all()}
    client = api_of(alice)
    far = client.get(f"{API}artifacts/{artifacts['parts.json']}/lineage/?depth=5").json()
    assert ("each", 1) in names(far["made_into"])
    assert {"play", "end"} <= {name for name, _ in names(far["made_into"])}
    back = client.get(f"{API}artifacts/{artifacts['played.txt']}/lineage/?depth=5").json()
    assert names(back["made_from"]) == [("each", 1), ("parts", 2)]
    assert {link["relation"] for link in back["links"]} >= {"inside", "collects"}


def test_provenance_is_a_document_of_the_standard(
    run: Execution, ids: dict[str, str], alice: User, api_of: Callable[[User], APIClient]
) -> None:
    """Every name has a prefix that is declared, every relation names things that are there."""
    document = api_of(alice).get(f"{API}artifacts/{ids['score.txt']}/provenance/?depth=3").json()
    things = {name for kind in ("entity", "activity", "agent") for name in document[kind]}
    assert {name.partition(":")[0] for name in things} <= document["prefix"].keys()
    relations = document.keys() - {"prefix", "entity", "activity", "agent"}
    assert relations == {
        "wasGeneratedBy", "used", "wasDerivedFrom", "wasInformedBy", "wasAssociatedWith", "wasStartedBy", "actedOnBehalfOf",
    }  # fmt: skip
    for relation in relations:
        for ends in document[relation].values():
            assert set(ends.values()) <= things, relation
    artifact = document["entity"][f"artifact:{ids['score.txt']}"]
    assert artifact["symphony:sha256"] == blobs.address(b"la la la")
    made = {(ends["prov:entity"], ends["prov:activity"]) for ends in document["wasGeneratedBy"].values()}
    (maker,) = (activity for entity, activity in made if entity == f"artifact:{ids['score.txt']}")
    used = {ends["prov:entity"] for ends in document["used"].values() if ends["prov:activity"] == maker}
    assert [document["entity"][entity]["prov:label"] for entity in used] == ["the result of harmony"]
    assert document["entity"][f"version:{run.version_sha256}"]["prov:type"]["$"] == "prov:Plan"


# -- large downloads ---------------------------------------------------------------------------------------------------------
@pytest.fixture
def large() -> bytes:
    return random.Random(11).randbytes(READ_BEFORE * 24)


def test_a_large_artifact_is_streamed(
    alice: User, start: Callable[..., Player], api_of: Callable[[User], APIClient], large: bytes
) -> None:
    player = start(alice)
    artifact = player.artifact("large.bin", large, "application/octet-stream")
    player.play(first={"artifacts": [artifact]})
    tracemalloc.start()
    answer: Any = api_of(alice).get(f"{API}artifacts/{artifact['id']}/content")
    assert answer.streaming
    assert answer.headers["Content-Length"] == str(len(large))
    position = 0
    for piece in answer.streaming_content:
        assert large[position : position + len(piece)] == piece
        position += len(piece)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert position == len(large)
    assert most < 8 << 20


def test_damage_breaks_a_stream_off_and_is_written_down(
    alice: User, start: Callable[..., Player], api_of: Callable[[User], APIClient], large: bytes
) -> None:
    player = start(alice)
    artifact = player.artifact("large.bin", large, "application/octet-stream")
    player.play(first={"artifacts": [artifact]})
    forge(file_of(player.organization, artifact["sha256"]), large[:-1] + b"\0")
    answer: Any = api_of(alice).get(f"{API}artifacts/{artifact['id']}/content")
    served: list[int] = []
    with pytest.raises(BlobDamaged):
        served.extend(len(piece) for piece in answer.streaming_content)
    assert 0 < sum(served) < len(large), "never the whole"
    with staff():
        (told,) = PitOperation.objects.filter(operation_context__fault="blob_damaged")
    assert (told.operation_context["name"], told.operation_type) == ("large.bin", "artifact_storage")


def test_damage_of_a_small_one_is_a_problem_and_written_down(
    run: Execution, ids: dict[str, str], alice: User, api_of: Callable[[User], APIClient]
) -> None:
    forge(file_of(run.organization_id, blobs.address(b"la la la")), b"do re mi")
    answer = api_of(alice).get(f"{API}artifacts/{ids['score.txt']}/content")
    assert (answer.status_code, answer.json()["code"]) == (500, "blob_damaged")
    with staff():
        assert PitOperation.objects.filter(operation_context__fault="blob_damaged").count() == 1
