"""Which files a `source` or a list of checks means."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from workers.contract import StepFailed
from workers.steps.files.globs import BadPatternError, Glob, fixed_prefix, is_glob
from workers.steps.files.jail import Entry, Jail, Parts, parts_of
from workers.steps.files.params import Selection, Source

MOST_FILES = 20_000


@dataclass(frozen=True, slots=True)
class Selected:
    """A file or folder, and how many leading parts of its path belong to the pattern rather than to the file."""

    entry: Entry
    prefix: int


def compile_glob(text: str, *, hidden: bool = False) -> Glob:
    """A glob of a user."""
    try:
        return Glob(text, hidden=hidden)
    except BadPatternError as error:
        raise StepFailed(str(error), code="bad_pattern") from error


def bounded(entries: Iterator[Entry], limit: int = MOST_FILES) -> Iterator[Entry]:
    """The same entries; an error when there are too many to go through."""
    for number, entry in enumerate(entries):
        if number >= limit:
            raise StepFailed(f"more than {limit} files and folders to go through", code="too_many_files")
        yield entry


def matching(jail: Jail, pattern: str, exclude: tuple[str, ...] = ()) -> list[Selected]:
    """The regular files that fit a glob, by path."""
    parts_of(pattern)
    glob = compile_glob(pattern)
    unwanted = [compile_glob(text, hidden=True) for text in exclude]
    start = fixed_prefix(pattern)
    found = jail.find(start)
    if found is None or found.kind != "folder":
        return []
    return [
        Selected(entry, len(start))
        for entry in bounded(jail.walk(start))
        if entry.kind == "file"
        and glob.matches(entry.parts)
        and not any(other.matches(entry.parts) or other.matches_name(entry.parts[-1]) for other in unwanted)
    ]


def sources(jail: Jail, source: Source) -> list[Selected]:
    """What `source` means, each once, in the order written. Naming nothing is an error."""
    if isinstance(source, Selection):
        exclude = (source.exclude,) if isinstance(source.exclude, str) else tuple(source.exclude)
        chosen = matching(jail, source.pattern, exclude)
        shown = source.pattern
    else:
        written = [source] if isinstance(source, str) else source
        chosen = [found for text in written for found in _one(jail, text)]
        shown = ", ".join(written)
    if not chosen:
        raise StepFailed(f"no file fits {shown[:200]!r}", code="not_found")
    return list({found.entry.parts: found for found in chosen}.values())


def _one(jail: Jail, text: str) -> list[Selected]:
    parts = parts_of(text)
    if is_glob(text) and jail.find(parts) is None:
        return matching(jail, text)
    return [Selected(jail.entry(parts), max(len(parts) - 1, 0))]


def is_single(source: Source) -> bool:
    """True for one plain path."""
    return isinstance(source, str) and not is_glob(source)


def below(parts: Parts, folder: Parts) -> bool:
    """True when a path is inside a folder, or is that folder."""
    return parts[: len(folder)] == folder
