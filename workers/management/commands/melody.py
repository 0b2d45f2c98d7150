"""`manage.py melody VERB …`: each verb is a module of `workers.management.melody`."""

from __future__ import annotations

import argparse
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError

from apps.core.errors import SymphonyError
from workers.management.melody import (
    approve,
    bulk,
    cancel,
    diff,
    explain,
    import_n8n,
    lint,
    migrate,
    pause,
    pools,
    priority,
    publish,
    reject,
    rerun,
    resume,
    retry,
    run,
    schema,
    set_result,
    show,
    signal,
    skip,
    trigger,
    validate,
)
from workers.management.melody.terminal import FAILED, SubCommand, Terminal

_VERBS: Final[dict[str, SubCommand]] = {
    "validate": validate,
    "lint": lint,
    "diff": diff,
    "migrate": migrate,
    "import-n8n": import_n8n,
    "schema": schema,
    "show": show,
    "publish": publish,
    "run": run,
    "pause": pause,
    "resume": resume,
    "cancel": cancel,
    "retry": retry,
    "rerun": rerun,
    "skip": skip,
    "set-result": set_result,
    "bulk": bulk,
    "priority": priority,
    "pools": pools,
    "explain": explain,
    "approve": approve,
    "reject": reject,
    "signal": signal,
    "trigger": trigger,
}
_NO_JSON: Final = ("schema",)


class Command(BaseCommand):
    help = "Check, rewrite, show, publish and run melodies."
    requires_system_checks = ()

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True, metavar=" | ".join(_VERBS))
        for name, module in _VERBS.items():
            verb = verbs.add_parser(name, help=module.HELP, description=module.HELP)
            module.arguments(verb)
            if name not in _NO_JSON:
                verb.add_argument("--json", action="store_true", help="machine-readable output")

    def handle(self, *_args: Any, **options: Any) -> None:
        terminal = Terminal(self.stdout, self.stderr, bool(options.get("json")))
        try:
            _VERBS[options["verb"]].run(terminal, options)
        except SymphonyError as error:
            raise CommandError("\n".join(_lines(error)), returncode=FAILED) from error
        except OperationalError as error:
            raise CommandError(str(error).strip().splitlines()[0], returncode=FAILED) from error


def _lines(error: SymphonyError) -> list[str]:
    problems: list[dict[str, Any]] = getattr(error, "errors", [])
    told = [f"{problem['pointer']}: {problem['message']}" for problem in problems]
    return told if any(problem["message"] == error.detail for problem in problems) else [error.detail, *told]
