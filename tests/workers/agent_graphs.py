"""Graphs as an operator might allow them, for tests of agents."""

from __future__ import annotations

import threading
from operator import add
from typing import Annotated, Any, TypedDict

from langchain_core.messages import AIMessage
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.types import interrupt


class Sum(TypedDict, total=False):
    numbers: list[int]
    total: int
    seen: Annotated[list[str], add]


def _adding(state: Sum) -> dict[str, Any]:
    return {"total": sum(state["numbers"]), "seen": ["adding"]}


def _doubling(state: Sum) -> dict[str, Any]:
    return {"total": state["total"] * 2, "seen": ["doubling"]}


def _graph(state: Any, *nodes: tuple[str, Any]) -> StateGraph[Any]:
    """Nodes in a row."""
    built = StateGraph(state)
    before = START
    for name, node in nodes:
        built.add_node(name, node)
        built.add_edge(before, name)
        before = name
    built.add_edge(before, END)
    return built


sums = _graph(Sum, ("adding", _adding), ("doubling", _doubling)).compile()
unfinished = _graph(Sum, ("adding", _adding), ("doubling", _doubling))


def _asking(state: Sum) -> dict[str, Any]:
    answer = interrupt({"question": f"Is {state['total']} right?"})
    more = interrupt("And what else?") if answer == "more" else None
    return {"seen": [f"answer {answer!r}", *([f"more {more!r}"] if more else [])]}


asking = _graph(Sum, ("adding", _adding), ("asking", _asking), ("doubling", _doubling)).compile()
nested = _graph(
    Sum, ("inner", _graph(Sum, ("adding", _adding), ("asking", _asking)).compile()), ("doubling", _doubling)
).compile()
stopping = _graph(Sum, ("adding", _adding), ("doubling", _doubling)).compile(interrupt_before=["doubling"])


def _replying(state: MessagesState) -> dict[str, Any]:
    said = len(state["messages"])
    usage = {"input_tokens": 7 * said, "output_tokens": 3, "total_tokens": 7 * said + 3}
    return {"messages": [AIMessage(f"{said} messages", usage_metadata=usage)]}


chat = _graph(MessagesState, ("replying", _replying)).compile()


def _failing(state: Sum) -> dict[str, Any]:
    raise ValueError("The strings broke.")


failing = _graph(Sum, ("failing", _failing)).compile()

_endless: StateGraph[Any] = StateGraph(Sum)
_endless.add_node("again", lambda state: {"seen": ["again"]})
_endless.add_edge(START, "again")
_endless.add_conditional_edges("again", lambda state: "again")
endless = _endless.compile()


def _slow(state: Sum) -> dict[str, Any]:
    threading.Event().wait(0.2)
    return {"seen": ["slow"]}


_slowly: StateGraph[Any] = StateGraph(Sum)
_slowly.add_node("slow", _slow)
_slowly.add_edge(START, "slow")
_slowly.add_conditional_edges("slow", lambda state: "slow" if len(state["seen"]) < 500 else END)
slowly = _slowly.compile()


def _hungry(state: Sum) -> dict[str, Any]:
    return {"total": len(bytearray(3 << 30))}


hungry = _graph(Sum, ("hungry", _hungry)).compile()


def _ending(state: Sum) -> dict[str, Any]:
    import os  # noqa: PLC0415 - what a broken graph does

    os._exit(7)


ending = _graph(Sum, ("ending", _ending)).compile()

no_graph = "This is a text."
_private = sums
