"""A process of the pool in which nothing else may run any more is ended by the interpreter itself."""

from __future__ import annotations

import os
import subprocess
import sys

from billiard.exceptions import WorkerLostError

from workers.stopping import OWN_END, ended_itself

HELD = """
import django; django.setup()
from workers import stopping
stopping._note_process()
stopping.watch_over_process()
sum(range(10 ** 15))
"""


def test_code_that_lets_no_other_thread_run_is_ended() -> None:
    brief = {"SYMPHONY_LEASE_SECONDS": "0.2", "SYMPHONY_CANCEL_GRACE_SECONDS": "0.1", "SYMPHONY_ROLE": "worker"}
    environ = os.environ | {"DJANGO_SETTINGS_MODULE": "symphony.settings", **brief}
    ended = subprocess.run([sys.executable, "-c", HELD], env=environ, timeout=30, capture_output=True, check=False)
    assert ended.returncode == 1
    assert b"Timeout" in ended.stderr, "and it says where it was"


def test_only_a_process_that_ended_itself_has_nothing_to_give_back() -> None:
    assert ended_itself(WorkerLostError(f"Worker exited prematurely: signal {OWN_END.value} ({OWN_END.name}) Job: 3."))
    assert not ended_itself(WorkerLostError("Worker exited prematurely: signal 9 (SIGKILL) Job: 3."))
