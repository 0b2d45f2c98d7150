"""`manage.py templates load`: the templates that come with the product."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from apps.core.tenancy import staff
from apps.melodies.errors import MelodyInvalid
from apps.melodies.services.templates import load_builtin

FOLDER: Final = Path(settings.BASE_DIR) / "examples"
_HEAD: Final = re.compile(r"\A(?:#[^\n]*\n)+")


class Command(BaseCommand):
    help = "Make the melodies of a folder into templates that everybody can use; again, to renew them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=("load",))
        parser.add_argument("--folder", type=Path, default=FOLDER, help="Where the *.yaml are (default: examples).")
        parser.add_argument("--category", default="examples", help="What they are filed under (default: examples).")

    def handle(self, *_args: Any, folder: Path, category: str, **_options: Any) -> None:
        files = sorted(folder.glob("*.yaml"))
        if not files:
            raise CommandError(f"There are no *.yaml in {folder}.")
        made = 0
        with transaction.atomic(), staff():
            for file in files:
                source = file.read_text(encoding="utf-8")
                try:
                    _, new = load_builtin(source=source, media="yaml", description=summary(source), category=category)
                except MelodyInvalid as error:
                    problem = error.errors[0]
                    raise CommandError(f"{file.name}, line {problem['line']}: {problem['message']}") from None
                made += new
        self.stdout.write(f"{made} templates made, {len(files) - made} renewed.")


def summary(source: str) -> str:
    """The first sentence of the comment at the head of a file, what it is called left out."""
    head = _HEAD.match(source)
    paragraph = (head.group() if head else "").partition("\n#\n")[0]
    text = " ".join(line.lstrip("# ").strip() for line in paragraph.splitlines())
    said = text.partition(": ")[2] or text
    return said[:1].upper() + said[1:]
