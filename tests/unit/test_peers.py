from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import shapes
from benchmarks.peers import answers, environments, playing, roster, stage
from benchmarks.peers.answers import Answer, at_once, checked, parsed
from benchmarks.peers.keeper import children
from benchmarks.peers.playing import SLOTS, Job, Played
from benchmarks.peers.workloads import SMALL, Workload, chain, fan, workloads
from benchmarks.schedule import list_schedule
from benchmarks.spans import Span
from symphony.errors import StackError

FOLDER = Path(environments.__file__).parent
BEGUN = 1_000.0


def ideal(job: Job) -> Answer:
    """Everything one after the other, submitted a second before and recorded half a second after."""
    spans, now = [], BEGUN
    for seconds in job.seconds:
        spans.append(Span(now, now + seconds + 0.01))
        now = spans[-1].ended
    return Answer(tuple(spans), BEGUN - 1, now + 0.5)


class TestWorkloads:
    @pytest.mark.parametrize("workload", workloads(SMALL), ids=lambda workload: workload.name)
    def test_peers_and_symphony_are_given_the_same_graph(self, workload: Workload) -> None:
        job, steps = workload.job, workload.document["workflow"]["steps"]
        names = [step["name"] for step in steps]
        assert len(names) == len(job)
        assert [step["seconds"] for step in steps] == job.seconds
        if workload.name in {"W2", "W3"}:
            said = [[names.index(before) for before in step.get("depends_on", [])] for step in steps]
            assert said == job.predecessors
        else:
            assert job.predecessors == [[number - 1] if number else [] for number in range(len(job))]

    def test_followers_are_predecessors_turned_round(self) -> None:
        assert fan(3).followers() == [[1, 2, 3], [4], [4], [4], []]


class TestProtocol:
    def test_an_answer_survives_the_way_from_the_adapter_to_us(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        job = chain(3)
        monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(asdict(job)) + "\n"))
        played = Played([(1.0, 1.5), (1.5, 2.0), (2.0, 2.25)], 0.5, 3.0)
        playing.play(lambda given: played if given == job else Played([], 0, 0))
        ready, answer = capsys.readouterr().out.splitlines()
        assert playing.READY in ready
        assert parsed(ready) is None
        assert parsed(answer) == Answer((Span(1.0, 1.5), Span(1.5, 2.0), Span(2.0, 2.25)), 0.5, 3.0)

    def test_an_adapter_that_lost_a_step_ends_with_a_reason(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps(asdict(chain(2))) + "\n"))
        with pytest.raises(SystemExit, match="1 steps ran where 2"):
            playing.play(lambda _: Played([(1.0, 2.0)], 0.0, 3.0))

    @given(st.text())
    def test_whatever_else_a_peer_prints_is_no_answer(self, line: str) -> None:
        assert parsed(line.replace(playing.MARK, "")) is None


class TestChecks:
    def test_an_order_that_was_kept_passes(self) -> None:
        for workload in workloads(SMALL):
            answer = ideal(workload.job)
            assert checked(workload.job, answer) is answer

    def test_a_step_that_began_too_early_is_told(self) -> None:
        answer = Answer((Span(1.0, 2.0), Span(1.9, 3.0)), 0.0, 4.0)
        with pytest.raises(StackError, match="step 1 began before step 0"):
            checked(chain(2), answer)

    def test_a_sleep_that_was_cut_short_is_told(self) -> None:
        with pytest.raises(StackError, match="shorter than its sleep"):
            checked(Job([0.5], [[]]), Answer((Span(1.0, 1.4),), 0.0, 2.0))

    def test_a_missing_step_is_told(self) -> None:
        with pytest.raises(StackError, match="1 steps ran where 2"):
            checked(chain(2), Answer((Span(1.0, 2.0),), 0.0, 2.0))

    def test_more_at_once_than_slots_is_told(self) -> None:
        crowd = SLOTS + 1
        with pytest.raises(StackError, match=f"{crowd} steps ran at once"):
            checked(Job([0.5] * crowd, [[]] * crowd), Answer((Span(1.0, 1.5),) * crowd, 0.0, 2.0))

    @given(st.lists(st.tuples(st.floats(0, 50), st.floats(0.1, 5)), min_size=1, max_size=30))
    def test_at_once_is_the_most_that_cover_any_start(self, drawn: list[tuple[float, float]]) -> None:
        spans = [Span(start, start + length) for start, length in drawn]
        slack = answers.TOLERANCE
        covered = [sum(one.started <= span.started < one.ended - slack for one in spans) for span in spans]
        assert at_once(spans) >= max(covered)
        assert at_once(spans) <= len(spans)


class TestFigures:
    def test_both_makespans_and_the_first_step(self) -> None:
        job = chain(100)
        found = answers.numbers("W1", job, [ideal(job)])
        assert found[answers.HOP] == pytest.approx((1 + 100 * 0.01 + 0.5) * 10)
        assert found[answers.HOP_RAN] == pytest.approx(10)
        assert answers.numbers("W4", chain(1), [ideal(chain(1))]) == {answers.FIRST: pytest.approx(1000)}

    def test_the_dag_is_held_against_its_list_schedule(self) -> None:
        dag = shapes.layered(40)
        job = Job(list(dag.seconds), [list(before) for before in dag.predecessors])
        assert answers.bound(job) == pytest.approx(list_schedule(dag, SLOTS))
        found = answers.numbers("W3", job, [ideal(job)])
        assert found[answers.DAG_RAN] == pytest.approx((sum(job.seconds) + 0.4) / answers.bound(job))

    def test_ratios_are_ours_over_theirs_and_only_of_what_both_did(self) -> None:
        dbos, director = roster.chosen("dbos-process")[0], roster.chosen("celery-director")[0]
        ours = {answers.HOP_RAN: 2.0, answers.DAG_RAN: 1.1}
        theirs = {dbos: {answers.HOP_RAN: 4.0, answers.DAG_RAN: 1.0}, director: {answers.HOP_RAN: 16.0}}
        figures = answers.figures(ours, theirs)
        assert [figure.ratio for figure in figures] == pytest.approx([0.5, 0.125, 1.1])
        assert [figure.goal.met(figure) if figure.goal else None for figure in figures] == [True, None, False]


class TestRoster:
    @pytest.mark.parametrize("peer", roster.PEERS, ids=lambda peer: peer.name)
    def test_each_has_an_adapter_of_its_own_and_pins_all_it_needs(self, peer: roster.Peer) -> None:
        adapter, requirements = FOLDER / peer.home / peer.adapter, FOLDER / peer.home / "requirements.txt"
        assert len(adapter.read_text(encoding="utf-8").splitlines()) <= 150
        lines = [line for line in requirements.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
        assert lines
        assert all("==" in line for line in lines)

    def test_choosing(self) -> None:
        assert roster.chosen("") == list(roster.PEERS)
        assert [peer.name for peer in roster.chosen("prefect, dbos")] == ["dbos-process", "dbos-queue", "prefect"]
        assert [peer.name for peer in roster.chosen("dbos-queue")] == ["dbos-queue"]
        with pytest.raises(ValueError, match="unknown peer luigi: choose from dbos-process"):
            roster.chosen("dbos,luigi")

    def test_celery_director_is_not_asked_for_what_it_cannot_say(self) -> None:
        (director,) = roster.chosen("celery-director")
        assert director.plays == ("W1", "W2", "W4")
        assert "cannot do W3" in director.timers

    @pytest.mark.parametrize("peer", roster.PEERS, ids=lambda peer: peer.name)
    def test_places_in_commands_are_known(self, peer: roster.Peer) -> None:
        known = [
            "python",
            "bin",
            "folder",
            "home",
            "port",
            "database",
            "sqlalchemy",
            "asyncpg",
            "broker",
            "results",
            "secret",
        ]
        places = dict.fromkeys(known, "x")
        texts = [*peer.variables.values(), *(part for command in peer.prepare for part in command)]
        texts += [part for service in peer.services for part in (*service.command, service.url or "")]
        assert all("{" not in stage.filled(text, places) for text in texts)


class TestKeeper:
    def test_what_a_command_leaves_behind_ends_with_it(self, tmp_path: Path) -> None:
        with kept(
            f"setsid sleep 300 & echo $! > {tmp_path}/pid.part; mv {tmp_path}/pid.part {tmp_path}/pid; exit 3"
        ) as keeper:
            assert keeper.wait(20) == 3
        assert not alive(int((tmp_path / "pid").read_text()))

    def test_all_ends_when_it_is_asked_to(self, tmp_path: Path) -> None:
        with kept(
            f"setsid sleep 300 & echo $! > {tmp_path}/pid.part; mv {tmp_path}/pid.part {tmp_path}/pid; wait"
        ) as keeper:
            until((tmp_path / "pid").exists)
            left = int((tmp_path / "pid").read_text())
            assert alive(left)
            assert children(keeper.pid)
            keeper.terminate()
            assert keeper.wait(20) == 128 + signal.SIGTERM
        assert not alive(left)

    def test_a_command_that_does_not_exist_is_told(self) -> None:
        with kept("exec /nowhere/at/all") as keeper:
            assert keeper.wait(20) == 127


@contextmanager
def kept(script: str) -> Iterator[subprocess.Popen[bytes]]:
    keeper = subprocess.Popen([sys.executable, FOLDER / "keeper.py", "sh", "-c", script], stderr=subprocess.DEVNULL)
    try:
        yield keeper
    finally:
        keeper.terminate()
        keeper.wait(20)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not done():
        assert time.monotonic() < deadline
        os.sched_yield()
