"""The engine's side of the contract, kept in memory: for kinds that ask it something."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any

from workers.contract import FrameOutcome, MelodyRef, StepContext, runnable
from workers.steps.rendering import prepare


def outcome(
    index: int,
    *,
    status: str = "completed",
    body: int = 0,
    label: str = "",
    loop: Mapping[str, Any] | None = None,
    results: Mapping[str, Any] | None = None,
    error: Mapping[str, Any] | None = None,
) -> FrameOutcome:
    """How a frame ended."""
    return FrameOutcome(index, body, label, status, loop, results or {}, error)


def collected(context: StepContext, kind: str, params: dict[str, Any], *frames: FrameOutcome) -> Any:
    """What a composite kind makes of its frames."""
    found = runnable(kind)
    assert found.collect is not None
    return found.collect(prepare(found.kind, params, context.scope), context, frames)


def resumed(context: StepContext, kind: str, params: dict[str, Any], **happened: Any) -> Any:
    """What a kind that waited makes of what happened."""
    found = runnable(kind)
    assert found.resume is not None
    return found.resume(prepare(found.kind, params, context.scope), context, happened)


@dataclass
class MemoryEngine:
    """Holds what it is asked for, and remembers what it was told."""

    secrets: Mapping[str, str] = field(default_factory=dict)
    melodies: Mapping[str, MelodyRef] = field(default_factory=dict)
    """By path or name, with `@2` behind it for a version."""
    seen: Mapping[str, Any] = field(default_factory=dict)
    earlier: Sequence[FrameOutcome] = ()
    started: int = 1
    runs: frozenset[str] = frozenset()
    told: list[tuple[str, Any, str | None]] = field(default_factory=list)
    events: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    sessions: dict[str, dict[str, Any]] = field(default_factory=dict)
    releases: int = 0

    def progress(self, event_type: str, payload: Mapping[str, Any]) -> None:
        self.events.append((event_type, payload))

    def heartbeat(self) -> None:
        """Nobody waits for a sign of life."""

    def secret(self, name: str) -> str | None:
        return self.secrets.get(name)

    def melody_at(self, path: str, version: int | None) -> MelodyRef | None:
        return self.melodies.get(path if version is None else f"{path}@{version}")

    def melody_named(self, name: str, version: int | None) -> MelodyRef | None:
        return self.melody_at(name, version)

    def release_database(self, seconds: float = inf) -> None:
        self.releases += 1

    def session(self, name: str, *, persistent: bool) -> dict[str, Any] | None:
        return self.sessions.get(name)

    def save_session(self, name: str, record: Mapping[str, Any], *, persistent: bool) -> None:
        self.sessions[name] = dict(record)

    def remember(self, variables: Mapping[str, Any]) -> None:
        self.sessions["remembered"] = {**self.sessions.get("remembered", {}), **variables}

    def started_tasks(self, kind: str) -> int:
        return self.started

    def earlier_frames(self) -> Sequence[FrameOutcome]:
        return self.earlier

    def variables(self) -> Mapping[str, Any]:
        return self.seen

    def tell(self, signal: str, payload: Any, execution_id: str | None) -> bool:
        if execution_id is not None and execution_id not in self.runs:
            return False
        self.told.append((signal, payload, execution_id))
        return True
