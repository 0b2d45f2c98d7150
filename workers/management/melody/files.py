"""A file and the files its `pipeline_file` steps name, published together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from django.core.management.base import CommandError

from apps.accounts.models import Organization, User
from apps.melodies import queries, services
from apps.melodies.definition import Definition, InvalidDocument, load
from apps.melodies.definition.kinds import known_kinds
from apps.melodies.definition.rows_bodies import written_steps
from apps.melodies.models import MelodyVersion
from apps.melodies.paths import PathError, normal_path

from .terminal import FAILED, Terminal, read

_MOST_FILES: Final = 1_000


@dataclass(slots=True)
class Source:
    """A document that is valid. `path` is what others name it by; None for one that nobody names."""

    name: str
    text: bytes
    definition: Definition
    path: str | None = None

    @property
    def media(self) -> services.Media:
        return "json" if self.text.lstrip()[:1] == b"{" else "yaml"


@dataclass(slots=True)
class Bundle:
    """A file, `main`, and those it needs, by path; `missing` are paths with no file here, and who names them."""

    main: Source
    others: dict[str, Source] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)


def bundle(terminal: Terminal, file: str) -> Bundle:
    """Read a file and all it needs. Says what is wrong and leaves if any of it is not valid: then nothing is published.

    A path is looked for from the folder of `file` on, then from the current one.
    """
    main = _source(terminal, *read(file))
    roots = [] if file == "-" else [Path(file).parent]
    roots.append(Path.cwd())
    own = None if file == "-" else Path(file).resolve()
    found = Bundle(main)
    pending = [main]
    while pending:
        current = pending.pop()
        for path in _named(current):
            if path in found.others or path in found.missing or path == main.path:
                continue
            place = next((root / path for root in roots if (root / path).is_file()), None)
            if place is None:
                found.missing[path] = current.name
            elif place.resolve() == own:
                main.path = path
            else:
                found.others[path] = source = _source(terminal, *read(str(place)))
                source.path = path
                pending.append(source)
            if len(found.others) > _MOST_FILES:
                raise CommandError(f"{file} needs more than {_MOST_FILES} other files.", returncode=FAILED)
    return found


def _source(terminal: Terminal, name: str, text: bytes) -> Source:
    try:
        return Source(name, text, load(text, known_kinds()))
    except InvalidDocument as invalid:
        terminal.refuse(name, invalid.problems)


def _named(source: Source) -> Iterator[str]:
    """The paths a document's steps name; one made by a template is known only when it runs."""
    workflow: Mapping[str, Any] = source.definition.document["workflow"]
    for written in written_steps(workflow, known_kinds(), "/workflow"):
        path = written.step.get("pipeline_file")
        if isinstance(path, str) and "{{" not in path and "${" not in path:
            try:
                yield normal_path(path)
            except PathError as error:
                raise CommandError(f"{source.name}: {written.pointer}: {error}", returncode=FAILED) from None


def publish(*, actor: User, organization: Organization, found: Bundle) -> MelodyVersion:
    """Publish what the files say now: the others under their paths, then the main one under its path, or (without one) as
    the newest melody of its name. Files that are published already stay as they are."""
    for path, name in found.missing.items():
        if queries.melody_at(organization.pk, path) is None:
            message = f"{name} names {path}: there is no such file here, and no melody was published under this path."
            raise CommandError(message, returncode=FAILED)
    for path, source in found.others.items():
        services.publish_at(actor=actor, organization=organization, path=path, source=source.text, media=source.media)
    main = found.main
    if main.path is not None:
        return services.publish_at(
            actor=actor, organization=organization, path=main.path, source=main.text, media=main.media
        )
    named = queries.melodies(actor=actor).filter(organization=organization, name=main.definition.name[:200])
    melody = named.select_related("organization").order_by("-id").first()
    if melody is None:
        return services.create_melody(actor=actor, organization=organization, source=main.text, media=main.media)
    return services.publish_version(actor=actor, melody=melody, source=main.text, media=main.media)
