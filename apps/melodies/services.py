"""The only writers of melodies and versions. Call them while acting as the actor (a request does)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from enum import Enum
from typing import Final, Literal

from django.db import IntegrityError, transaction
from django.db.models import Max

from apps.accounts.models import Organization, User
from apps.accounts.permissions import Action, require
from apps.melodies import graphs
from apps.melodies.definition import Definition, InvalidDocument, load
from apps.melodies.definition.kinds import known_kinds
from apps.melodies.definition.lint import Report, lint
from apps.melodies.definition.rows import Graph
from apps.melodies.definition.rows_text import as_yaml
from apps.melodies.errors import GraphBehind, MelodyInvalid, PathInvalid, PathTaken, ProjectElsewhere
from apps.melodies.events import version_published
from apps.melodies.graphs import MelodyRows
from apps.melodies.models import Melody, MelodyVersion
from apps.melodies.paths import PathError, normal_path
from apps.melodies.queries import version_of
from apps.projects.models import Project

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


def lint_document(source: str | bytes, media: Media) -> Report:
    """All errors and warnings of a document."""
    return lint(source, known_kinds(), media)


def create_melody(
    *,
    actor: User,
    organization: Organization,
    source: str | bytes,
    media: Media,
    path: str | None = None,
    project: Project | None = None,
) -> MelodyVersion:
    """A new melody with its first version, planned and ready to run; `path` is what a `pipeline_file` finds it by."""
    require(actor=actor, organization=organization, action=Action.WRITE)
    project = _own_project(organization, project)
    normal = _free_path(organization, path)
    definition = check_document(source, media)
    with transaction.atomic(), _one_of_each_path(normal):
        melody = Melody.objects.create(
            organization=organization,
            name=definition.name[:200],
            description=definition.description,
            path=normal,
            project=project,
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
) -> Melody:
    """Give a melody its path or project, or (None) take it away. The next nested run that asks for the path gets this
    melody; runs that have started keep the project they started with."""
    require(actor=actor, organization=melody.organization, action=Action.WRITE)
    normal = melody.path if isinstance(path, Unchanged) else _free_path(melody.organization, path, but=melody)
    if not isinstance(project, Unchanged):
        melody.project = _own_project(melody.organization, project)
    with transaction.atomic(), _one_of_each_path(normal):
        melody.path = normal
        melody.save(update_fields=["path", "project", "updated_at"])
    return melody


def _own_project(organization: Organization, project: Project | None) -> Project | None:
    if project is not None and project.organization_id != organization.pk:
        message = f"The project {project.name!r} belongs to another organization than the melody."
        raise ProjectElsewhere(
            message, errors=[{"code": "project_elsewhere", "message": message, "pointer": "/project"}]
        )
    return project


def publish_at(
    *, actor: User, organization: Organization, path: str, source: str | bytes, media: Media
) -> MelodyVersion:
    """The next version of the melody under this path, which is created if there is none."""
    require(actor=actor, organization=organization, action=Action.WRITE)
    melody = Melody.objects.filter(organization=organization, path=_checked_path(path)).first()
    if melody is None:
        return create_melody(actor=actor, organization=organization, source=source, media=media, path=path)
    return publish_version(actor=actor, melody=melody, source=source, media=media)


def may_write(*, actor: User, melody: Melody) -> None:
    """Before the work of reading what somebody has sent."""
    require(actor=actor, organization=melody.organization, action=Action.WRITE)


def import_document(*, actor: User, melody: Melody, version: MelodyVersion | None = None) -> MelodyRows:
    """Make the rows of a melody's graph say what its latest version (or the one given) says. Changes that were not
    published are lost; steps whose names stay keep their ids and places."""
    require(actor=actor, organization=melody.organization, action=Action.WRITE)
    return graphs.import_version(actor=actor, version=version or version_of(melody))


def save_graph(*, actor: User, melody: Melody, graph: Graph, revision: int | None = None) -> MelodyRows:
    """Store the rows an editor has sent. They need not make a valid melody yet, but they must hang together. With
    `revision`, only if the graph is still the one the editor had read."""
    require(actor=actor, organization=melody.organization, action=Action.WRITE)
    return graphs.replace_rows(actor=actor, melody=melody, graph=graph, revision=revision)


def publish_graph(*, actor: User, melody: Melody, force: bool = False) -> MelodyVersion:
    """The next version from a melody's rows; equal to the latest, it is that one."""
    require(actor=actor, organization=melody.organization, action=Action.WRITE)
    with transaction.atomic():
        Melody.objects.select_for_update().get(pk=melody.pk)
        rows = graphs.rows_of(melody)
        if rows.behind and not force:
            raise GraphBehind
        source = as_yaml(graphs.document_of(rows), known_kinds())
        version = publish_version(actor=actor, melody=melody, source=source, media="yaml")
        graphs.settle(actor=actor, melody=melody, version=version)
        return version


def _checked_path(path: str) -> str:
    try:
        return normal_path(path)
    except PathError as error:
        raise PathInvalid(
            str(error), errors=[{"code": PathInvalid.code, "message": str(error), "pointer": "/path"}]
        ) from None


def _free_path(organization: Organization, path: str | None, *, but: Melody | None = None) -> str | None:
    if path is None:
        return None
    normal = _checked_path(path)
    holder = Melody.objects.filter(organization=organization, path=normal).first()
    if holder is not None and holder != but:
        raise PathTaken(
            f"The melody {holder.name!r} ({holder.pk}) has the path {normal} already.", melody=str(holder.pk)
        )
    return normal


@contextmanager
def _one_of_each_path(path: str | None) -> Iterator[None]:
    """Two that ask for the same free path at once: the database lets one have it."""
    try:
        yield
    except IntegrityError as error:
        if "melody_path" not in str(error):
            raise
        raise PathTaken(f"Another melody has the path {path} by now.") from error


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
    graphs.follow(actor=actor, version=version, definition=definition)
    return version
