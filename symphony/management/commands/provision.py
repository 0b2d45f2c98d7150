from __future__ import annotations

import secrets
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from apps.accounts.models import User
from apps.accounts.services import create_token, create_user
from apps.core.tenancy import staff
from symphony import roles
from symphony.embedded.home import Home

FIRST_USER = "admin@symphony.local"


class Command(BaseCommand):
    help = "Make a database ready: logins of less power, tables, the first user. May be run again at any time."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        env = settings.ENV
        owner_url = env.secret("DATABASE_URL")
        if owner_url is None:
            raise CommandError("DATABASE_URL is not set: it names the owner's login of the database to make ready.")
        home = Home(settings.SYMPHONY_HOME)
        web, worker = env.secret("WEB_DATABASE_URL"), env.secret("WORKER_DATABASE_URL")
        roles.create_logins(owner_url, home, web=web, worker=worker)
        call_command("migrate", interactive=False, verbosity=1, stdout=self.stdout)
        call_command("oauth", "editor", stdout=self.stdout)
        self._first_user(home)

    def _first_user(self, home: Home) -> None:
        """The administrator and a token of theirs, unless somebody is there already."""
        with transaction.atomic(), staff():
            if User.objects.exists():
                return
            password = secrets.token_urlsafe(18)
            user = create_user(
                email=FIRST_USER, password=password, display_name="Administrator", is_staff=True, is_superuser=True
            )
            _, token = create_token(actor=user, name="first token")
            # Written before the commit: a user whose password nobody knows would be worse than a password for nobody.
            home.write_private("admin_password", password + "\n")
            home.write_private("token", token + "\n")
        self.stdout.write(
            f"First user {FIRST_USER}: password in {home.root / 'admin_password'}, token in {home.root / 'token'}."
        )
