"""`manage.py secrets`: the keys that secrets of projects are sealed with."""

from __future__ import annotations

import secrets
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from apps.projects import services
from apps.projects.errors import NoSecretKeys


class Command(BaseCommand):
    help = "Make a new key, or seal all secrets anew with the newest of SYMPHONY_SECRET_KEYS."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "action", choices=("key", "rotate"), help="key: print a new key; rotate: seal everything with the first key"
        )

    def handle(self, *_args: Any, action: str, **_options: Any) -> None:
        if action == "key":
            self.stdout.write(secrets.token_urlsafe(32))
            return
        try:
            done = services.rotate_secrets()
        except NoSecretKeys as error:
            raise CommandError(str(error)) from None
        self.stdout.write(f"{done.rotated} secrets sealed anew, {done.current} had the newest key already.")
        if done.unreadable:
            raise CommandError(
                "None of the keys opens these; set the key they were sealed with and rotate again, or store their "
                f"values anew: {', '.join(done.unreadable)}."
            )
