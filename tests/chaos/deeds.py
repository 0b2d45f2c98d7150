"""What the owners of runs do to them: pause, cancel, decide about steps, retry, run again, move ahead in the queue."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from tests.chaos.pieces import Piece
from tests.chaos.proof.record import Record, Submitted
from tests.chaos.proof.verdict import RUN_OVER
from tests.chaos.scene import Person

Act = Callable[[], None]
FATES = {
    "nothing": 10, "pause": 4, "cancel": 2, "publish": 1, "priority": 2, "decide": 4, "retry": 3, "mend": 3, "rerun": 3,
}  # fmt: skip
"""Which deed a run meets, and how often."""
ASKS_AFTER = 0.4
PATIENCE = 120
"""How often an owner asks whether their run has ended."""
OWN_STEP = re.compile(r"s\d+")
OPEN = {"pending", "dispatched", "waiting"}
MODES = ("failed", "downstream", "from_here")


@dataclass(frozen=True, slots=True)
class Run:
    """Somebody's run of a piece; `key` is its own, for asking twice without doing twice."""

    id: UUID
    key: str
    person: Person
    piece: Piece
    sha256: str


@dataclass(slots=True)
class Deeds:
    """`later(seconds, act)` has it done then. `submitted` and `known` are the runs there are, with those begun again."""

    later: Callable[[float, Act], None]
    done: Counter[str]
    submitted: list[Submitted] = field(default_factory=list)
    known: set[UUID] = field(default_factory=set)
    pieces: dict[UUID, Piece] = field(default_factory=dict)
    story: dict[UUID, list[str]] = field(default_factory=dict)
    """What was done to each run, for who has to find out what went wrong with it."""

    def begun(self, run: Run, *, judged: bool) -> None:
        judge = run.piece.judge if judged else None
        self.submitted.append(Submitted(run.key, run.id, run.person.organization.pk, run.sha256, judge))
        self.pieces[run.id] = run.piece
        self.story[run.id] = [run.key]
        self.known.add(run.id)

    def doom(self, chance: random.Random, run: Run, fate: str) -> None:
        """Have happen to a run what is to happen to it; `cancel` is the one after which nothing is known of its results."""
        when = chance.uniform(0, 1.5)
        mind = random.Random(chance.getrandbits(32))
        if fate == "pause":
            length = chance.uniform(0.2, 2.5)
            self.later(when, lambda: self._pause(run, length))
        elif fate == "cancel":
            self.later(when, lambda: self._control(run, "cancel"))
        elif fate == "priority":
            self.later(when, lambda: self._control(run, "priority", {"priority": mind.randint(-10, 10)}))
        elif fate == "decide":
            self.later(when, lambda: self._decide(run, mind, OPEN))
        elif fate in {"retry", "mend", "rerun"}:
            self._when_over(run, lambda status: self._again(run, mind, fate, status))

    def tell(self, run: Run, soon: float, chance: random.Random) -> None:
        for name, payload in run.piece.signals.items():
            self.later(chance.uniform(0, soon), lambda name=name, payload=payload: self._signal(run, name, payload))  # type: ignore[misc]

    def learn(self, record: Record) -> None:
        """Decisions that were made although their answer never came: the history tells of them."""
        for event in record.events:
            piece = self.pieces.get(event.execution)
            if piece is not None and event.payload.get("by") and event.type in {"task_skipped", "task_result_set"}:
                status = "skipped" if event.type == "task_skipped" else "completed"
                piece.decided.setdefault(str(event.payload["name"]), status)

    def _ask(self, run: Run, what: str, path: str, body: dict[str, Any], *, key: str = "") -> tuple[bool, Any]:
        """Whether it was done, and the answer."""
        answer = run.person.client.insist("POST", path, body, key=f"{run.key}-{key or what}")
        self.done[f"{what} {'done' if answer.status < 300 else 'too late'}"] += 1
        self.story[run.id].append(f"{what} {body} {answer.status}")
        assert answer.status in {200, 201, 202, 409}, (what, path, body, answer)
        return answer.status < 300, answer.body

    def _control(self, run: Run, verb: str, body: dict[str, Any] | None = None) -> None:
        self._ask(run, verb, f"executions/{run.id}/{verb}/", body or {})

    def _pause(self, run: Run, seconds: float) -> None:
        """Asked again while the web is away, it may be done late; whoever resumes knows of it."""
        self._control(run, "pause")
        self.later(seconds, lambda: self._control(run, "resume"))

    def _signal(self, run: Run, name: str, payload: int) -> None:
        answer = run.person.client.insist("POST", f"executions/{run.id}/signals/", {"name": name, "payload": payload})
        assert answer.status in {200, 201, 202, 409}, answer
        self.done["signals told"] += 1

    def _when_over(self, run: Run, then: Callable[[str], None], asked: int = 0) -> None:
        def look() -> None:
            answer = run.person.client.insist("GET", f"executions/{run.id}/")
            if answer.body["status"] in RUN_OVER:
                then(answer.body["status"])
            elif asked < PATIENCE:
                self._when_over(run, then, asked + 1)

        self.later(ASKS_AFTER, look)

    def _again(self, run: Run, mind: random.Random, fate: str, status: str) -> None:
        if fate == "rerun":
            self._rerun(run, mind)
        elif status == "failed":
            if fate == "mend":
                self._decide(run, mind, {"failed"})
            else:
                self._control(run, "retry")
            # What was told to a run that had ended was not heard.
            self.tell(run, 0.5, mind)

    def _decide(self, run: Run, mind: random.Random, among: set[str]) -> None:
        """Skip a step, or give it the result it would have had."""
        answer = run.person.client.insist("GET", f"executions/{run.id}/tasks/?page_size=1000")
        tasks = [
            task for task in answer.body["results"] if OWN_STEP.fullmatch(task["name"]) and task["status"] in among
        ]
        may = [(task, verb) for task in tasks for verb in run.piece.decidable(task["name"])]
        if not may:
            self.done["decide too late"] += 1
            return
        task, verb = mind.choice(sorted(may, key=lambda one: (one[0]["name"], one[1])))
        body = {"output": run.piece.result(task["name"])} if verb == "result" else {}
        if self._ask(run, verb, f"tasks/{task['id']}/{verb}/", {**body, "reason": run.key}, key="decided")[0]:
            run.piece.decided[task["name"]] = "completed" if verb == "result" else "skipped"

    def _rerun(self, run: Run, mind: random.Random) -> None:
        mode = mind.choice(MODES)
        body = {"mode": mode} | ({"step": f"s{mind.randrange(len(run.piece.steps))}"} if mode == "from_here" else {})
        done, made = self._ask(run, f"rerun {mode}", f"executions/{run.id}/rerun/", body)
        if done:
            again = Run(UUID(made["id"]), f"{run.key}-again", run.person, run.piece, run.sha256)
            self.begun(again, judged=True)
            self.tell(again, 1.5, mind)
