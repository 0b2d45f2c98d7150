"""Random melodies whose results are known beforehand: a DAG of every kind of step the ledger knows, and a pure reference.

Each step that completes gives a number, made of the numbers of steps before it; so a result that is right was computed
from results that were right, and nothing was left out or done with somebody else's.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.unit.compiler.melodies import EDGES, Sketch, interpret, run_fails

MODULUS = 1_000_003
SIGNAL = "go"
POOLS: Mapping[str, Mapping[str, Any]] = {
    "narrow": {"slots": 1},
    "wide": {"slots": 2},
    "closed": {"slots": 1, "open": False},
}
"""What steps say under `limit`, and what there is of it in each organization."""


@dataclass(frozen=True, slots=True)
class Made:
    """One kind of step: its fields, how others read its number, how the number is found in its result."""

    fields: dict[str, Any]
    number: int | None
    path: str = ""
    """After `steps.NAME`; with a `%` it is an expression around it."""
    found: Callable[[Any], Any] = lambda output: output
    acts: str = "completed"


@dataclass(slots=True)
class Piece:
    """A melody, and what must come of it. `signals` are those waited for, each with its payload by name."""

    steps: list[dict[str, Any]]
    limits: dict[str, Any]
    sketches: list[Sketch]
    made: list[Made]
    signals: dict[str, int]
    undone: set[str] = field(default_factory=set)
    read: set[int] = field(default_factory=set)
    """Steps whose number a later one reads."""
    decided: dict[str, str] = field(default_factory=dict)
    """Steps that a person decided about, and what they became by that."""

    @property
    def document(self) -> dict[str, Any]:
        workflow: dict[str, Any] = {"name": "piece", "mode": "dag", "steps": self.steps}
        return {"workflow": workflow | ({"resource_limits": self.limits} if self.limits else {})}

    def judge(self, status: str, outcomes: Mapping[str, tuple[str, Any]]) -> list[str]:
        """What differs from the reference."""
        expected = interpret([self._decided(index, sketch) for index, sketch in enumerate(self.sketches)])
        wrong = []
        should = "failed" if run_fails(self.sketches, expected) else "completed"
        if status != should:
            wrong.append(f"the run is {status}, it should be {should}")
        for index, (made, wanted) in enumerate(zip(self.made, expected, strict=True)):
            name = f"s{index}"
            became, output = outcomes.get(name, ("missing", None))
            if became != wanted:
                wrong.append(f"{name} is {became}, it should be {wanted}")
            elif became == "completed" and _read(made, output) != made.number:
                wrong.append(f"{name} gave {_read(made, output)!r}, it should be {made.number}: {output!r}")
        return wrong

    def _decided(self, index: int, sketch: Sketch) -> Sketch:
        """Who decides about a step asks for nothing that comes before it."""
        status = self.decided.get(f"s{index}")
        return sketch if status is None else Sketch((), "all", status, sketch.tolerates)

    def decidable(self, name: str) -> list[str]:
        """What a person may do about this step so that all results stay what they should be."""
        index = int(name[1:])
        made = self.made[index]
        return ["result"] * (not made.path) + ["skip"] * (index not in self.read)

    def result(self, name: str) -> int | None:
        return self.made[int(name[1:])].number


def _read(made: Made, output: Any) -> Any:
    try:
        return made.found(output)
    except (KeyError, TypeError, IndexError):
        return f"nothing that could be read from {output!r}"


def compose(chance: random.Random, largest: int = 8, slowest: float = 0.3) -> Piece:
    """A melody of up to `largest` steps; those that hold a slot or a timer do so for at most `slowest` seconds."""
    piece = Piece([], {}, [], [], {})
    for index in range(chance.randint(3, largest)):
        before = chance.sample(range(index), chance.randint(0, min(index, 3)))
        edges = tuple((source, _edge(chance)) for source in sorted(before))
        join: str | int = chance.choice(["all", "all", "all", "any", *range(1, len(edges) + 1)]) if edges else "all"
        base = chance.randrange(1000)
        reads = _readable(piece, edges) if join == "all" else []
        piece.read.update(reads)
        number = (base + sum(piece.made[source].number or 0 for source in reads)) % MODULUS
        told = _template(piece, reads, base)
        made = _KINDS[_kind(chance)](chance, f"s{index}", told, number, slowest)
        tolerates = made.acts == "failed" and chance.random() < 0.6
        piece.sketches.append(Sketch(edges, join, made.acts, tolerates))
        piece.made.append(made)
        piece.steps.append(_written(chance, piece, index))
        if "signal" in made.fields.get("type", ""):
            piece.signals[made.fields["signal"]] = number
    _limit(chance, piece)
    return piece


def _edge(chance: random.Random) -> str:
    return chance.choice(["success"] * 6 + list(EDGES))


def _readable(piece: Piece, edges: tuple[tuple[int, str], ...]) -> list[int]:
    """Those before it that have surely completed when the step starts."""
    became = interpret(piece.sketches)
    return [source for source, on in edges if on == "success" and became[source] == "completed"]


def _template(piece: Piece, reads: list[int], base: int) -> str:
    terms = [_expression(piece.made[source], f"steps.s{source}") for source in reads]
    return "(" + " + ".join([*terms, str(base)]) + f") % {MODULUS}"


def _expression(made: Made, step: str) -> str:
    return made.path.replace("%", step) if "%" in made.path else step + made.path


def _kind(chance: random.Random) -> str:
    kinds = (
        ["echo"] * 3 + ["simulate"] * 4 + ["wait"] * 2 + ["switch", "loop", "while", "pipeline", "signal", "handled"]
    )
    return chance.choice([*kinds, "large", "failing", "late", "silent", "shut out", "skipped"])


def _written(chance: random.Random, piece: Piece, index: int) -> dict[str, Any]:
    sketch, made = piece.sketches[index], piece.made[index]
    step = {"name": f"s{index}", **made.fields}
    step["depends_on"] = [{"step": f"s{source}", "on": on} for source, on in sketch.edges]
    if sketch.edges:
        step["join"] = sketch.join
    if sketch.tolerates:
        step["continue_on_error"] = True
    if made.fields["type"] in {"test_echo", "simulate"} and made.acts == "completed" and chance.random() < 0.15:
        step["compensate"] = [{"name": f"s{index}_undo", "type": "test_echo", "value": f"{{{{steps.s{index}}}}}"}]
        piece.undone.add(f"s{index}_undo")
    if made.fields["type"] in {"test_echo", "simulate"} and "limit" not in step and chance.random() < 0.3:
        step["limit"] = chance.choice(["narrow", "wide", {"name": "wide", "slots": 2}])
    return step


def _limit(chance: random.Random, piece: Piece) -> None:
    if chance.random() < 0.35:
        piece.limits["max_parallel_steps"] = chance.randint(1, 3)
    if chance.random() < 0.35:
        slow = [step for step in piece.steps if step["type"] in {"simulate", "for_loop", "wait"}]
        for step in slow[:3]:
            step["exclusive"] = "room"


# -- kinds -------------------------------------------------------------------------------------------------------------
def _braced(told: str) -> str:
    return "{{" + told + "}}"


def _echo(chance: random.Random, name: str, told: str, number: int, slowest: float) -> Made:
    return Made({"type": "test_echo", "value": _braced(told)}, number)


def _simulate(chance: random.Random, name: str, told: str, number: int, slowest: float) -> Made:
    return Made({"type": "simulate", "seconds": round(chance.random() * slowest, 2), "output": _braced(told)}, number)


def _wait(chance: random.Random, name: str, told: str, number: int, slowest: float) -> Made:
    return Made({"type": "wait", "seconds": round(chance.random() * 3 * slowest, 2), "output": _braced(told)}, number)


def _switch(chance: random.Random, name: str, told: str, number: int, slowest: float) -> Made:
    def case(more: int) -> list[dict[str, Any]]:
        return [{"name": f"{name}_in", "type": "test_echo", "value": _braced(f"({told} + {more}) % {MODULUS}")}]

    fields = {"type": "switch", "expression": f"({told}) % 2", "cases": {"0": case(3), "1": case(5)}}
    result = (number + (5 if number % 2 else 3)) % MODULUS
    return Made(fields, result, f".results.{name}_in", lambda output: output["results"][f"{name}_in"])


def _loop(chance: random.Random, name: str, told: str, number: int, slowest: float) -> Made:
    items = [chance.randrange(100) for _ in range(chance.randint(1, 5))]
    inner = [
        {"name": f"{name}_at", "type": "simulate", "seconds": slowest / 4, "output": "{{loop.item}}"},
        {"name": f"{name}_in", "type": "test_echo", "value": f"{{{{steps.{name}_at + ({told})}}}}"},
    ]
    parallel = {"parallel": True, "max_parallel": chance.randint(1, 3)} if chance.random() < 0.7 else {}
    fields = {"type": "for_loop", "iterator": "item", "data_source": items, "steps": inner, **parallel}
    return Made(
        fields,
        sum(items) + len(items) * number,
        f"sum(%.iterations[*].results.{name}_in)",
        lambda output: sum(one["results"][f"{name}_in"] for one in output["iterations"]),
    )


def _while(chance: random.Random, name: str, told: str, number: int, slowest: float) -> Made:
    passes = chance.randint(1, 3)
    condition = f"steps.{name}_in.n == null or steps.{name}_in.n < {passes}"
    value = {"n": "{{loop.iteration + 1}}", "v": _braced(f"({told}) + loop.iteration")}
    inner = [{"name": f"{name}_in", "type": "test_echo", "value": value}]
    return Made(
        {"type": "while_loop", "condition": condition, "max_iterations": 9, "steps": inner},
        number + passes - 1,
        f".results.{name}_in.v",
        lambda output: output["results"][f"{name}_in"]["v"],
    )


def _pipeline(chance: random.Random, name: str, told: str, number: int, slowest: float) -> Made:
    steps = [
        {"name": "a", "type": "simulate", "seconds": slowest / 4, "output": "{{inputs.given + 1}}"},
        {"name": "b", "type": "test_echo", "value": "{{steps.a + 1}}"},
    ]
    fields = {
        "type": "pipeline",
        "pipeline": {"name": "inner", "steps": steps},
        "inputs": {"given": _braced(told)},
        "outputs": ["b"],
    }
    return Made(fields, number + 2, ".b", lambda output: output["result"]["b"])


def _signal(chance: random.Random, name: str, told: str, number: int, slowest: float) -> Made:
    return Made({"type": "signal", "signal": f"{SIGNAL}-{name}"}, number, ".payload", lambda output: output["payload"])


def _handled(chance: random.Random, name: str, told: str, number: int, slowest: float) -> Made:
    fields = {
        "type": "simulate",
        "seconds": slowest / 4,
        "fail": "meant to",
        "retry": {"max_retries": chance.randint(1, 2), "delay_seconds": 0.1, "backoff": "constant"},
        "on_error": [{"name": f"{name}_note", "type": "test_echo", "value": _braced(told)}],
    }
    return Made(fields, number, f".results.{name}_note", lambda output: output["results"][f"{name}_note"])


def _large(chance: random.Random, name: str, told: str, number: int, slowest: float) -> Made:
    """A result that is too large for its row, so that it lies in the blob store."""
    value = {"number": _braced(told), "rest": f"{name} " * 12_000}
    return Made({"type": "test_echo", "value": value}, number, ".number", lambda output: output["number"])


def _failing(chance: random.Random, name: str, told: str, number: int, slowest: float) -> Made:
    retry = {"max_retries": 1, "delay_seconds": 0.1, "backoff": "constant"}
    return Made({"type": "test_echo", "fail": True, "retry": retry}, None, acts="failed")


def _late(chance: random.Random, name: str, told: str, number: int, slowest: float) -> Made:
    """It never comes to its end within its time, of one attempt or of all."""
    which = chance.choice(["timeout_seconds", "total_timeout_seconds"])
    return Made({"type": "simulate", "seconds": 3600, which: 0.3}, None, acts="failed")


def _silent(chance: random.Random, name: str, told: str, number: int, slowest: float) -> Made:
    return Made({"type": "simulate", "seconds": 3600, "heartbeat_timeout_seconds": 0.3}, None, acts="failed")


def _shut_out(chance: random.Random, name: str, told: str, number: int, slowest: float) -> Made:
    """It waits for a pool that gives nothing out."""
    return Made({"type": "simulate", "limit": "closed", "queue_timeout_seconds": 0.3}, None, acts="failed")


def _skipped(chance: random.Random, name: str, told: str, number: int, slowest: float) -> Made:
    return Made({"type": "test_echo", "condition": False}, None, acts="skipped")


_KINDS: Mapping[str, Callable[[random.Random, str, str, int, float], Made]] = {
    "echo": _echo,
    "simulate": _simulate,
    "wait": _wait,
    "switch": _switch,
    "loop": _loop,
    "while": _while,
    "pipeline": _pipeline,
    "signal": _signal,
    "handled": _handled,
    "large": _large,
    "failing": _failing,
    "late": _late,
    "silent": _silent,
    "shut out": _shut_out,
    "skipped": _skipped,
}
