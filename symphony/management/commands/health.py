"""`manage.py health worker`: for the health checks of containers. Exits with 1 and says why when something is wrong."""

from __future__ import annotations

import argparse
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from symphony.observability import checks, pulse


class Command(BaseCommand):
    help = "Tell whether the worker or the sweep of this host is well."
    requires_system_checks = ()

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("kind", choices=("worker", "sweep"))
        parser.add_argument("--ready", action="store_true", help="ask database, migrations and broker as well")

    def handle(self, *_args: Any, kind: str, ready: bool, **_options: Any) -> None:
        wrong = {kind: pulse.look(settings.SYMPHONY_HEALTH_DIR, kind)}
        if ready:
            wrong |= checks.of_worker()
        told = [f"{name}: {what}" for name, what in wrong.items() if what is not None]
        if told:
            raise CommandError("; ".join(told))
        self.stdout.write("ok")
