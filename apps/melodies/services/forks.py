"""Taking over what others have made: a fork is a melody of one's own that remembers where it comes from."""

from __future__ import annotations

from apps.accounts.models import Organization, User
from apps.accounts.permissions import Action
from apps.melodies.models import CreationSource, Melody, MelodyStatus, MelodyVersion
from apps.melodies.permissions import require_for
from apps.melodies.queries import version_of
from apps.melodies.services.documents import Media, create_melody
from apps.projects.models import Project


def fork_melody(
    *,
    actor: User,
    melody: Melody,
    organization: Organization,
    project: Project | None = None,
    version: MelodyVersion | None = None,
    path: str | None = None,
    status: str = MelodyStatus.ACTIVE,
) -> MelodyVersion:
    """A new melody in an organization the actor may write in, that says what a version (the latest if none is named) of
    one the actor may read says. Tags and compatible extensions come with it; path and project do not."""
    require_for(actor=actor, melody=melody, action=Action.READ)
    source = version or version_of(melody)
    media: Media = "json" if source.media_type == "application/json" else "yaml"
    made = create_melody(
        actor=actor, organization=organization, project=project, path=path, status=status,
        source=source.source, media=media, creation_source=CreationSource.FORKED, forked_from=source,
    )  # fmt: skip
    made.melody.tags, made.melody.compatible_extensions = melody.tags, melody.compatible_extensions
    made.melody.save(update_fields=["tags", "compatible_extensions", "updated_at"])
    return made
