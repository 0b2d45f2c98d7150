"""The only writers of melodies and versions. Call them while acting as the actor (a request does)."""

from __future__ import annotations

from dataclasses import asdict
from typing import Literal

from django.db import transaction
from django.db.models import Max

from apps.accounts.models import Organization, User
from apps.accounts.permissions import Action, require
from apps.melodies.definition import Definition, InvalidDocument, load
from apps.melodies.definition.kinds import known_kinds
from apps.melodies.errors import MelodyInvalid
from apps.melodies.events import version_published
from apps.melodies.models import Melody, MelodyVersion

Media = Literal["yaml", "json"]


def check_document(source: str | bytes, media: Media) -> Definition:
    """Parse and validate; every problem at once in `MelodyInvalid.errors`."""
    try:
        return load(source, known_kinds(), media=media)
    except InvalidDocument as invalid:
        count = len(invalid.problems)
        raise MelodyInvalid(
            f"The document has {count} problem{'s' if count != 1 else ''}.",
            errors=[asdict(problem) for problem in invalid.problems],
        ) from invalid


def create_melody(*, actor: User, organization: Organization, source: str | bytes, media: Media) -> MelodyVersion:
    """A new melody with its first version, planned and ready to run."""
    require(actor=actor, organization=organization, action=Action.WRITE)
    definition = check_document(source, media)
    with transaction.atomic():
        melody = Melody.objects.create(
            organization=organization,
            name=definition.name[:200],
            description=definition.description,
            created_by=actor,
        )
        return _publish(actor, melody, definition, source, media, number=1)


def publish_version(*, actor: User, melody: Melody, source: str | bytes, media: Media) -> MelodyVersion:
    """The next version of a melody. A document equal to the latest version's publishes nothing and returns that."""
    require(actor=actor, organization=melody.organization, action=Action.WRITE)
    definition = check_document(source, media)
    with transaction.atomic():
        Melody.objects.select_for_update().get(pk=melody.pk)
        latest = melody.versions.order_by("-number").first()
        if latest is not None and latest.sha256 == definition.sha256:
            return latest
        number = (melody.versions.aggregate(last=Max("number"))["last"] or 0) + 1
        melody.name = definition.name[:200]
        melody.description = definition.description
        melody.save(update_fields=["name", "description", "updated_at"])
        return _publish(actor, melody, definition, source, media, number=number)


def _publish(
    actor: User, melody: Melody, definition: Definition, source: str | bytes, media: Media, *, number: int
) -> MelodyVersion:
    version = MelodyVersion.objects.create(
        organization_id=melody.organization_id,
        melody=melody,
        number=number,
        sha256=definition.sha256,
        source=source if isinstance(source, str) else source.decode(),
        media_type=f"application/{media}",
        document=definition.document,
        step_count=sum(1 for _ in definition.walk()),
        created_by=actor,
    )
    version_published.send(sender=MelodyVersion, version=version, definition=definition)
    return version
