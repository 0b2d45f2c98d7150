"""The only writers of projects and secrets, and the only way to a secret's value."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.text import slugify
from django.views.decorators.debug import sensitive_variables

from apps.accounts.models import Organization, User
from apps.accounts.permissions import Action, require
from apps.core.errors import Invalid
from apps.core.ids import uuid7
from apps.core.tenancy import staff, working_for
from apps.projects import queries
from apps.projects.errors import SecretNotFound, SecretUnreadable, SlugTaken
from apps.projects.events import project_deleted
from apps.projects.keyring import Place, keyring
from apps.projects.models import SECRET_NAME, Project, Secret
from apps.projects.secret_text import SecretText

LONGEST_NAME: Final = 100
LONGEST_VALUE: Final = 65_536
_BATCH: Final = 200

# Not EXCLUDED.ciphertext: to read that takes the right to read the column.
_UPSERT: Final = """
INSERT INTO projects_secret
  (id, organization_id, project_id, name, ciphertext, key_id, created_by_id, created_at, updated_at)
VALUES (%(id)s, %(organization)s, %(project)s, %(name)s, %(ciphertext)s, %(key)s, %(actor)s, %(now)s, %(now)s)
ON CONFLICT (organization_id, project_id, name)
DO UPDATE SET ciphertext = %(ciphertext)s, key_id = %(key)s, updated_at = %(now)s
RETURNING id
"""


def create_project(
    *, actor: User, organization: Organization, name: str, slug: str | None = None, description: str = ""
) -> Project:
    """The slug is made of the name where none is given."""
    require(actor=actor, organization=organization, action=Action.WRITE)
    name = name.strip()
    if not name:
        raise _invalid("/name", "required", "A project needs a name.")
    project = Project(
        organization=organization,
        name=name,
        slug=slug or slugify(name)[:120] or "project",
        description=description,
        created_by=actor,
    )
    return _save(project)


def update_project(
    *, actor: User, project: Project, name: str | None = None, slug: str | None = None, description: str | None = None
) -> Project:
    """What is None stays as it is."""
    require(actor=actor, organization=project.organization, action=Action.WRITE)
    if name is not None and not name.strip():
        raise _invalid("/name", "required", "A project needs a name.")
    project.name = project.name if name is None else name.strip()
    project.slug = slug or project.slug
    project.description = project.description if description is None else description
    return _save(project)


def delete_project(*, actor: User, project: Project) -> None:
    """With its secrets and budgets; melodies lose their project."""
    require(actor=actor, organization=project.organization, action=Action.ADMINISTER)
    with transaction.atomic():
        project_deleted.send(sender=Project, project=project)
        project.delete()


@sensitive_variables("value", "parameters")
def set_secret(
    *, actor: User, organization: Organization, project: Project | None = None, name: str, value: str
) -> Secret:
    """Store a value under a name, whatever was there before; `created_at == updated_at` says that nothing was."""
    require(actor=actor, organization=organization, action=Action.ADMINISTER)
    _check_secret(name, value)
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
    with connection.cursor() as cursor:
        cursor.execute(_UPSERT, parameters)
        (identifier,) = cursor.fetchone()
    return Secret.objects.get(pk=identifier)


def delete_secret(*, actor: User, organization: Organization, project: Project | None = None, name: str) -> None:
    require(actor=actor, organization=organization, action=Action.ADMINISTER)
    deleted, _ = queries.secrets(actor=actor, organization=organization, project=project).filter(name=name).delete()
    if not deleted:
        raise SecretNotFound(f"There is no secret {name[:LONGEST_NAME]!r} here.")


def reveal(organization_id: UUID | str, project_id: UUID | str | None, name: str) -> SecretText | None:
    """The value of the project's secret of this name, else of the organization's; None when there is neither.

    For workers: the web's database role may not read what is sealed. Raises `SecretUnreadable` when it does not open.
    """
    own = Q(project_id=project_id) if project_id else Q(project_id=None)
    with working_for(organization_id):
        found = Secret.objects.filter(own | Q(project_id=None), organization_id=organization_id, name=name)
        row = found.order_by(F("project_id").asc(nulls_last=True)).values_list("project_id", "ciphertext").first()
    if row is None:
        return None
    owner, ciphertext = row
    return SecretText(keyring().open(Place(UUID(str(organization_id)), owner, name), ciphertext))


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
    return Rotation(len(stale) - len(unreadable), current, tuple(unreadable))


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


def _save(project: Project) -> Project:
    try:
        with transaction.atomic():
            project.save()
    except IntegrityError as error:
        if "project_slug" in str(error):
            raise SlugTaken(f"There is a project {project.slug!r} in {project.organization.name} already.") from error
        raise
    return project


def _check_secret(name: str, value: str) -> None:
    if len(name) > LONGEST_NAME or not re.fullmatch(SECRET_NAME, name, re.ASCII):
        raise _invalid(
            "?name",
            "invalid_name",
            f"A secret is named like an environment variable, ANTHROPIC_API_KEY: capital letters, digits and _, a letter "
            f"first, at most {LONGEST_NAME} characters.",
        )
    if not value:
        raise _invalid("/value", "required", "A secret needs a value; to remove it, delete it.")
    if len(value.encode("utf-8", "surrogatepass")) > LONGEST_VALUE:
        raise _invalid("/value", "too_long", f"A secret is at most {LONGEST_VALUE:,} bytes long.")


def _invalid(pointer: str, code: str, message: str) -> Invalid:
    return Invalid(message, errors=[{"code": code, "message": message, "pointer": pointer}])


__all__ = [
    "Rotation",
    "create_project",
    "delete_project",
    "delete_secret",
    "reveal",
    "rotate_secrets",
    "set_secret",
    "update_project",
]
