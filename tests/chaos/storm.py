"""A storm: random runs, what their owners do to them, and blows from a seeded schedule; then calm, and judgement.

The seed decides the melodies, what is done to which run, and which blow falls when. What meets what is up to the machine:
the same seed brings the same storm, not the same instant.
"""

from __future__ import annotations

import heapq
import random
import threading
import time
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import psycopg2

from tests.chaos import faults, pieces
from tests.chaos.database import seeing_all
from tests.chaos.deeds import FATES, Act, Deeds, Run
from tests.chaos.proof import reading, verdict
from tests.chaos.proof.record import Record, TaskRow
from tests.chaos.proof.verdict import RUN_OVER, Violation
from tests.chaos.scene import Person, Scene

TICK = 0.05
LOOK_EVERY = 1.0
TOLD = frozenset({"task_lost", "task_handed_over", "task_broken", "task_reset", "compensation_started"})
CALM_SECONDS = 90.0
"""After the last blow every run has to end within so many seconds."""


@dataclass(slots=True)
class Report:
    seed: str
    seconds: float
    runs: Counter[str] = field(default_factory=Counter)
    blows: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    seen: Counter[str] = field(default_factory=Counter)
    tasks: int = 0
    attempts: int = 0
    looks: int = 0
    calm: float = 0.0
    violations: list[Violation] = field(default_factory=list)
    stories: list[str] = field(default_factory=list)
    """Of the runs with violations: what was done to them, and what became of their own steps."""

    def __str__(self) -> str:
        def told(counted: Counter[str]) -> str:
            return ", ".join(f"{name} {count}" for name, count in sorted(counted.items())) or "none"

        lines = [
            f"chaos: seed {self.seed}, {self.seconds:.0f} s of storm, {self.calm:.1f} s until all had ended",
            f"  runs {self.runs.total()} ({told(self.runs)}), {self.tasks} tasks, {self.attempts} attempts",
            f"  their owners: {told(self.done)}",
            f"  what came of it: {told(self.seen)}",
            f"  faults {self.blows.total()}: {told(self.blows)}",
            f"  looks at runs under way {self.looks}",
            f"  violations {len(self.violations)}",
            *(f"    {violation}" for violation in self.violations[:30]),
            *(f"    {story}" for story in self.stories[:5] if story),
        ]
        if self.violations:
            lines.append(f"  once more: make chaos SEED={self.seed} MINUTES={self.seconds / 60:.2g}")
        return "\n".join(lines)


@dataclass(slots=True)
class Storm:
    """`abreast` runs are under way at any time."""

    scene: Scene
    seed: str
    seconds: float
    gap: float = 1.2
    abreast: int = 8
    largest: int = 8
    report: Report = field(init=False)
    _began: float = field(init=False)
    _later: list[tuple[float, int, Act]] = field(default_factory=list)
    _deeds: Deeds = field(init=False)
    _open: set[UUID] = field(default_factory=set)
    _strangers: list[str] = field(default_factory=list)
    _runs: int = 0
    _number: int = 0
    _asking_now: list[Future[None]] = field(default_factory=list)
    _guard: threading.Lock = field(default_factory=threading.Lock)
    _owners: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(6))
    """Whoever asks waits for an answer; the blows do not wait for them."""

    def __post_init__(self) -> None:
        self.report = Report(self.seed, self.seconds)
        self._deeds = Deeds(self._in, self.report.done)

    def rage(self) -> Report:
        """The whole of it."""
        blows = faults.schedule(self.seed, self.seconds, self.gap)
        self._began = time.monotonic()
        pause, looked = threading.Event(), 0.0
        while (now := self._now()) < self.seconds or blows:
            while blows and blows[0].at <= now:
                blow = blows.pop(0)
                self.report.blows[blow.kind] += faults.strike(self.scene, blow)
            self.scene.tend()
            self._act(now)
            if now - looked > LOOK_EVERY:
                looked = now
                self._look()
            if len(self._open) + len(self._asking_now) < self.abreast and now < self.seconds:
                self._submit()
            pause.wait(TICK)
        self._calm()
        return self._judge()

    def _now(self) -> float:
        return time.monotonic() - self._began

    def _in(self, seconds: float, act: Act) -> None:
        with self._guard:
            self._number += 1
            heapq.heappush(self._later, (self._now() + seconds, self._number, act))

    def _act(self, now: float) -> None:
        """Let those who have something to ask do so; what went wrong for one of them goes wrong here."""
        with self._guard:
            while self._later and self._later[0][0] <= now:
                self._asking_now.append(self._owners.submit(heapq.heappop(self._later)[2]))
        for asked in [asked for asked in self._asking_now if asked.done()]:
            self._asking_now.remove(asked)
            asked.result()

    # -- runs and their owners -----------------------------------------------------------------------------------------
    def _submit(self) -> None:
        self._runs += 1
        chance = random.Random(f"{self.seed}/runs/{self._runs}")
        key = f"{self.seed}-{self._runs}"
        self._asking_now.append(self._owners.submit(lambda: self._begin(chance, key)))

    def _begin(self, chance: random.Random, key: str) -> None:
        person = chance.choice(self.scene.people)
        piece = pieces.compose(chance, self.largest)
        made = person.client.insist("POST", "melodies/", piece.document, key=f"{key}-melody")
        assert made.status == 201, (made, piece.document)
        asked: dict[str, Any] = {"input": {}} | ({"priority": chance.randint(-10, 10)} if chance.random() < 0.3 else {})
        answer = person.client.insist("POST", f"melodies/{made.body['id']}/executions/", asked, key=f"{key}-run")
        assert answer.status in {200, 201, 202}, (answer, piece.document)
        run = Run(UUID(answer.body["id"]), key, person, piece, self._sha256(made.body["id"], person))
        fate = chance.choices([*FATES], [*FATES.values()])[0]
        self._deeds.begun(run, judged=fate != "cancel")
        self._deeds.tell(run, 1.5, chance)
        self._deeds.doom(chance, run, fate)
        if fate == "publish":
            self._in(chance.uniform(0, 1.5), lambda: self._publish(person, made.body["id"]))
        if chance.random() < 0.2:
            self._in(chance.uniform(0, 1), lambda: self._spy(run.id, person))

    def _publish(self, person: Person, melody: str) -> None:
        """Another version, in which nothing is as it was: runs that are under way must not hear of it."""
        other = {"workflow": {"name": "piece", "steps": [{"name": "s0", "type": "test_echo", "value": "another"}]}}
        answer = person.client.insist("POST", f"melodies/{melody}/versions/", other)
        assert answer.status in {200, 201, 409}, answer
        self.report.done["versions published"] += 1

    def _sha256(self, melody: str, person: Person) -> str:
        answer = person.client.insist("GET", f"melodies/{melody}/versions/1/")
        return str(answer.body["sha256"])

    def _spy(self, run: UUID, owner: Person) -> None:
        """Somebody else tries to see and to change it, on the database role of the web."""
        other = next(person for person in self.scene.people if person is not owner)
        answer = other.client.insist("GET", f"executions/{run}/")
        if answer.status != 404:
            self._strangers.append(f"{other.user} was answered {answer.status} about the run {run} of {owner.user}")
        with suppress(psycopg2.OperationalError, psycopg2.InterfaceError):
            self._strangers += self._spy_on_rows(run, other)
        self.report.done["spied in vain"] += 1

    def _spy_on_rows(self, run: UUID, other: Person) -> list[str]:
        found = []
        connected = psycopg2.connect(self.scene.database.urls.web, connect_timeout=5)
        try:
            with connected, connected.cursor() as cursor:
                cursor.execute("SELECT set_config('app.user_id', %s, true)", [str(other.user.pk)])
                for table in ("executions_execution", "executions_task", "executions_event", "executions_frame"):
                    column = "id" if table == "executions_execution" else "execution_id"
                    cursor.execute(f"SELECT count(*) FROM {table} WHERE {column} = %s", [run])
                    (count,) = cursor.fetchone() or (0,)
                    if count:
                        found.append(f"{other.user} sees {count} rows of {table}")
                cursor.execute("UPDATE executions_execution SET status_message = 'mine' WHERE id = %s", [run])
                if cursor.rowcount:
                    found.append(f"{other.user} changed the run {run}")
        finally:
            connected.close()
        return found

    # -- looking, calm, judgement --------------------------------------------------------------------------------------
    def _look(self) -> None:
        """Is anything forgotten just now? And which runs have ended?"""
        try:
            with seeing_all(self.scene.database.superuser_url) as query:
                seen = reading.look(query)
                ended = {
                    row[0] for row in query("SELECT id FROM executions_execution WHERE completed_at IS NOT NULL", [])
                }
        except psycopg2.OperationalError:
            return
        self.report.looks += 1
        self.report.violations += verdict.forgotten(seen)
        self._open = self._deeds.known - ended

    def _calm(self) -> None:
        """No more blows. The broker forgets everything once more: nothing that was in it can be needed."""
        self.scene.heal()
        self.scene.broker.flush()
        self.report.blows["broker flushed"] += 1
        pause, ended = threading.Event(), self._now() + CALM_SECONDS
        while self._now() < ended and (self._open or self._later or self._asking_now):
            self.scene.tend()
            self._act(self._now())
            self._look()
            pause.wait(TICK * 2)
        self.report.calm = self._now() - self.seconds
        self._owners.shutdown(cancel_futures=True)

    def _judge(self) -> Report:
        with seeing_all(self.scene.database.superuser_url) as query:
            record = reading.read(query, self.scene.bytes_of)
        record.submitted, record.strangers = self._deeds.submitted, self._strangers
        self._deeds.learn(record)
        self.report.violations += verdict.judge(record)
        self.report.stories = [self._story(record, run) for run in {one.subject for one in self.report.violations}]
        self.report.runs = Counter(
            run.status if run.status in RUN_OVER else "not ended" for run in record.runs.values()
        )
        self.report.tasks = len(record.tasks)
        self.report.seen = Counter(event.type for event in record.events if event.type in TOLD)
        self.report.seen["slots of pools"] = sum(slot.claimed for slot in record.slots)
        self.report.attempts = sum(move.after == "executing" for move in record.task_moves())
        self.report.done["asked again"] = sum(person.client.asked_again for person in self.scene.people)
        return self.report

    def _story(self, record: Record, subject: UUID | str) -> str:
        if not isinstance(subject, UUID) or (run := getattr(record.tasks.get(subject), "execution", subject)) not in (
            self._deeds.story
        ):
            return ""
        moves = [
            f"{move.at:%X.%f} {record.tasks[move.subject].name if move.what == 'task' else move.what} {move.after}"
            for move in record.moves
            if move.execution == run and (move.what == "run" or _is_own(record.tasks.get(move.subject)))
        ]
        return f"{run}: {self._deeds.story[run]}\n      {self._deeds.pieces[run].document}\n      {moves}"


def _is_own(task: TaskRow | None) -> bool:
    return task is not None and task.parent is None
