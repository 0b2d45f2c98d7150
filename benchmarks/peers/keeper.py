"""Runs one command and takes all its processes along when it ends, is asked to, or loses its own parent.

Peers start children that leave their session; they come to this process when their parents go, and end here. Nothing but
the standard library: it starts at once.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
ASKED = 128 + signal.SIGTERM

_libc = ctypes.CDLL(None, use_errno=True)


class _Asked(BaseException):
    """Somebody wants us gone."""


def main(command: list[str]) -> int:
    _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, _ask)
    code = ASKED
    try:
        child = subprocess.Popen(command, preexec_fn=lambda: _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0))
        code = child.wait()
    except _Asked:
        pass
    except OSError as error:
        print(f"{command[0]} cannot be started: {error}", file=sys.stderr)
        code = 127
    end_all()
    return code if code >= 0 else 128 - code


def end_all() -> None:
    """Kill our children until there are none: what one leaves behind becomes ours."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while True:
        for pid in children(os.getpid()):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def children(parent: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # pid (name, which may hold anything) state ppid ...
            if int(stat.read_text(errors="replace").rpartition(")")[2].split()[1]) == parent:
                found.append(int(stat.parent.name))
    return found


def _ask(number: int, frame: FrameType | None) -> None:
    raise _Asked


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
