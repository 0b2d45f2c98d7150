from __future__ import annotations

import argparse
import os
import signal
import time
from contextlib import suppress
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from symphony import stack
from symphony.embedded.home import Home
from symphony.embedded.process import die_with
from symphony.stopping import Stopped, StopRequests

TEND_SECONDS = 0.2


class Command(BaseCommand):
    help = "Start the whole stack and keep it running until Ctrl-C."
    requires_system_checks = ()

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        defaults = stack.Options()
        parser.add_argument("--port", type=int, default=defaults.port, help="port of the web (default: %(default)s)")
        parser.add_argument("--flower-port", type=int, default=defaults.flower_port, help="default: %(default)s")
        parser.add_argument("--no-flower", action="store_true", help="without Flower and the events it lives on")
        parser.add_argument("--steps", type=int, default=defaults.steps_processes, help="processes for steps")
        threads = settings.SYMPHONY_CALLS_THREADS
        parser.add_argument("--calls", type=int, default=threads, help="threads for waiting calls")
        parser.add_argument("--tied", action="store_true", help="stop when the process that started this one is gone")
        parser.add_argument("--servers", action="store_true", help="only PostgreSQL and Valkey")

    def handle(self, *args: Any, **options: Any) -> None:
        home = Home(settings.SYMPHONY_HOME)
        with suppress(Stopped):
            StopRequests()
            if options["tied"]:
                die_with(os.getppid(), signal.SIGTERM)
            with home.locked():
                if options["servers"]:
                    self._servers(home)
                else:
                    self._everything(home, _stack_options(options))
        self.stdout.write("Stopped.")

    def _servers(self, home: Home) -> None:
        with stack.prepared(home) as prepared:
            try:
                home.publish(prepared.variables)
                self.stdout.write(f"PostgreSQL and Valkey are running; other commands find them by {home.root}.")
                while True:
                    prepared.servers.check()
                    time.sleep(TEND_SECONDS)
            finally:
                home.unpublish()

    def _everything(self, home: Home, options: stack.Options) -> None:
        with stack.running(home, options) as supervisor:
            self._welcome(home, options)
            while True:
                supervisor.tend()
                time.sleep(TEND_SECONDS)

    def _welcome(self, home: Home, options: stack.Options) -> None:
        lines = [
            ("API", f"{options.url}/api/v1/", f"token in {home.root / 'token'}"),
            ("API docs", f"{options.url}/api/docs/", ""),
            ("Admin", f"{options.url}/admin/", f"admin@symphony.local, password in {home.root / 'admin_password'}"),
            ("Live page", f"{options.url}/executions/", "one page per execution"),
        ]
        if options.flower_port is not None:
            address = f"http://127.0.0.1:{options.flower_port}/"
            lines.append(("Flower", address, f"{stack.FLOWER_USER}, password in {home.root / 'flower_password'}"))
        lines.append(("Logs", f"{home.log}/", ""))
        self.stdout.write("Symphony is running. Ctrl-C stops everything.")
        for name, address, remark in lines:
            self.stdout.write(f"  {name:<10} {address:<40} {remark}".rstrip())
        self.stdout.flush()


def _stack_options(options: dict[str, Any]) -> stack.Options:
    return stack.Options(
        port=options["port"],
        flower_port=None if options["no_flower"] else options["flower_port"],
        steps_processes=options["steps"],
        calls_threads=options["calls"],
    )
