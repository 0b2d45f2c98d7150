#!/usr/bin/env python
"""Django's command line for Symphony."""

from __future__ import annotations

import os
import sys

from django.core.management import execute_from_command_line

from apps.core.origin import COMMAND, WORKER, Origin, coming_from
from symphony.errors import StackError

OWNER_COMMANDS = frozenset(
    [
        "migrate",
        "showmigrations",
        "sqlmigrate",
        "makemigrations",
        "flush",
        "dbshell",
        "inspectdb",
        "up",
        "demo",
        "provision",
        "secrets",
        "templates",
        "audit",
    ]
)
WORKER_COMMANDS = frozenset({"store", "sweep"})


def role_for(command: str) -> str:
    """Which database login a command needs; whatever is not listed works with the little power of the web."""
    if command in OWNER_COMMANDS:
        return "owner"
    return "worker" if command in WORKER_COMMANDS else "web"


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "symphony.settings")
    os.environ.setdefault("SYMPHONY_ROLE", role_for(sys.argv[1] if len(sys.argv) > 1 else ""))
    channel = WORKER if os.environ["SYMPHONY_ROLE"] == "worker" else COMMAND
    try:
        with coming_from(Origin(channel=channel)):
            execute_from_command_line(sys.argv)
    except StackError as error:
        sys.exit(f"symphony: {error}")


if __name__ == "__main__":
    main()
