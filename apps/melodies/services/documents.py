"""Documents become versions here, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, Final, Literal

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts.models import Organization, User
from apps.accounts.permissions import Action
from apps.core.semver import FIRST, NoVersionError, Semver
from apps.core.trail import leave_trace
from apps.melodies import graphs
from apps.melodies.definition import Definition, InvalidDocument, load
from apps.melodies.definition.diff import Diff, diff
from apps.melodies.definition.diff.told import bump_of, summary_of
from apps.melodies.definition.kinds import known_kinds
from apps.melodies.definition.lint import Report, lint
from apps.melodies.errors import (
    MelodyArchived,
    MelodyInvalid,
    PathInvalid,
    PathTaken,
    SemverInvalid,
    SummaryInvalid,
    VersionBehind,
)
from apps.melodies.events import version_published
from apps.melodies.models import LONGEST_SUMMARY, CreationSource, Melody, MelodyStatus, MelodyVersion
from apps.melodies.paths import PathError, normal_path
from apps.melodies.permissions import require_at, require_for
from apps.melodies.tags import MOST_TAGS, TagError, normal_tag
from apps.projects.errors import ProjectElsewhere
from apps.projects.models import Project

Media = Literal["yaml", "json"]
_LONGEST_STEP_NAMES: Final = 20_000


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
    status: str = MelodyStatus.ACTIVE,
    creation_source: str = CreationSource.USER_CREATED,
    forked_from: MelodyVersion | None = None,
) -> MelodyVersion:
    """A new melody with its first version, planned and ready to run; `path` is what a `pipeline_file` finds it by. The tags
    of the document become its first tags."""
    project = own_project(organization, project)
    require_at(actor=actor, organization=organization, project=project, action=Action.WRITE)
    normal = free_path(organization, path)
    definition = check_document(source, media)
    with transaction.atomic(), one_of_each_path(normal):
        melody = Melody.objects.create(
            organization=organization,
            path=normal,
            project=project,
            status=status,
            published_at=timezone.now() if status == MelodyStatus.ACTIVE else None,
            creation_source=creation_source,
            tags=_written_tags(definition),
            parent=forked_from.melody if forked_from is not None else None,
            forked_from_version=forked_from,
            created_by=actor,
            **_shown(definition),
        )
        summary = "" if forked_from is None else f"Fork of version {forked_from.semver} of {forked_from.melody.name}."
        version = _store(actor, melody, definition, source, media, semver=str(FIRST), change_summary=summary)
        leave_trace(
            "melody.created", actor=actor, organization=organization, target=melody,
            after={"name": melody.name, "status": status, "path": normal, "creation_source": creation_source,
                   "sha256": version.sha256},
        )  # fmt: skip
    return version


def publish_version(
    *,
    actor: User,
    melody: Melody,
    source: str | bytes,
    media: Media,
    semver: str | None = None,
    change_summary: str | None = None,
    expected: Iterable[int] | None = None,
) -> MelodyVersion:
    """The next version of a melody. A document equal to the latest version's publishes nothing and returns that.

    Without `semver` what has changed says how much the number grows; without `change_summary` it is told in words. With
    `expected`, only if one of these numbers is the latest version's.
    """
    require_for(actor=actor, melody=melody, action=Action.WRITE)
    wanted, summary = _checked_semver(semver), checked_summary(change_summary)
    definition = check_document(source, media)
    with transaction.atomic():
        locked = Melody.objects.select_for_update().get(pk=melody.pk)
        if locked.status == MelodyStatus.ARCHIVED:
            raise MelodyArchived
        latest = melody.versions.order_by("-number").first()
        if expected is not None and (latest.number if latest else 0) not in expected:
            raise VersionBehind(version=latest.number if latest else 0)
        if latest is not None and latest.sha256 == definition.sha256:
            return latest
        changes = diff(latest.document, definition.document, known_kinds()) if latest is not None else None
        for name, value in _shown(definition).items():
            setattr(melody, name, value)
        melody.save(update_fields=["name", "description", "step_names", "updated_at"])
        version = _store(
            actor, melody, definition, source, media, number=(latest.number if latest else 0) + 1,
            semver=_next(latest, wanted, changes), change_summary=summary or summary_of(changes, LONGEST_SUMMARY),
        )  # fmt: skip
        leave_trace(
            "melody.version_published", actor=actor, organization=melody.organization, target=melody,
            before={"version": latest.number, "semver": latest.semver, "sha256": latest.sha256} if latest else None,
            after={"version": version.number, "semver": version.semver, "sha256": version.sha256},
        )  # fmt: skip
        return version


def publish_at(
    *, actor: User, organization: Organization, path: str, source: str | bytes, media: Media
) -> MelodyVersion:
    """The next version of the melody under this path, which is created if there is none."""
    melody = Melody.objects.filter(organization=organization, path=checked_path(path)).first()
    if melody is None:
        return create_melody(actor=actor, organization=organization, source=source, media=media, path=path)
    return publish_version(actor=actor, melody=melody, source=source, media=media)


def restore_version(
    *, actor: User, melody: Melody, version: MelodyVersion, expected: Iterable[int] | None = None
) -> MelodyVersion:
    """A new version that says what an earlier one said; the latest stays if that says so already."""
    media: Media = "json" if version.media_type == "application/json" else "yaml"
    return publish_version(
        actor=actor, melody=melody, source=version.source, media=media, expected=expected,
        change_summary=f"Says again what version {version.number} ({version.semver}) said.",
    )  # fmt: skip


def may_write(*, actor: User, melody: Melody) -> None:
    """Before the work of reading what somebody has sent."""
    require_for(actor=actor, melody=melody, action=Action.WRITE)


# -- parts ---------------------------------------------------------------------------------------------------------
def own_project(organization: Organization, project: Project | None) -> Project | None:
    if project is not None and project.organization_id != organization.pk:
        message = f"The project {project.name!r} belongs to another organization than the melody."
        raise ProjectElsewhere(
            message, errors=[{"code": "project_elsewhere", "message": message, "pointer": "/project"}]
        )
    return project


def checked_path(path: str) -> str:
    try:
        return normal_path(path)
    except PathError as error:
        raise PathInvalid(
            str(error), errors=[{"code": PathInvalid.code, "message": str(error), "pointer": "/path"}]
        ) from None


def free_path(organization: Organization, path: str | None, *, but: Melody | None = None) -> str | None:
    if path is None:
        return None
    normal = checked_path(path)
    holder = Melody.objects.filter(organization=organization, path=normal).first()
    if holder is not None and holder != but:
        raise PathTaken(
            f"The melody {holder.name!r} ({holder.pk}) has the path {normal} already.", melody=str(holder.pk)
        )
    return normal


@contextmanager
def one_of_each_path(path: str | None) -> Iterator[None]:
    """Two that ask for the same free path at once: the database lets one have it."""
    try:
        yield
    except IntegrityError as error:
        if "melody_path" not in str(error):
            raise
        raise PathTaken(f"Another melody has the path {path} by now.") from error


def checked_summary(text: str | None) -> str:
    summary = (text or "").strip()
    if len(summary) > LONGEST_SUMMARY or "\0" in summary or not _encodes(summary):
        message = f"A change summary is text of at most {LONGEST_SUMMARY:,} characters, without NUL."
        raise SummaryInvalid(
            message, errors=[{"code": SummaryInvalid.code, "message": message, "pointer": "?change_summary"}]
        )
    return summary


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _checked_semver(text: str | None) -> Semver | None:
    if text is None:
        return None
    try:
        return Semver.parse(text)
    except NoVersionError as error:
        raise _semver_problem(str(error)) from None


def _next(latest: MelodyVersion | None, wanted: Semver | None, changes: Diff | None) -> str:
    if latest is None or changes is None:
        return str(wanted or FIRST)
    before = Semver.parse(latest.semver)
    if wanted is None:
        try:
            return str(before.next(bump_of(changes)))
        except NoVersionError as error:
            raise _semver_problem(str(error)) from None
    if wanted <= before:
        raise _semver_problem(f"The latest version is {before}; the next one must be higher than that, not {wanted}.")
    return str(wanted)


def _semver_problem(message: str) -> SemverInvalid:
    return SemverInvalid(message, errors=[{"code": SemverInvalid.code, "message": message, "pointer": "?semver"}])


def _shown(definition: Definition) -> dict[str, str]:
    """What lists and searches show of a document."""
    names = dict.fromkeys(step.name for step in definition.walk())
    return {
        "name": definition.name[:200],
        "description": definition.description,
        "step_names": " ".join(names)[:_LONGEST_STEP_NAMES],
    }


def _written_tags(definition: Definition) -> list[str]:
    """A document's tags are documentation: what cannot be a tag is passed over."""
    workflow: Mapping[str, Any] = definition.document["workflow"]
    written = workflow.get("tags")
    found: set[str] = set()
    for tag in written[: 4 * MOST_TAGS] if isinstance(written, list) else ():
        try:
            found.add(normal_tag(tag if isinstance(tag, str) else ""))
        except TagError:
            continue
    return sorted(found)[:MOST_TAGS]


def _store(
    actor: User, melody: Melody, definition: Definition, source: str | bytes, media: Media, *, semver: str,
    change_summary: str, number: int = 1,
) -> MelodyVersion:  # fmt: skip
    version = MelodyVersion.objects.create(
        organization_id=melody.organization_id,
        melody=melody,
        number=number,
        semver=semver,
        change_summary=change_summary,
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
