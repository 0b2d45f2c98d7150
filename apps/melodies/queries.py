"""What may be read of melodies, and by whom.

Each query names its user beside row-level security, so that it also holds for a database role that bypasses that.
"""

from __future__ import annotations

from uuid import UUID

from django.db.models import Prefetch, QuerySet

from apps.accounts import queries as accounts
from apps.accounts.models import User
from apps.melodies.errors import MelodyNotFound
from apps.melodies.models import Melody, MelodyVersion


def melodies(*, actor: User) -> QuerySet[Melody]:
    """Those of the actor's organizations, each with its latest version in `latest` (a list of one)."""
    latest = MelodyVersion.objects.defer("source", "document").order_by("melody_id", "-number").distinct("melody_id")
    return Melody.objects.filter(organization__in=accounts.organizations(actor=actor)).prefetch_related(
        Prefetch("versions", queryset=latest, to_attr="latest")
    )


def melody_for(*, actor: User, melody_id: UUID) -> Melody:
    melody = melodies(actor=actor).select_related("organization").filter(pk=melody_id).first()
    if melody is None:
        raise MelodyNotFound
    return melody


def versions_of(melody: Melody) -> QuerySet[MelodyVersion]:
    """Newest first, without the texts."""
    return MelodyVersion.objects.filter(melody=melody).defer("source", "document").order_by("-number")


def version_of(melody: Melody, number: int) -> MelodyVersion:
    """One version with its source and document."""
    version = MelodyVersion.objects.filter(melody=melody, number=number).first()
    if version is None:
        raise MelodyNotFound(f"This melody has no version {number}.")
    return version
