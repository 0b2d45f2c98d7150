"""Programs that people may let in by OAuth2."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from apps.core.tenancy import staff
from apps.signin.services import connections


class Command(BaseCommand):
    help = "`oauth editor` registers the editor; `oauth client ID --name NAME --redirect URI` another program; `oauth clean` deletes what expired."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("editor", help="register the editor, or bring it up to date")
        client = verbs.add_parser("client", help="register a program without a secret")
        client.add_argument("client_id")
        client.add_argument("--name", required=True, help="as people see it when they are asked")
        client.add_argument(
            "--redirect", action="append", required=True, help="a redirect URI; may be given several times"
        )
        verbs.add_parser("clean", help="delete expired codes and tokens")

    def handle(self, *args: Any, verb: str, **options: Any) -> None:
        if verb == "clean":
            connections.tidy_all()
            return
        if verb == "editor":
            wanted = (connections.EDITOR_CLIENT, "Symphony editor", connections.EDITOR_REDIRECTS)
        else:
            wanted = (options["client_id"], options["name"], options["redirect"])
        client_id, name, redirect_uris = wanted
        with staff():
            _, made = connections.register_public_client(client_id=client_id, name=name, redirect_uris=redirect_uris)
        self.stdout.write(f"{client_id} is {'registered' if made else 'up to date'}: {' '.join(redirect_uris)}")
