"""The only writers of secrets, and the only way to a secret's value."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from django.db import connection, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.views.decorators.debug import sensitive_variables

from apps.accounts.errors import invalid
from apps.accounts.models import Organization, User
from apps.accounts.permissions import Action
from apps.core.ids import uuid7
from apps.core.tenancy import staff, working_for
from apps.core.trail import leave_trace
from apps.projects import queries
from apps.projects.errors import SecretNotFound, SecretUnreadable
from apps.projects.events import secrets_rotating
from apps.projects.keyring import Place, keyring
from apps.projects.models import SECRET_NAME, Project, ProjectVariable, Secret
from apps.projects.permissions import require_in
from apps.projects.secret_text import SecretText

LONGEST_NAME: Final = 100
LONGEST_VALUE: Final = 65_536
_BATCH: Final = 200
_USE_WRITTEN_EVERY: Final = timedelta(minutes=5)

# Not EXCLUDED.ciphertext: to read that takes the right to read the column.
_UPSERT: Final = """
INSERT INTO projects_secret
  (id, organization_id, project_id, name, ciphertext, key_id, created_by_id, created_at, updated_at)
VALUES (%(id)s, %(organization)s, %(project)s, %(name)s, %(ciphertext)s, %(key)s, %(actor)s, %(now)s, %(now)s)
ON CONFLICT (organization_id, project_id, name)
DO UPDATE SET ciphertext = %(ciphertext)s, key_id = %(key)s, updated_at = %(now)s
RETURNING id
"""


@sensitive_variables("value", "parameters")
def set_secret(
    *, actor: User, organization: Organization, project: Project | None = None, name: str, value: str
) -> Secret:
    """Store a value under a name, whatever was there before; `created_at == updated_at` says that nothing was."""
    require_in(actor=actor, organization=organization, project=project, action=Action.ADMINISTER)
    _check_secret(name, value)
    _check_no_variable(organization, project, name)
    place = Place(organization.pk, project.pk if project else None, name)
    keys = keyring()
    parameters = {
        "id": uuid7(),
        "organization": place.organization_id,
        "project": place.project_id,
        "name": name,
        "ciphertext": keys.seal(place, value),
        "key": keys.newest_id,
        "actor": actor.pk,
        "now": timezone.now(),
    }
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_UPSERT, parameters)
            (identifier,) = cursor.fetchone()
        secret = Secret.objects.get(pk=identifier)
        leave_trace("secret.stored", actor=actor, organization=organization, target=secret, after=_told(project))
    return secret


def delete_secret(*, actor: User, organization: Organization, project: Project | None = None, name: str) -> None:
    require_in(actor=actor, organization=organization, project=project, action=Action.ADMINISTER)
    with transaction.atomic():
        found = queries.secrets(actor=actor, organization=organization, project=project).filter(name=name)
        secret = found.first() if re.fullmatch(SECRET_NAME, name, re.ASCII) else None
        if secret is None or not found.delete()[0]:
            raise SecretNotFound(f"There is no secret {name[:LONGEST_NAME]!r} here.")
        leave_trace("secret.deleted", actor=actor, organization=organization, target=secret, before=_told(project))


def reveal(organization_id: UUID | str, project_id: UUID | str | None, name: str) -> SecretText | None:
    """The value of the project's secret of this name, else of the organization's; None when there is neither.

    For workers: the web's database role may not read what is sealed. Raises `SecretUnreadable` when it does not open.
    """
    own = Q(project_id=project_id) if project_id else Q(project_id=None)
    with working_for(organization_id):
        found = Secret.objects.filter(own | Q(project_id=None), organization_id=organization_id, name=name)
        first = found.order_by(F("project_id").asc(nulls_last=True))
        row = first.values_list("pk", "project_id", "ciphertext", "last_used_at").first()
        if row is None:
            return None
        identifier, owner, ciphertext, last_used_at = row
        if last_used_at is None or timezone.now() - last_used_at > _USE_WRITTEN_EVERY:
            _note_use(identifier)
    return SecretText(keyring().open(Place(UUID(str(organization_id)), owner, name), ciphertext))


def _note_use(identifier: UUID) -> None:
    # Of many steps at once one writes it down, and nobody waits.
    free = Secret.objects.select_for_update(skip_locked=True, of=("self",)).filter(pk=identifier)
    Secret.objects.filter(pk__in=free.values("pk")).update(last_used_at=timezone.now())


@dataclass(frozen=True, slots=True)
class Rotation:
    """`unreadable` names secrets that none of the keys opens; they stay as they are."""

    rotated: int
    current: int
    unreadable: tuple[str, ...]


def rotate_secrets() -> Rotation:
    """Seal with the newest key whatever is sealed with another, of every organization. As the owner of the tables."""
    keys = keyring()
    with staff():
        stale = list(Secret.objects.exclude(key_id=keys.newest_id).order_by("pk").values_list("pk", flat=True))
        current = Secret.objects.count() - len(stale)
    unreadable = [name for start in range(0, len(stale), _BATCH) for name in _rotate(stale[start : start + _BATCH])]
    rotated = len(stale) - len(unreadable)
    answers: list[tuple[int, list[str]]] = [answer for _, answer in secrets_rotating.send(sender=None)]  # type: ignore[misc]
    for others, unopened in answers:
        rotated += others
        unreadable += unopened
    return Rotation(rotated, current, tuple(unreadable))


def _rotate(identifiers: Sequence[UUID]) -> list[str]:
    """One transaction; the secrets that stayed as they were."""
    keys = keyring()
    unreadable = []
    with staff():
        rows = Secret.objects.defer(None).select_for_update().filter(pk__in=identifiers).order_by("pk")
        for secret in rows:
            place = Place(secret.organization_id, secret.project_id, secret.name)
            try:
                sealed = keys.seal(place, keys.open(place, secret.ciphertext))
            except SecretUnreadable:
                unreadable.append(f"{secret.name} ({secret.pk})")
                continue
            Secret.objects.filter(pk=secret.pk).update(ciphertext=sealed, key_id=keys.newest_id)
    return unreadable


def _check_secret(name: str, value: str) -> None:
    if len(name) > LONGEST_NAME or not re.fullmatch(SECRET_NAME, name, re.ASCII):
        raise invalid(
            "?name",
            "invalid_name",
            f"A secret is named like an environment variable, ANTHROPIC_API_KEY: capital letters, digits and _, a letter "
            f"first, at most {LONGEST_NAME} characters.",
        )
    if not value:
        raise invalid("/value", "required", "A secret needs a value; to remove it, delete it.")
    if len(value.encode("utf-8", "surrogatepass")) > LONGEST_VALUE:
        raise invalid("/value", "too_long", f"A secret is at most {LONGEST_VALUE:,} bytes long.")


def _check_no_variable(organization: Organization, project: Project | None, name: str) -> None:
    """Everybody reads variables: one of this name is probably where the value stood until now."""
    named = ProjectVariable.objects.filter(organization=organization, name=name)
    holder = (named if project is None else named.filter(project=project)).select_related("project").first()
    if holder is not None:
        raise invalid(
            "?name", "is_a_variable", f"{name} is a variable of the project {holder.project.name}; delete that first."
        )


def _told(project: Project | None) -> dict[str, str]:
    return {} if project is None else {"project": str(project.pk)}
