"""The port to wherever deployments of agents run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Launch:
    """What is to run. `key` signs the calls; it goes to the process by a pipe, never by its command line or environment."""

    name: str
    graph: str
    allowed: Sequence[str]
    key: str = field(repr=False)
    cpu: int
    memory_mb: int
    recursion_limit: int | None = None


class LaunchRefusedError(Exception):
    """This cannot be started here, however often it is tried."""


class Handle(Protocol):
    """Something that was started."""

    @property
    def id(self) -> str:
        """The runtime's own name for it."""

    @property
    def address(self) -> str:
        """Where it answers; "" as long as it does not."""

    def exit_status(self) -> str | None:
        """How it ended; None while it lives."""

    @property
    def is_hopeless(self) -> bool:
        """Whether it ended in a way that no other start can mend."""

    def is_healthy(self) -> bool:
        """Whether it answers just now."""

    def logs(self) -> str:
        """The last of what it has printed."""

    def stop(self) -> None:
        """End it, politely at first; when this returns, it is over."""


class Runtime(Protocol):
    name: str

    def start(self, launch: Launch) -> Handle:
        """Does not wait until it answers. Raises `LaunchRefusedError`."""


__all__ = ["Handle", "Launch", "LaunchRefusedError", "Runtime"]
