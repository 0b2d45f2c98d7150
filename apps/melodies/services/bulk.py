"""The same change of many melodies: of all of them, or of none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.permissions import Action
from apps.core.errors import Forbidden, Invalid
from apps.melodies import queries
from apps.melodies.errors import MelodyNotFound, TooManyMelodies
from apps.melodies.models import Melody, MelodyStatus
from apps.melodies.permissions import require_at, require_for
from apps.melodies.services.documents import own_project
from apps.melodies.services.editing import checked_tags, delete_melodies, status_change, trace_change
from apps.melodies.states import may_move
from apps.projects.models import Project

MOST_AT_ONCE: Final = 1_000
_Change = Callable[[Melody], dict[str, Any]]


class BulkAction(StrEnum):
    ARCHIVE = "archive"
    ACTIVATE = "activate"
    TAG = "tag"
    UNTAG = "untag"
    MOVE = "move"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class BulkResult:
    """`changed` of the `matched` melodies are (or, in a dry run, would be) other than before."""

    matched: int
    changed: int
    dry_run: bool


def change_melodies(
    *,
    actor: User,
    melody_ids: Sequence[UUID],
    action: BulkAction,
    tags: Iterable[str] = (),
    project: Project | None = None,
    dry_run: bool = False,
) -> BulkResult:
    """`tags` are those to add or take away; `project` is where to move, None out of their projects.

    A dry run does all of it and takes it back, so that it refuses what the run itself would refuse.
    """
    words = checked_tags(tags)
    check_count(len(melody_ids))
    with transaction.atomic():
        savepoint = transaction.savepoint()
        melodies = _locked(actor, melody_ids)
        if action is BulkAction.DELETE:
            delete_melodies(actor=actor, melodies=melodies)
            changed = len(melodies)
        else:
            changed = _apply(actor, melodies, _change(actor, melodies, action, words, project))
        if dry_run:
            transaction.savepoint_rollback(savepoint)
        else:
            transaction.savepoint_commit(savepoint)
    return BulkResult(len(melodies), changed, dry_run)


def moderate(*, actor: User, melodies: QuerySet[Melody], status: str) -> int:
    """As staff, of whatever organization: those of them that can move there do; how many that were."""
    if not actor.has_perm("melodies.change_melody"):
        raise Forbidden("Only staff that may change melodies may do this.")
    with transaction.atomic():
        locked = Melody.objects.select_for_update(of=("self",)).defer("search_vector", "step_names")
        rows = locked.select_related("organization").filter(pk__in=melodies.values("pk")).order_by("pk")
        movable = [row for row in rows if may_move(row.status, status, published=row.published_at is not None)]
        return _apply(actor, movable, lambda melody: status_change(melody, status))


def check_count(count: int) -> None:
    if count > MOST_AT_ONCE:
        message = f"One request changes {MOST_AT_ONCE:,} melodies at most; narrow it down, or go in steps."
        raise TooManyMelodies(message, errors=[{"code": TooManyMelodies.code, "message": message, "pointer": "/ids"}])


def _locked(actor: User, melody_ids: Sequence[UUID]) -> list[Melody]:
    """In one order, so that two requests do not wait for each other. What may not be changed cannot be locked either."""
    seen = queries.melodies(actor=actor).prefetch_related(None).select_related("organization", "project")
    known = {melody.pk: melody for melody in seen.filter(pk__in=melody_ids)}
    message = "There is no such melody, or it is not yours to see."
    errors = [
        {"code": MelodyNotFound.code, "message": message, "pointer": f"/ids/{index}"}
        for index, identifier in enumerate(melody_ids)
        if identifier not in known
    ]
    if errors:
        raise Invalid(f"{len(errors)} of these melodies are not there, or not yours to see.", errors=errors)
    for place in {(melody.organization_id, melody.project_id): melody for melody in known.values()}.values():
        require_for(actor=actor, melody=place, action=Action.WRITE)
    locked = Melody.objects.select_for_update(of=("self",)).defer("search_vector", "step_names")
    return list(locked.select_related("organization", "project").filter(pk__in=known).order_by("pk"))


def _change(
    actor: User, melodies: Sequence[Melody], action: BulkAction, tags: list[str], project: Project | None
) -> _Change:
    match action:
        case BulkAction.ARCHIVE:
            return lambda melody: status_change(melody, MelodyStatus.ARCHIVED)
        case BulkAction.ACTIVATE:
            return lambda melody: status_change(melody, MelodyStatus.ACTIVE)
        case BulkAction.TAG:
            return lambda melody: {"tags": checked_tags({*melody.tags, *tags})}
        case BulkAction.UNTAG:
            return lambda melody: {"tags": [tag for tag in melody.tags if tag not in tags]}
    for organization in {melody.organization_id: melody.organization for melody in melodies}.values():
        require_at(
            actor=actor, organization=organization, project=own_project(organization, project), action=Action.WRITE
        )
    return lambda _: {"project": project}


def _apply(actor: User, melodies: Sequence[Melody], change: _Change) -> int:
    """How many are other than before."""
    now = timezone.now()
    changed: list[Melody] = []
    fields: set[str] = {"updated_at"}
    for melody in melodies:
        wanted = {name: value for name, value in change(melody).items() if getattr(melody, name) != value}
        if not wanted:
            continue
        trace_change(actor, melody, before={name: getattr(melody, name) for name in wanted}, after=wanted)
        for name, value in wanted.items():
            setattr(melody, name, value)
        melody.updated_at = now
        fields.update(wanted)
        changed.append(melody)
    if changed:
        Melody.objects.bulk_update(changed, sorted(fields))
    return len(changed)
