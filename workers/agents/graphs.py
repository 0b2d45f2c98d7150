"""LangGraph in this process: a compiled graph of an allowed module, streamed, paused and gone on with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from workers.agents.allowed import NotAllowedError, find_graph
from workers.agents.plain import TooMuchError, UsageCount, plain
from workers.agents.port import AgentCall, Done, Interrupt, Paused, Watch
from workers.contract import StepCancelled, StepFailed, TimedOut

RECURSION_LIMIT: Final = 100
LONGEST_MESSAGE: Final = 2_000
MOST_INTERRUPTS: Final = 50


@dataclass(frozen=True, slots=True)
class GraphAdapter:
    """`allowed` are the modules an operator has named."""

    allowed: Sequence[str]

    def run(self, call: AgentCall, watch: Watch) -> Done | Paused:
        return _Running(self.compiled(str(call.config.get("graph") or "")), call, watch).go()

    def compiled(self, name: str) -> Any:
        """The graph of this name, ready to run. Raises `StepFailed` for one that is not to be run here."""
        return _compiled(name, self.allowed)


def _compiled(name: str, allowed: Sequence[str]) -> Any:
    try:
        from langgraph.graph import StateGraph  # noqa: PLC0415 - an optional extra
        from langgraph.pregel import Pregel  # noqa: PLC0415
    except ImportError as error:
        raise StepFailed(
            "This worker has no LangGraph; install the extra `langgraph`.", code="langgraph_missing", final=True
        ) from error
    try:
        found = find_graph(name, allowed)
    except NotAllowedError as error:
        raise StepFailed(str(error), code="agent_not_allowed", final=True) from error
    if isinstance(found, StateGraph):
        found = found.compile()
    if not isinstance(found, Pregel):
        raise StepFailed(
            f"{name} is a {type(found).__name__}, no graph of LangGraph.", code="agent_not_allowed", final=True
        )
    return found


class _Running:
    """One call of a graph."""

    def __init__(self, graph: Any, call: AgentCall, watch: Watch) -> None:
        from langgraph.checkpoint.memory import InMemorySaver  # noqa: PLC0415 - an optional extra

        from workers.agents import checkpoints  # noqa: PLC0415 - as above

        self._checkpoints = checkpoints
        try:
            self._saver = checkpoints.unpack(call.checkpoint) if call.checkpoint else InMemorySaver()
        except checkpoints.CheckpointBrokenError as error:
            raise StepFailed(str(error), code="checkpoint_broken", final=True) from error
        self._graph = graph.copy({"checkpointer": self._saver})
        self._call = call
        self._watch = watch
        self._count = UsageCount()
        self._updates = 0
        limit = call.recursion_limit or call.config.get("recursion_limit") or RECURSION_LIMIT
        own = call.config.get("configurable")
        given = {**(own if isinstance(own, Mapping) else {}), **call.configurable}
        self._config = {"configurable": {**given, "thread_id": call.thread_id}, "recursion_limit": int(limit)}

    def go(self) -> Done | Paused:
        try:
            interrupts = list(self._interrupts())
            state = self._graph.get_state(self._config)
            paused = bool(interrupts or state.next)
            output = None if paused else plain(state.values)
        except (StepFailed, StepCancelled, TimedOut):
            raise
        except TooMuchError as error:
            raise StepFailed(str(error), code="output_too_large", final=True) from error
        except Exception as error:
            raise _failure(error) from error
        kept = self._checkpoints.pack(self._saver, self._call.thread_id)
        if paused:
            # A graph that was compiled to stop before or after a node asks nothing; it waits to be told to go on.
            asked = interrupts[:MOST_INTERRUPTS] or [Interrupt("", {"before": list(state.next)})]
            return Paused(asked, self._count.usage, self._updates, kept)
        return Done(output, self._count.usage, self._updates, kept)

    def _interrupts(self) -> Iterator[Interrupt]:
        self._watch.check()
        for update in self._graph.stream(self._given(), self._config, stream_mode="updates"):
            self._watch.check()
            for node, change in update.items():
                if node == "__interrupt__":
                    yield from (Interrupt(str(one.id), plain(one.value)) for one in change)
                    continue
                self._count.see(change)
                self._updates += 1
                self._watch.update("update", {"node": str(node), "change": plain(change)})

    def _given(self) -> Any:
        from langgraph.types import Command  # noqa: PLC0415 - an optional extra

        call = self._call
        if call.answers is None:
            # What people mean who give a graph of messages a text.
            return (
                {"messages": [{"role": "user", "content": call.input}]} if isinstance(call.input, str) else call.input
            )
        if list(call.answers) == [""]:
            return None
        return Command(resume=dict(call.answers))


def _failure(error: Exception) -> StepFailed:
    name = type(error).__name__
    if name == "GraphRecursionError":
        return StepFailed(
            "The graph took more steps than its recursion limit allows.", code="recursion_limit", final=True
        )
    return StepFailed(f"{name}: {str(error)[:LONGEST_MESSAGE]}", code="agent_failed", details={"exception": name})


__all__ = ["RECURSION_LIMIT", "GraphAdapter"]
