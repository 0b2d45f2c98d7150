"""Symphony as a system under test: submitted over REST, timed by what its own tables say."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from benchmarks import shapes
from benchmarks.arena import TASKS_OF_RUN, Arena
from benchmarks.contest import THREADS, deadline
from benchmarks.spans import Span
from symphony import stack
from symphony.errors import StackError
from symphony.supervisor import ProcessSpec

# Without the node a plan closes several ends with: nothing runs there.
_SPANS = f"""
    SELECT extract(epoch FROM t.started_at)::float8, extract(epoch FROM t.completed_at)::float8
      FROM {TASKS_OF_RUN} WHERE t.started_at IS NOT NULL ORDER BY t.started_at
"""


@dataclass(frozen=True, slots=True)
class Symphony:
    """`variables` are settings other than the product's defaults; `kind` is the step that does nothing; `threads` the slots of
    the worker of waiting steps."""

    arena: Arena
    name: str
    variables: dict[str, str] = field(default_factory=dict)
    kind: str = "simulate"
    threads: int = THREADS
    _melodies: dict[str, str] = field(default_factory=dict)

    def processes(self, *, events: bool) -> Sequence[ProcessSpec]:
        options = stack.Options(flower_port=1 if events else None, calls_threads=self.threads)
        specs = stack.process_specs(options, self.arena.stack, self.arena.home)
        return [
            replace(spec, environ={**spec.environ, **self.variables})
            for spec in specs
            if spec.name in {"steps", "calls", "sweep"}
        ]

    def chain(self, length: int) -> Sequence[Span]:
        return self.run(shapes.chain_document(length, self.kind))

    def fan(self, width: int) -> Sequence[Span]:
        return self.run(shapes.fan_document(width, self.kind))

    def run(self, document: dict[str, Any]) -> Sequence[Span]:
        """Execute a document to its end."""
        return self.ended(
            self.arena.client.execute(self.melody(document), {})["id"], len(document["workflow"]["steps"])
        )

    def ended(self, execution: str, steps: int) -> Sequence[Span]:
        """Wait for the end of an execution; its tasks in the order of their start."""
        self.arena.wait(
            lambda: self._is_over(execution), f"{self.name}: execution {execution}", seconds=deadline(steps)
        )
        ((status, message),) = self.arena.select(
            "SELECT status, error_message FROM executions_execution WHERE id = %s", execution
        )
        if status != "completed":
            raise StackError(f"{self.name}: the execution is {status}: {message}")
        return [Span(*row) for row in self.arena.select(_SPANS, execution)]

    def melody(self, document: dict[str, Any]) -> str:
        """Id of the document's melody, created when first asked for."""
        text = json.dumps(document)
        if text not in self._melodies:
            self._melodies[text] = self.arena.client.create_melody(text)["id"]
        return self._melodies[text]

    def _is_over(self, execution: str) -> bool:
        query = "SELECT completed_at IS NOT NULL FROM executions_execution WHERE id = %s"
        return bool(self.arena.select(query, execution)[0][0])
