"""What may be read of melodies, and by whom.

Each query names its user beside row-level security, so that it also holds for a database role that bypasses that.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from django.db.models import Count, Prefetch, QuerySet

from apps.accounts import queries as accounts
from apps.accounts.models import User
from apps.melodies.errors import MelodyNotFound
from apps.melodies.models import Melody, MelodyVersion
from apps.melodies.paths import PathError, normal_path
from apps.projects import queries as projects

LATEST: Final = "latest"
_MOST_DIGITS: Final = 9
_MOST_ASKED: Final = 10


def melodies(*, actor: User) -> QuerySet[Melody]:
    """Those of the actor's organizations whose project is not hidden from them, each with its latest version in `latest` (a list of one)."""
    latest = MelodyVersion.objects.defer("source", "document").order_by("melody_id", "-number").distinct("melody_id")
    found = Melody.objects.filter(projects.visible(actor), organization__in=accounts.organizations(actor=actor))
    return found.defer("search_vector", "step_names").prefetch_related(
        Prefetch("versions", queryset=latest, to_attr="latest")
    )


def first_of_each(ordered: QuerySet[Melody], most: int, *, actor: User) -> QuerySet[Melody]:
    """`ordered`, less what cannot be among its first `most` rows.

    The index that has the order begins with the organization: so each organization is asked for its own first rows. In
    one question PostgreSQL would sort the melodies of all of them, or go through those of strangers.
    """
    owners = list(accounts.organizations(actor=actor).values_list("pk", flat=True)[: _MOST_ASKED + 1])
    if not 0 < len(owners) <= _MOST_ASKED:
        return ordered
    if len(owners) == 1:
        return ordered.filter(organization_id=owners[0])
    plain = ordered.prefetch_related(None).values("pk")
    first, *others = (plain.filter(organization_id=owner)[:most] for owner in owners)
    return ordered.filter(pk__in=[row["pk"] for row in first.union(*others, all=True)])


def add_lineage(rows: Sequence[Melody], *, actor: User) -> None:
    """Give each `shown_parent` and `forked_from`, the melody and the semver it is a fork of as far as the actor may see
    them, and `fork_count`, its forks that they may see. Three questions at most, however many rows."""
    seen = melodies(actor=actor).prefetch_related(None).order_by()
    counted = seen.filter(parent__in=[row.pk for row in rows]).values_list("parent_id")
    forks = dict(counted.annotate(Count("pk"))) if rows else {}
    parents = {row.parent_id for row in rows if row.parent_id is not None}
    visible = set(seen.filter(pk__in=parents).values_list("pk", flat=True)) if parents else set()
    began = {row.forked_from_version_id for row in rows if row.forked_from_version_id and row.parent_id in visible}
    semvers = dict(MelodyVersion.objects.filter(pk__in=began).values_list("pk", "semver")) if began else {}
    for row in rows:
        is_shown = row.parent_id in visible
        row.shown_parent = row.parent_id if is_shown else None  # type: ignore[attr-defined]
        version = row.forked_from_version_id if is_shown else None
        row.forked_from = semvers.get(version) if version else None  # type: ignore[attr-defined]
        row.fork_count = forks.get(row.pk, 0)  # type: ignore[attr-defined]


def melody_for(*, actor: User, melody_id: UUID) -> Melody:
    melody = melodies(actor=actor).select_related("organization", "project").filter(pk=melody_id).first()
    if melody is None:
        raise MelodyNotFound
    return melody


def versions_of(melody: Melody) -> QuerySet[MelodyVersion]:
    """Newest first, without the texts."""
    return MelodyVersion.objects.filter(melody=melody).defer("source", "document").order_by("-number")


def version_of(melody: Melody, number: int | None = None) -> MelodyVersion:
    """One version with its source and document: the latest unless one is named."""
    versions = MelodyVersion.objects.filter(melody=melody)
    version = versions.filter(number=number).first() if number is not None else versions.order_by("-number").first()
    if version is None:
        raise MelodyNotFound(f"This melody has no version{'' if number is None else f' {number}'}.")
    return version


def version_named(melody: Melody, name: str) -> MelodyVersion:
    """By its number, its semver, or the word "latest"."""
    if name == LATEST:
        return version_of(melody)
    if name.isascii() and name.isdigit() and len(name) <= _MOST_DIGITS:
        return version_of(melody, int(name))
    version = None
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,9}){2}", name, re.ASCII):
        version = MelodyVersion.objects.filter(melody=melody, semver=name).first()
    if version is None:
        raise MelodyNotFound(f"This melody has no version {name[:40]!a}.")
    return version


def melody_at(organization_id: UUID | str, path: str) -> Melody | None:
    """What a `pipeline_file` names, for a worker: `./a/../b.yaml` finds what is stored under `b.yaml`."""
    try:
        normal = normal_path(path)
    except PathError:
        return None
    return Melody.objects.filter(organization_id=organization_id, path=normal).first()
