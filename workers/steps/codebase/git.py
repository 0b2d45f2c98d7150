"""Reading a repository's history with the `git` program: no shell, no hooks, no configured programs, a time limit."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

from workers.contract import StepFailed

SECONDS = 15
MOST_OUTPUT = 8 << 20

_REVISION = re.compile(r"[A-Za-z0-9][\w./@{}^~-]{0,200}\Z")
_SAFE = (
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "core.attributesFile=/dev/null",
    "core.excludesFile=/dev/null",
    "core.pager=cat",
    "core.quotePath=false",
    "log.showSignature=false",
    "protocol.allow=never",
    "status.submoduleSummary=false",
)


class Repository:
    """The repository a folder is in. `boundary` is the highest folder in which it may be."""

    def __init__(self, root: Path, boundary: Path) -> None:
        self._root = root
        self._boundary = boundary
        self._program = shutil.which("git")
        self._silenced: tuple[str, ...] | None = None

    def _run(self, *arguments: str) -> str:
        if self._silenced is None:
            self._silenced = ()
            self._silenced = self._filters()
        settings = [part for setting in (*_SAFE, *self._silenced) for part in ("-c", setting)]
        return self._call("-c", "safe.directory=*", *settings, *arguments)

    def _filters(self) -> tuple[str, ...]:
        """Settings that turn off the content filters a repository configures, which are programs."""
        try:
            names = self._call(
                "-c",
                "safe.directory=*",
                "config",
                "--name-only",
                "--get-regexp",
                r"^filter\..*\.(clean|smudge|process)$",
            )
        except StepFailed:
            return ()
        return tuple(f"{name}=" for name in dict.fromkeys(names.splitlines()) if "=" not in name)

    def _call(self, *arguments: str) -> str:
        """The program's output, at most MOST_OUTPUT bytes of it."""
        if self._program is None:
            raise StepFailed("the program `git` is not installed here", code="no_git")
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "HOME": "/nonexistent",
            "LC_ALL": "C.UTF-8",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_OPTIONAL_LOCKS": "0",
            "GIT_CEILING_DIRECTORIES": str(self._boundary.parent),
        }
        command = [self._program, "--no-pager", "--no-optional-locks", "--literal-pathspecs", *arguments]
        with tempfile.TemporaryFile() as output:
            try:
                done = subprocess.run(
                    command,
                    cwd=self._root,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.PIPE,
                    timeout=SECONDS,
                    check=False,
                )
            except subprocess.TimeoutExpired as error:
                raise StepFailed(f"git took longer than {SECONDS} s", code="git_timeout") from error
            if done.returncode:
                reason = done.stderr.decode("utf-8", "replace").strip().splitlines()
                raise StepFailed(f"git: {reason[0][:300] if reason else 'failed'}", code="git_failed")
            output.seek(0)
            return output.read(MOST_OUTPUT).decode("utf-8", "replace")

    def status(self) -> dict[str, Any]:
        """Branch, commit, and what differs from it."""
        lines = self._run("status", "--porcelain=v2", "--branch", "-z", "--no-renames", "--", ".").split("\0")
        head = {name: value for name, _, value in (line[2:].partition(" ") for line in lines if line.startswith("# "))}
        changed = [_changed(line) for line in lines if line[:2] in ("1 ", "u ", "? ")]
        commit = head.get("branch.oid")
        return {
            "branch": head.get("branch.head"),
            "commit": None if commit == "(initial)" else commit,
            "clean": not changed,
            "changed": changed,
        }

    def commits(self, limit: int, since: str | None) -> list[dict[str, Any]]:
        """The last commits that touch the folder, newest first."""
        wanted = [f"--since={since}"] if since else []
        text = self._run("log", f"--max-count={limit}", "--format=%H%x1f%an%x1f%aI%x1f%s%x1e", *wanted, "--", ".")
        rows = [row.strip("\n").split("\x1f") for row in text.split("\x1e") if row.strip()]
        return [dict(zip(("commit", "author", "date", "subject"), row, strict=False)) for row in rows]

    def changed_since(self, revision: str) -> list[str]:
        """Files that differ between a revision and the working tree."""
        if not _REVISION.match(revision):
            raise StepFailed(f"{revision[:80]!r} is not a revision", code="bad_params")
        text = self._run(
            "diff", "--name-only", "-z", "--no-ext-diff", "--no-textconv", "--relative", revision, "--", "."
        )
        return [name for name in text.split("\0") if name]

    def contributors(self, since: str | None) -> list[dict[str, Any]]:
        """Authors by number of commits."""
        wanted = [f"--since={since}"] if since else []
        counts = Counter(self._run("log", "--max-count=50000", "--format=%an", *wanted, "--", ".").splitlines())
        return [{"name": name, "commits": commits} for name, commits in counts.most_common()]

    def change_counts(self, limit: int, since: str | None) -> list[dict[str, Any]]:
        """Files by how many commits changed them."""
        wanted = [f"--since={since}"] if since else []
        text = self._run(
            "log",
            "--max-count=5000",
            "--format=",
            "--name-only",
            "--no-ext-diff",
            "--relative",
            "-z",
            *wanted,
            "--",
            ".",
        )
        counts = Counter(name.strip("\n") for name in text.split("\0") if name.strip("\n"))
        ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
        return [{"file": name, "changes": changes} for name, changes in ordered[:limit]]


def _changed(line: str) -> dict[str, str]:
    """One line of porcelain v2: the path is the last of 9 (changed), 11 (unmerged) or 2 (new) fields."""
    fields = {"1": 8, "u": 10, "?": 1}[line[0]]
    parts = line.split(" ", fields)
    status = {"?": "new", "u": "conflict"}.get(line[0]) or parts[1].strip(".")
    return {"path": parts[-1], "status": status}
