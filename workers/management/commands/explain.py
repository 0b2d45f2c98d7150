"""`manage.py explain ID`: why a step or an execution is not running. `melody explain` under a name of its own."""

from __future__ import annotations

import argparse
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError

from apps.core.errors import SymphonyError
from workers.management.melody import explain
from workers.management.melody.terminal import FAILED, Terminal


class Command(BaseCommand):
    help = explain.HELP
    requires_system_checks = ()

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        explain.arguments(parser)
        parser.add_argument("--json", action="store_true", help="machine-readable output")

    def handle(self, *_args: Any, **options: Any) -> None:
        try:
            explain.run(Terminal(self.stdout, self.stderr, bool(options["json"])), options)
        except SymphonyError as error:
            raise CommandError(error.detail, returncode=FAILED) from error
        except OperationalError as error:
            raise CommandError(str(error).strip().splitlines()[0], returncode=FAILED) from error
