"""What a sandbox is given and gives back. What it is made of is its own affair.

An implementation promises: no process, file, socket or environment variable of this machine is reachable from inside
but the files it was given; every limit holds; nothing of it lives on afterwards. One that cannot keep a promise raises
`SandboxRefused` instead of running.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol


class SandboxRefused(Exception):
    """Nothing was run; the message says what can be done about it."""

    code = "sandbox_unavailable"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a run inside may use. `domains` None with `network` true: any public address."""

    seconds: float = 60.0
    memory_mb: int = 256
    output_bytes: int = 1_000_000
    files_bytes: int = 64 << 20
    processes: int = 32
    network: bool = False
    domains: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class SandboxRequest:
    """Something to run. A shell command is its words: no shell of this machine ever sees it.

    `source` is the program of a python request, `inputs` what it finds in its variable of that name. `files` are there when it starts, by relative path; `collect` are globs
    of what is wanted back. `cancelled` set means: stop at once.
    """

    language: Literal["python", "shell"]
    organization_id: str
    command: tuple[str, ...] = ()
    source: str = ""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    stdin: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    collect: tuple[str, ...] = ()
    limits: Limits = Limits()
    cancelled: threading.Event = field(default_factory=threading.Event)


@dataclass(frozen=True, slots=True)
class SandboxResult:
    """How it ended. `value` is the JSON a python program left in its variable `result`; None for shell."""

    exit_code: int
    stdout: str
    stderr: str
    value: Any = None
    files: Mapping[str, bytes] = field(default_factory=dict)
    seconds: float = 0.0
    timed_out: bool = False
    truncated: bool = False


class Sandbox(Protocol):
    """Runs what cannot be trusted."""

    def run(self, request: SandboxRequest) -> SandboxResult:
        """Run it to its end, whatever that is. Raises `SandboxRefused` when it cannot be run as promised."""
