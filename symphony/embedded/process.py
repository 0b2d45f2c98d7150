"""Child processes that never outlive their parent.

A child gets its own session, so that Ctrl-C reaches only us and we stop the children in order, and PR_SET_PDEATHSIG, so
that it gets a signal when the *thread* that started it ends, however it ends: start children from a thread that lives on.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from symphony.errors import StackError

PR_SET_PDEATHSIG = 1
PR_SET_SECUREBITS = 28
SECBIT_NO_SETUID_FIXUP = 4
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
CAP_DAC_OVERRIDE = 1
CAPABILITY_VERSION_3 = 0x20080522
UNPRIVILEGED = ("nobody", "daemon")
LOG_LIMIT_BYTES = 10_000_000

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Account:
    """The user a server runs as when we are root. `reach_private` lets it pass through folders closed to it."""

    uid: int
    gid: int
    reach_private: bool


@dataclass(frozen=True, slots=True)
class Server:
    """A server that is up, and how to reach it."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path


def server_account(*paths: Path) -> Account | None:
    """Whom to run servers as: nobody in particular when we are not root ourselves.

    PostgreSQL refuses to run as root. Folders on the way to `paths` are often closed to others (a 0700 home); their modes
    are not ours to change, so the server then keeps the one capability it takes to pass.
    """
    if os.geteuid() != 0:
        return None
    for name in UNPRIVILEGED:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        open_to_all = all(_passable(path) for path in paths)
        return Account(entry.pw_uid, entry.pw_gid, reach_private=not open_to_all)
    raise StackError(
        f"PostgreSQL refuses to run as root and this system has none of the users {', '.join(UNPRIVILEGED)}: "
        "run this as an ordinary user, or set DATABASE_URL, BROKER_URL and CACHE_URL."
    )


def _passable(path: Path) -> bool:
    return all(parent.stat().st_mode & 0o001 for parent in path.resolve().parents)


def give(path: Path, account: Account | None) -> None:
    """Make `path` and all below it the account's."""
    if account is None:
        return
    os.chown(path, account.uid, account.gid)
    for folder, names, files in os.walk(path):
        for name in [*names, *files]:
            os.chown(Path(folder) / name, account.uid, account.gid, follow_symlinks=False)


def _checked(result: int, what: str) -> None:
    if result != 0:
        raise OSError(ctypes.get_errno(), what)


def _become(account: Account) -> None:
    """Change to the account for good, keeping at most CAP_DAC_OVERRIDE."""
    if account.reach_private:
        # Keeps capabilities over setuid, and lets access(2), by which PostgreSQL finds its programs, count them too.
        _checked(_libc.prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0), "PR_SET_SECUREBITS")
    os.setgroups([])
    os.setgid(account.gid)
    os.setuid(account.uid)
    if account.reach_private:
        # Exactly the same set in all three, or the kernel treats the exec as a privileged one and drops PDEATHSIG.
        bit = 1 << CAP_DAC_OVERRIDE
        header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
        data = (ctypes.c_uint32 * 6)(bit, bit, bit, 0, 0, 0)
        _checked(_libc.capset(header, data), "capset")
        _checked(_libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_DAC_OVERRIDE, 0, 0), "PR_CAP_AMBIENT_RAISE")


def die_with(parent: int, death_signal: signal.Signals) -> None:
    """Let the kernel send this process a signal when its parent ends; end at once if that has happened already."""
    if sys.platform == "linux":
        _checked(_libc.prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0), "PR_SET_PDEATHSIG")
    if os.getppid() != parent:
        os._exit(1)


def _in_child(parent: int, account: Account | None, death_signal: signal.Signals) -> Callable[[], None]:
    def prepare() -> None:
        if account is not None:
            _become(account)
        die_with(parent, death_signal)  # after the change of user, which clears it

    return prepare


def spawn(
    command: Sequence[str | Path],
    *,
    log: Path,
    environ: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    account: Account | None = None,
    death_signal: signal.Signals = signal.SIGTERM,
    stdin: int = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """Start a child in its own session that gets `death_signal` when this thread ends; its output goes to `log`."""
    _rotate(log)
    with log.open("ab") as output:
        try:
            return subprocess.Popen(
                [str(part) for part in command],
                stdin=stdin,
                stdout=output,
                stderr=output,
                env=None if environ is None else dict(environ),
                cwd=cwd,
                start_new_session=True,
                preexec_fn=_in_child(os.getpid(), account, death_signal),
            )
        except (OSError, subprocess.SubprocessError) as error:
            name = Path(command[0]).name
            if account is not None and account.reach_private:
                raise StackError(
                    f"{name} cannot run here: as root it runs as another user, who may not pass through all of the folders "
                    f"above {command[0]} and {cwd}; allow that (chmod o+x), or run this as an ordinary user."
                ) from None
            raise StackError(f"{name} cannot be started: {error}.") from None


def _rotate(log: Path) -> None:
    with contextlib.suppress(FileNotFoundError):
        if log.stat().st_size > LOG_LIMIT_BYTES:
            log.replace(log.with_suffix(log.suffix + ".1"))


def stop(process: subprocess.Popen[bytes], with_signal: signal.Signals, *, seconds: float) -> None:
    """Ask, wait, and after `seconds` end the child and its whole session."""
    if process.poll() is None:
        process.send_signal(with_signal)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def tail(log: Path, lines: int = 1) -> str:
    """The last lines of a log that say something."""
    try:
        text = log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    said = [line.strip() for line in text.splitlines() if line.strip()]
    return " | ".join(said[-lines:])
