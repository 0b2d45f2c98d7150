"""Changing what stands beside the documents: path, project, status, tags."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from apps.accounts.models import Organization, User
from apps.accounts.permissions import Action
from apps.core.errors import Invalid
from apps.core.trail import leave_trace
from apps.melodies.errors import MelodyInUse, StatusMove, TagsInvalid
from apps.melodies.events import melodies_deleting
from apps.melodies.models import LONGEST_EXTENSION, MOST_EXTENSIONS, Melody, MelodyStatus, PricingTier
from apps.melodies.permissions import require_at, require_for
from apps.melodies.services.documents import free_path, one_of_each_path, own_project
from apps.melodies.states import may_move
from apps.melodies.tags import TagError, normal_tags
from apps.projects.models import Project


class Unchanged(Enum):
    """Stands for a field nobody spoke of, where None means none."""

    UNCHANGED = "unchanged"


UNCHANGED: Final = Unchanged.UNCHANGED


def change_melody(
    *,
    actor: User,
    melody: Melody,
    path: str | Unchanged | None = UNCHANGED,
    project: Project | Unchanged | None = UNCHANGED,
    status: str | None = None,
    tags: Iterable[str] | None = None,
    compatible_extensions: Sequence[str] | None = None,
    pricing_tier: str | None = None,
) -> Melody:
    """Change what is given; None as path or project takes it away. The next nested run that asks for the path gets this
    melody; runs that have started keep the project they started with."""
    require_for(actor=actor, melody=melody, action=Action.WRITE)
    wanted = _wanted(tags, compatible_extensions, pricing_tier)
    if not isinstance(project, Unchanged):
        wanted["project"] = _project(actor, melody, project)
    if not isinstance(path, Unchanged):
        wanted["path"] = free_path(melody.organization, path, but=melody)
    with transaction.atomic(), one_of_each_path(wanted.get("path")):
        current = Melody.objects.select_for_update().get(pk=melody.pk)
        if status is not None:
            wanted |= status_change(current, status)
        changed = {name: value for name, value in wanted.items() if getattr(current, name) != value}
        _save(actor, melody, current, changed)
    return melody


def status_change(melody: Melody, status: str) -> dict[str, Any]:
    """The fields a move changes. Raises `StatusMove` for one that is not allowed."""
    published = melody.published_at is not None
    if status not in MelodyStatus.values:
        raise _invalid("/status", "invalid_choice", f"A status is one of {', '.join(MelodyStatus.values)}.")
    if not may_move(melody.status, status, published=published):
        why = "; it has been active, and never becomes a draft again" if status == MelodyStatus.DRAFT else ""
        raise StatusMove(f"A melody cannot go from {melody.status} to {status}{why}.", status=melody.status)
    if status == MelodyStatus.ACTIVE and not published:
        return {"status": status, "published_at": timezone.now()}
    return {"status": status}


def checked_tags(tags: Iterable[str]) -> list[str]:
    try:
        return normal_tags(tags)
    except TagError as error:
        raise TagsInvalid(
            str(error), errors=[{"code": TagsInvalid.code, "message": str(error), "pointer": "/tags"}]
        ) from None


def delete_melodies(*, actor: User, melodies: Sequence[Melody]) -> None:
    """All of them, with their versions and rows, or (`MelodyInUse`) none: runs are a record, and need what they ran."""
    for melody in melodies:
        require_for(actor=actor, melody=melody, action=Action.WRITE)
    identifiers = sorted(melody.pk for melody in melodies)
    with transaction.atomic():
        melodies_deleting.send(sender=Melody, melody_ids=identifiers)
        for melody in melodies:
            leave_trace(
                "melody.deleted", actor=actor, organization=melody.organization, target=melody,
                before={"name": melody.name, "status": melody.status, "path": melody.path},
            )  # fmt: skip
        _delete(identifiers)


def delete_unused(*, actor: User, organization: Organization) -> int:
    """All melodies of an organization that nothing needs; how many stay. Those are archived."""
    found = Melody.objects.filter(organization=organization).select_related("organization", "project").order_by("pk")
    with transaction.atomic():
        _delete_what_goes(actor, list(found.defer("search_vector", "step_names")))
        return found.update(status=MelodyStatus.ARCHIVED, updated_at=timezone.now())


def _delete_what_goes(actor: User, melodies: Sequence[Melody]) -> None:
    """Together where that goes, else by halves: the database does not say which of many is needed."""
    if not melodies:
        return
    try:
        delete_melodies(actor=actor, melodies=melodies)
    except MelodyInUse:
        middle = len(melodies) // 2
        for part in (melodies[:middle], melodies[middle:]) if middle else ():
            _delete_what_goes(actor, part)


def _delete(identifiers: Sequence[UUID]) -> None:
    """The database takes what hangs on them, and refuses where somebody needs them: now, not at the end of the request."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("DELETE FROM melodies_melody WHERE id = ANY(%s::uuid[])", [list(identifiers)])
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    except IntegrityError as error:
        if "foreign key" not in str(error):
            raise
        raise MelodyInUse from error


def _wanted(tags: Iterable[str] | None, extensions: Sequence[str] | None, pricing_tier: str | None) -> dict[str, Any]:
    wanted: dict[str, Any] = {}
    if tags is not None:
        wanted["tags"] = checked_tags(tags)
    if extensions is not None:
        wanted["compatible_extensions"] = _checked_extensions(extensions)
    if pricing_tier is not None:
        if pricing_tier not in PricingTier.values:
            raise _invalid("/pricing_tier", "invalid_choice", f"A tier is one of {', '.join(PricingTier.values)}.")
        wanted["pricing_tier"] = pricing_tier
    return wanted


def _checked_extensions(extensions: Sequence[str]) -> list[str]:
    found = list(dict.fromkeys(name.strip() for name in extensions))
    if len(found) > MOST_EXTENSIONS:
        raise _invalid("/compatible_extensions", "too_many", f"A melody names {MOST_EXTENSIONS} extensions at most.")
    for index, name in enumerate(found):
        if not 0 < len(name) <= LONGEST_EXTENSION or not name.isprintable():
            message = f"An extension is named by 1 to {LONGEST_EXTENSION} printable characters."
            raise _invalid(f"/compatible_extensions/{index}", "invalid_name", message)
    return found


def _project(actor: User, melody: Melody, project: Project | None) -> Project | None:
    own_project(melody.organization, project)
    require_at(actor=actor, organization=melody.organization, project=project, action=Action.WRITE)
    return project


def _save(actor: User, melody: Melody, current: Melody, changed: dict[str, Any]) -> None:
    """`melody` is what the caller shows, `current` what is there."""
    before = {name: getattr(current, name) for name in changed}
    for name, value in changed.items():
        setattr(melody, name, value)
    if not changed:
        return
    melody.save(update_fields=[*changed, "updated_at"])
    trace_change(actor, melody, before=before, after=changed)


def trace_change(actor: User, melody: Melody, *, before: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    leave_trace(
        "melody.changed", actor=actor, organization=melody.organization, target=melody, before=_told(before),
        after=_told(after),
    )  # fmt: skip


def _told(fields: Mapping[str, Any]) -> dict[str, Any]:
    def plain(value: Any) -> Any:
        if isinstance(value, Project):
            return str(value.pk)
        return value if isinstance(value, str | list) or value is None else str(value)

    return {name: plain(value) for name, value in fields.items()}


def _invalid(pointer: str, code: str, message: str) -> Invalid:
    return Invalid(message, errors=[{"code": code, "message": message, "pointer": pointer}])
