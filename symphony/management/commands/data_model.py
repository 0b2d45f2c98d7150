from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from symphony.diagrams import refreshed

DOCUMENT = settings.BASE_DIR / "docs" / "data-model.md"


class Command(BaseCommand):
    help = "Draw the diagrams of docs/data-model.md anew from the models."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--check", action="store_true", help="change nothing; fail when they are not what they should be"
        )

    def handle(self, *args: Any, check: bool, **options: Any) -> None:
        before = DOCUMENT.read_text(encoding="utf-8")
        after = refreshed(before)
        if check and before != after:
            self.stderr.write(f"{DOCUMENT.name} is stale: run manage.py data_model.")
            raise SystemExit(1)
        if not check:
            DOCUMENT.write_text(after, encoding="utf-8")
