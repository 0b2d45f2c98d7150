"""`make demo` as a person meets it: it starts everything, shows a real run, leaves its artifacts, and nothing else."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

import pytest
from django.conf import settings

from apps.executions.blobs.addresses import Key
from apps.executions.blobs.reading import verified
from symphony.env import running_stack
from tests import seeds

LAST_LINE = re.compile(r"demo: completed tasks=(\d+) events=(\d+) artifacts=(\d+) seconds=\d+\.\d")
BROKEN = "workflow:\n  name: broken\n  steps:\n    - name: first\n      type: test_eco\n"
OURS = ("DATABASE_URL", "BROKER_URL", "CACHE_URL", "SYMPHONY_")
GONE_WITHIN = 15.0


class Demo(NamedTuple):
    home: Path
    code: int
    out: str
    complaint: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    def tasks(self, step: str) -> str:
        """What the table says of a step."""
        (row,) = [line for line in self.lines if re.match(rf"\s+(└ )?{step} ", line)]
        return row


def run(home: Path, *arguments: str | Path) -> Demo:
    kept = {name: value for name, value in os.environ.items() if not any(word in name for word in OURS)}
    ended = subprocess.run(
        [sys.executable, "manage.py", "demo", *map(str, arguments)],
        cwd=settings.BASE_DIR,
        env=kept | {"SYMPHONY_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    return Demo(home, ended.returncode, ended.stdout, ended.stderr)


def left_running(home: Path) -> list[str]:
    """Processes that still write to a log of this home."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                if home in (folder / "fd" / "1").readlink().parents:
                    found.append(folder.name)
            except OSError:
                continue
    return found


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="symphony-demo-"))
    folder.chmod(0o711)
    seeds.copy_to(folder / "home")
    yield folder / "home"
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def demo(home: Path) -> Demo:
    """One run for all tests that only look at it."""
    return run(home)


def test_the_last_line_says_it_all(demo: Demo) -> None:
    assert demo.code == 0, demo.out + demo.complaint
    found = LAST_LINE.fullmatch(demo.lines[-1])
    assert found is not None, demo.lines[-1]
    tasks, events, artifacts = map(int, found.groups())
    assert tasks > 25
    assert events > tasks
    assert artifacts == len(list((demo.home / "demo").iterdir())) == 3


def test_the_table_shows_branches_a_map_a_join_and_both_ways_of_a_condition(demo: Demo) -> None:
    for branch in ("project", "packages", "files", "functions", "each_package", "sizes", "report"):
        assert "completed" in demo.tasks(branch)
    (mapped,) = re.findall(r"(\d+) completed", demo.tasks("figures"))
    assert int(mapped) > 10
    assert "completed" in demo.tasks("undocumented")
    assert "skipped" in demo.tasks("scripts")


def test_artifacts_are_what_their_addresses_say(demo: Demo) -> None:
    kept = {path.name: path for path in (demo.home / "artifacts").rglob("*") if path.is_file()}
    assert kept
    for name, path in kept.items():
        key = Key(path.relative_to(demo.home / "artifacts").parts[0], name)
        assert hashlib.sha256(b"".join(verified(key, [path.read_bytes()]))).hexdigest() == name
    for path in (demo.home / "demo").iterdir():
        assert str(path) in demo.out
        assert hashlib.sha256(path.read_bytes()).hexdigest() in kept


def test_the_report_can_be_shown(demo: Demo) -> None:
    report = (demo.home / "demo" / "report.md").read_text(encoding="utf-8")
    assert "| Package | Files | Lines | Functions |" in report
    assert "| workers/steps | " in report
    assert "![Lines of Python per package](lines_per_package.svg)" in report
    chart = ET.fromstring((demo.home / "demo" / "lines_per_package.svg").read_bytes())
    assert "apps/melodies" in {node.text for node in chart.iter("{http://www.w3.org/2000/svg}text")}


def test_secrets_stay_out_of_it(demo: Demo) -> None:
    token = (demo.home / "token").read_text().strip()
    files = [*(demo.home / "demo").iterdir(), *(demo.home / "log").iterdir()]
    assert not [path for path in files if token in path.read_text(errors="replace")]
    assert token not in demo.out


def test_nothing_is_left_running(demo: Demo) -> None:
    deadline, pause = time.monotonic() + GONE_WITHIN, threading.Event()
    while left_running(demo.home) and time.monotonic() < deadline:
        pause.wait(0.05)
    assert left_running(demo.home) == []
    assert running_stack(demo.home) == {}


def test_a_broken_melody_is_told_with_its_place_and_the_logs(demo: Demo, tmp_path: Path) -> None:
    melody = tmp_path / "broken.yaml"
    melody.write_text(BROKEN)
    broken = run(demo.home, melody)
    assert broken.code == 1
    assert "Line 5: There is no step type `test_eco`" in broken.complaint
    assert "Did you mean test_echo?" in broken.complaint
    assert f"(logs: {demo.home}/log)" in broken.complaint
    assert left_running(demo.home) == []


def test_a_taken_port_is_told(home: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        refused = run(home, "--port", str(port))
    assert refused.code == 1
    assert f"Port {port} is taken" in refused.complaint
    assert f"(logs: {home}/log)" in refused.complaint
    assert "Traceback" not in refused.complaint
