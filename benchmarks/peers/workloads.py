"""What is played: for peers a graph, for Symphony a document of the same graph. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from benchmarks import shapes
from benchmarks.peers.playing import Job

NAMES = ("W1", "W2", "W3", "W4")


@dataclass(frozen=True, slots=True)
class Sizes:
    chain: int = 100
    fan: int = 200
    dag: int = 100
    firsts: int = 10
    """How often a single step is submitted for W4."""


SMALL = Sizes(chain=10, fan=20, dag=20, firsts=3)


@dataclass(frozen=True, slots=True)
class Workload:
    name: str
    job: Job
    document: dict[str, Any]
    repeats: int = 1
    """Submissions of one turn."""


def workloads(sizes: Sizes) -> list[Workload]:
    dag = shapes.layered(sizes.dag)
    return [
        Workload("W1", chain(sizes.chain), shapes.chain_document(sizes.chain)),
        Workload("W2", fan(sizes.fan), shapes.fan_document(sizes.fan)),
        Workload("W3", Job(list(dag.seconds), [list(before) for before in dag.predecessors]), shapes.dag_document(dag)),
        Workload("W4", chain(1), shapes.chain_document(1), sizes.firsts),
    ]


def chain(length: int) -> Job:
    return Job([0.0] * length, [[number - 1] if number else [] for number in range(length)])


def fan(width: int) -> Job:
    """1 -> `width` -> 1."""
    middle = list(range(1, width + 1))
    return Job([0.0] * (width + 2), [[], *([0] for _ in middle), middle])
