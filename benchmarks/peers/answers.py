"""What peers answer, and what is made of it. Pure."""

from __future__ import annotations

import heapq
import json
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.figures import Figure, Goal
from benchmarks.peers.playing import MARK, SLOTS, Job
from benchmarks.peers.roster import Peer
from benchmarks.schedule import list_schedule
from benchmarks.shapes import Dag
from benchmarks.spans import Span, makespan
from symphony.errors import StackError

TOLERANCE = 0.002
"""Seconds by which a step may seem to begin before one it follows has ended: some peers keep whole milliseconds."""
RECORDED = "submitted to last step recorded"
RAN = "first start to last end"


@dataclass(frozen=True, slots=True)
class Answer:
    """One job played: when each step ran, when it was submitted and when all of it stood in the peer's own store."""

    spans: tuple[Span, ...]
    submitted: float
    recorded: float

    @property
    def whole(self) -> float:
        return self.recorded - self.submitted

    @property
    def first(self) -> float:
        """Seconds from submission to the start of the first step."""
        return min(span.started for span in self.spans) - self.submitted


@dataclass(frozen=True, slots=True)
class Measure:
    """One number of a workload, of every system alike."""

    workload: str
    name: str
    unit: str
    goal: Goal | None = None


HOP, HOP_RAN = Measure("W1", f"chain, {RECORDED}", "ms/step"), Measure("W1", f"chain, {RAN}", "ms/step")
FAN, FAN_RAN = Measure("W2", f"fan, {RECORDED}", "s"), Measure("W2", f"fan, {RAN}", "s")
DAG, DAG_RAN = Measure("W3", f"DAG / bound, {RECORDED}", "×"), Measure("W3", f"DAG / bound, {RAN}", "×")
FIRST = Measure("W4", "submitted to start of the first step", "ms")
MEASURES = (HOP, HOP_RAN, FAN, FAN_RAN, DAG, DAG_RAN, FIRST)
GOALS = {HOP_RAN: Goal("at most", 0.7), FAN_RAN: Goal("at most", round(1 / 1.7, 3)), DAG_RAN: Goal("at most", 1.0)}
"""Against the peer that is to be beaten; a throughput 1.7 times as high is a time 1.7 times as short."""


def parsed(line: str) -> Answer | None:
    """The answer in a line a peer has printed, if it is one."""
    _, mark, text = line.partition(MARK)
    if not mark or not text.startswith("{"):
        return None
    found: dict[str, Any] = json.loads(text)
    spans = tuple(Span(float(started), float(ended)) for started, ended in found["spans"])
    return Answer(spans, float(found["submitted"]), float(found["recorded"]))


def checked(job: Job, answer: Answer) -> Answer:
    """The answer, when it can be true: each step ran, behind those it follows, and no more at once than there are slots."""
    if len(answer.spans) != len(job):
        raise StackError(f"{len(answer.spans)} steps ran where {len(job)} were to run")
    for node, before in enumerate(job.predecessors):
        for number in before:
            if answer.spans[node].started < answer.spans[number].ended - TOLERANCE:
                raise StackError(f"step {node} began before step {number}, which it follows, had ended")
    if any(
        span.ended - span.started < seconds - TOLERANCE for span, seconds in zip(answer.spans, job.seconds, strict=True)
    ):
        raise StackError("a step was shorter than its sleep")
    most = at_once(answer.spans)
    if most > SLOTS:
        raise StackError(f"{most} steps ran at once where there are {SLOTS} slots")
    return answer


def at_once(spans: Sequence[Span]) -> int:
    """The most steps that ran at one instant, of those long enough to tell."""
    running: list[float] = []
    most = 0
    for span in sorted(spans):
        while running and running[0] <= span.started + TOLERANCE:
            heapq.heappop(running)
        heapq.heappush(running, span.ended)
        most = max(most, len(running))
    return most


def numbers(workload: str, job: Job, answers: Sequence[Answer]) -> dict[Measure, float]:
    """What a workload's answers say: medians."""
    whole = statistics.median(answer.whole for answer in answers)
    ran = statistics.median(makespan(answer.spans) for answer in answers)
    if workload == "W1":
        return {HOP: whole / len(job) * 1000, HOP_RAN: ran / len(job) * 1000}
    if workload == "W2":
        return {FAN: whole, FAN_RAN: ran}
    if workload == "W3":
        limit = bound(job)
        return {DAG: whole / limit, DAG_RAN: ran / limit}
    return {FIRST: statistics.median(answer.first for answer in answers) * 1000}


def bound(job: Job) -> float:
    """Seconds of the list schedule on as many slots as everybody has."""
    dag = Dag(tuple(job.seconds), tuple(map(tuple, job.predecessors)), (0,) * len(job))
    return list_schedule(dag, SLOTS)


def figures(ours: Mapping[Measure, float], theirs: Mapping[Peer, Mapping[Measure, float]]) -> list[Figure]:
    """Ours beside theirs, as far as both were measured; the ratio is Symphony / peer."""
    return [
        Figure(
            measure.workload,
            f"{measure.name} / {peer.label}",
            ours[measure],
            measure.unit,
            found[measure],
            GOALS.get(measure) if peer.to_beat else None,
        )
        for measure in MEASURES
        for peer, found in theirs.items()
        if measure in ours and measure in found
    ]
