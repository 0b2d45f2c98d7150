"""Copying, moving and deleting inside the workspace."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from workers.contract import StepContext, StepFailed
from workers.steps.files.jail import Entry, Jail, Parts, copy_stream, parts_of
from workers.steps.files.params import FileCheck, FileOps
from workers.steps.files.select import Selected, below, bounded, is_single, matching, sources

MOST_BYTES = 1 << 28
_AGE = re.compile(r"(\d{1,6})\s*([smhdw])\Z")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def _target(params: FileOps, jail: Jail, selected: Selected, *, many: bool) -> Parts:
    """Where one file goes: into `destination` if that is a folder, else there."""
    written = params.destination or ""
    destination = parts_of(written)
    parts = selected.entry.parts
    if params.options.preserve_structure:
        return (*destination, *parts[selected.prefix :])
    there = jail.find(destination)
    as_folder = many or written.endswith("/") or (there is not None and there.kind == "folder")
    if selected.entry.kind == "folder" and not many and not written.endswith("/"):
        as_folder = False
    return (*destination, *parts[-1:]) if as_folder else destination


def _planned(params: FileOps, jail: Jail) -> list[tuple[Entry, Parts]]:
    source = params.source
    if source is None:
        raise StepFailed(f"file_ops {params.operation} needs `source`", code="bad_params")
    many = not is_single(source)
    plan = [(found.entry, _target(params, jail, found, many=many)) for found in sources(jail, source)]
    targets: dict[Parts, Entry] = {}
    for entry, target in plan:
        if not entry.parts or not target:
            raise StepFailed(
                "the workspace as a whole cannot be copied or moved; name something in it", code="path_refused"
            )
        other = targets.setdefault(target, entry)
        if other is not entry:
            raise StepFailed(
                f"{other.path!r} and {entry.path!r} would both become {'/'.join(target)!r}; "
                "set options.preserve_structure to keep their folders apart",
                code="clash",
            )
        if entry.kind == "folder" and below(target, entry.parts):
            raise StepFailed(f"folder {entry.path!r} cannot go into itself", code="path_refused")
    return plan


def _outcome(params: FileOps, plan: list[tuple[Entry, Parts]], **more: Any) -> dict[str, Any]:
    shown = params.source if isinstance(params.source, str) else None
    result: dict[str, Any] = {
        "operation": params.operation,
        "source": shown or [entry.path for entry, _ in plan],
        "destination": params.destination,
        "status": "completed",
    }
    if params.source is not None and not is_single(params.source):
        result |= {"files": ["/".join(target) for _, target in plan], "count": len(plan)}
    return result | more


def _require_parents(params: FileOps, jail: Jail, target: Parts) -> None:
    if not params.options.create_destination and jail.find(target[:-1]) is None:
        raise StepFailed(f"folder {'/'.join(target[:-1])!r} does not exist", code="not_found")


def copy_file(params: FileOps, jail: Jail, entry: Entry, target: Parts) -> int:
    """Copy one regular file; the number of bytes."""
    if entry.parts == target:
        raise StepFailed(f"{entry.path!r} cannot be copied onto itself", code="path_refused")
    with (
        jail.reading(entry.parts) as source,
        jail.writing(target, overwrite=params.options.overwrite) as file,
    ):
        size = copy_stream(source, file, MOST_BYTES)
    if params.options.preserve_timestamps:
        jail.set_modified(target, entry.modified)
    return size


def copy(params: FileOps, jail: Jail, step: StepContext) -> dict[str, Any]:
    """Copy files, or folders with all that is in them."""
    plan = _planned(params, jail)
    copied = 0
    for entry, target in plan:
        _require_parents(params, jail, target)
        if entry.kind == "file":
            copied += copy_file(params, jail, entry, target)
            continue
        if not params.options.recursive:
            raise StepFailed(f"{entry.path!r} is a folder; set options.recursive to copy it", code="is_a_folder")
        jail.make_folder(target)
        for inner in list(bounded(jail.walk(entry.parts))):
            inside = (*target, *inner.parts[len(entry.parts) :])
            if inner.kind == "other":
                raise StepFailed(f"{inner.path!r} is a link, device or pipe; it cannot be copied", code="path_refused")
            if inner.kind == "folder":
                jail.make_folder(inside)
            else:
                copied += copy_file(params, jail, inner, inside)
    return _outcome(params, plan, bytes=copied)


def move(params: FileOps, jail: Jail, step: StepContext) -> dict[str, Any]:
    """Rename files or folders."""
    plan = _planned(params, jail)
    for entry, target in plan:
        _require_parents(params, jail, target)
        there = jail.find(target)
        if there is not None and there.kind != "file":
            raise StepFailed(f"{there.path!r} exists and is not a file; move it away first", code="exists")
        if there is not None and not params.options.overwrite:
            raise StepFailed(f"{there.path!r} exists already", code="exists")
        jail.move(entry.parts, target)
    return _outcome(params, plan)


def stream_copy(params: FileOps, jail: Jail, step: StepContext) -> dict[str, Any]:
    """Copy one file in pieces. (`copy` does so too; the name is the language's.)"""
    plan = _planned(params, jail)
    entry, target = plan[0]
    if entry.kind == "folder":
        raise StepFailed(f"{entry.path!r} is a folder; stream_copy takes a file", code="is_a_folder")
    _require_parents(params, jail, target)
    size = copy_file(params, jail, entry, target)
    return _outcome(params, plan, method="streaming", bytes=size)


def _limit_of_age(text: str) -> float:
    """The moment before which something is old enough, in seconds since 1970."""
    age = _AGE.match(text.strip())
    if age:
        return (datetime.now(UTC) - timedelta(**{_UNITS[age.group(2)]: int(age.group(1))})).timestamp()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise StepFailed(
            f"older_than: write `7d`, `12h`, `30m` or a date, not {text[:40]!r}", code="bad_params"
        ) from error
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _doomed(jail: Jail, check: FileCheck) -> list[Entry]:
    if check.path is not None:
        found = [jail.entry(parts_of(check.path))]
    else:
        found = [item.entry for item in matching(jail, check.pattern or "")]
    if check.older_than is None:
        return found
    before = _limit_of_age(check.older_than)
    return [entry for entry in found if entry.modified < before]


def delete(params: FileOps, jail: Jail, step: StepContext) -> dict[str, Any]:
    """Delete files, and folders with all that is in them. A path that does not exist is an error; a pattern may fit nothing."""
    dry = params.options.dry_run
    if params.path is not None:
        parts = parts_of(params.path)
        jail.entry(parts)
        if not parts:
            raise StepFailed("the workspace itself cannot be deleted; name something in it", code="path_refused")
        if not dry:
            jail.remove(parts)
        return {"operation": "delete", "path": params.path, "status": "dry_run" if dry else "completed"}
    doomed = {entry.parts: entry for check in params.files or [] for entry in _doomed(jail, check)}
    for parts in doomed if not dry else ():
        if jail.find(parts) is not None:
            jail.remove(parts)
    files = [entry.path for entry in doomed.values()]
    return {"operation": "delete", "files": files, "count": len(files), "status": "dry_run" if dry else "completed"}
