"""`manage.py billing reprocess`: settle events of the payment provider that were stored and not acted upon."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from apps.billing.services.provider_events import process_waiting


class Command(BaseCommand):
    help = "Act upon events of the payment provider that are waiting."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=("reprocess",))
        parser.add_argument("--failed", action="store_true", help="those that failed before as well")
        parser.add_argument("--limit", type=int, default=500, help="how many at most (500)")

    def handle(self, *_args: Any, action: str, failed: bool, limit: int, **_options: Any) -> None:
        ends = process_waiting(limit=limit, failed_too=failed)
        told = ", ".join(f"{count} {state.value}" for state, count in sorted(ends.items()))
        self.stdout.write(told or "Nothing is waiting.")
