"""The graphs that are run, and the documents that describe them to Symphony. Pure."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Dag:
    """Node i takes `seconds[i]` and starts after all `predecessors[i]`, which are smaller numbers; `layer[i]` holds it."""

    seconds: tuple[float, ...]
    predecessors: tuple[tuple[int, ...], ...]
    layer: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.seconds)

    def layers(self) -> list[list[int]]:
        found: list[list[int]] = [[] for _ in range(max(self.layer, default=-1) + 1)]
        for node, layer in enumerate(self.layer):
            found[layer].append(node)
        return found


def layered(size: int, *, width: int = 25, seconds: tuple[float, float] = (0.010, 0.200), seed: int = 2026) -> Dag:
    """Layers of about `width`; every node behind the first layer follows 1-3 nodes of the two layers before its own."""
    source = random.Random(seed)
    durations, predecessors, layer = list[float](), list[tuple[int, ...]](), list[int]()
    before: list[int] = []
    last: list[int] = []
    while len(durations) < size:
        first = len(durations)
        members = min(size - first, source.randint(max(1, width * 4 // 5), width * 6 // 5))
        choice = [*before, *last]
        for _ in range(members):
            count = min(len(choice), source.randint(1, 3))
            predecessors.append(tuple(sorted(source.sample(choice, count))))
            durations.append(round(source.uniform(*seconds), 3))
            layer.append(layer[first - 1] + 1 if first else 0)
        before, last = last, list(range(first, first + members))
    return Dag(tuple(durations), tuple(predecessors), tuple(layer))


def one_long_path(size: int, *, seed: int) -> Dag:
    """A long path whose every node is written behind short ones that are ready as soon as it is, and need nothing more."""
    source = random.Random(seed)
    durations, predecessors, layer = list[float](), list[tuple[int, ...]](), list[int]()
    path: int | None = None
    while len(durations) < size:
        before = () if path is None else (path,)
        depth = 0 if path is None else layer[path] + 1
        for _ in range(source.randint(4, 9)):
            durations.append(round(source.uniform(0.15, 0.30), 3))
            predecessors.append(before)
            layer.append(depth)
        path = len(durations)
        durations.append(round(source.uniform(0.25, 0.40), 3))
        predecessors.append(before)
        layer.append(depth)
    return Dag(tuple(durations), tuple(predecessors), tuple(layer))


def chain_document(length: int, kind: str = "simulate") -> dict[str, Any]:
    """Steps in order, each of which does nothing."""
    return _document(f"chain of {length} {kind}", [_nothing(f"s{number}", kind) for number in range(length)])


def fan_document(width: int, kind: str = "simulate") -> dict[str, Any]:
    """1 -> `width` -> 1, of steps that do nothing."""
    names = [f"s{number}" for number in range(width)]
    middle = [_nothing(name, kind, depends_on=["first"]) for name in names]
    return _document(
        f"fan of {width} {kind}", [_nothing("first", kind), *middle, _nothing("last", kind, depends_on=names)]
    )


def dag_document(dag: Dag) -> dict[str, Any]:
    """A `simulate` step per node."""
    return _document(f"layered DAG of {len(dag)}", [_step(dag, node) for node in range(len(dag))], mode="dag")


def yaml_text(dag: Dag) -> str:
    """The same in YAML, as an editor writes it."""
    lines = ["workflow:", f"  name: layered DAG of {len(dag)}", "  mode: dag", "  steps:"]
    for node, seconds in enumerate(dag.seconds):
        lines += [f"    - name: s{node}", "      type: simulate", f"      seconds: {seconds}"]
        if dag.predecessors[node]:
            before = ", ".join(f"s{number}" for number in dag.predecessors[node])
            lines.append(f"      depends_on: [{before}]")
    return "\n".join(lines) + "\n"


def _step(dag: Dag, node: int) -> dict[str, Any]:
    step = {"name": f"s{node}", "type": "simulate", "seconds": dag.seconds[node]}
    before = [f"s{number}" for number in dag.predecessors[node]]
    return step | ({"depends_on": before} if before else {})


def _nothing(name: str, kind: str, **more: Any) -> dict[str, Any]:
    params: dict[str, Any] = {"seconds": 0} if kind == "simulate" else {"value": 1}
    return {"name": name, "type": kind, **params, **more}


def _document(name: str, steps: Sequence[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {"workflow": {"name": name, **more, "steps": list(steps)}}
