"""`manage.py agents run`: the process that holds deployments of agents. They never outlive it."""

from __future__ import annotations

import argparse
import os
import signal
import socket
import threading
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from apps.agents.services import tidy_versions
from symphony.agents.local import LocalRuntime
from symphony.agents.runner import Runner


class Command(BaseCommand):
    help = "Run the deployments of agents on this machine (run), or archive and delete old versions once (tidy)."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("verb", choices=["run", "tidy"])

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["verb"] == "tidy":
            tidied = tidy_versions()
            self.stdout.write(f"{tidied.archived} archived, {tidied.deleted} deleted")
            return
        if not settings.SYMPHONY_AGENT_MODULES:
            self.stderr.write("SYMPHONY_AGENT_MODULES is empty: every deployment will be refused.")
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        folder = settings.SYMPHONY_WORKSPACE_DIR.parent / "agents"
        runtime = LocalRuntime(folder, tuple(settings.SYMPHONY_AGENT_MODULES))
        self.stdout.write("agents: ready")
        Runner(runtime, f"{socket.gethostname()[:60]}-{os.getpid()}-{os.urandom(4).hex()}").run_until(stop)
