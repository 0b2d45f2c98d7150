"""Who acts, and where."""

from __future__ import annotations

import argparse

from django.core.management.base import CommandError

from apps.accounts.models import User
from apps.core.tenancy import staff

from .terminal import FAILED


def user_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--user", metavar="EMAIL", help="who does it; the first superuser if not given")


def organization_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--organization", metavar="SLUG", help="slug or id; the user's personal one by default")


def user_named(email: str | None) -> User:
    with staff():
        people = User.objects.filter(is_active=True)
        found = people.filter(email=email) if email else people.filter(is_superuser=True)
        user = found.order_by("id").first()
    if user is None:
        who = f"no active user {email}" if email else "no superuser; `make up` makes one, or name somebody with --user"
        raise CommandError(f"There is {who}.", returncode=FAILED)
    return user
