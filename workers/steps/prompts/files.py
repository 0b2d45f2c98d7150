"""The `file` parts of prompts: text from the workspace, or from a folder the operator lets melodies read."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workers.contract import StepContext, StepFailed
from workers.steps.codebase.languages import SKIPPED_FOLDERS
from workers.steps.files.encodings import text_encoding
from workers.steps.files.jail import Entry, Jail, Parts, parts_of
from workers.steps.files.rules import FREE, rules_of

MOST_BYTES = 4_000_000
MOST_FILES = 200
_USUAL_WORKSPACE = "./workspace"


def text_of(path: str, encoding: str, step: StepContext) -> str:
    """The text of a file; of a folder the texts of its files, each under its path."""
    decode = _codec(encoding)
    with _found(path, step) as (jail, parts, entry):
        if entry.kind == "folder":
            return _folder(jail, parts, decode)
        return _decoded(jail.read(parts, MOST_BYTES), decode, path)


def _codec(encoding: str) -> str:
    name = text_encoding(encoding.strip() or "utf-8")
    if name is None:
        raise StepFailed(
            f"{encoding[:60]!r} is not a text encoding known here; try utf-8", code="bad_params", final=True
        )
    return "utf-8-sig" if name == "utf-8" else name


def _decoded(data: bytes, encoding: str, path: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise StepFailed(
            f"the file {path[:200]!r} is not {encoding.removesuffix('-sig')} text (byte {error.start}); "
            "give its `encoding`, or leave it out if it is not text",
            code="not_text",
            final=True,
        ) from error


@contextmanager
def _found(path: str, step: StepContext) -> Iterator[tuple[Jail, Parts, Entry]]:
    """The first folder that has the path, open: the workspace, then the readable ones."""
    for root, parts in _places(path, step):
        if not root.is_dir():
            continue
        with Jail(root, rules_of(step.workflow) if root == step.workspace else FREE) as jail:
            entry = jail.find(parts)
            if entry is not None:
                yield jail, parts, jail.entry(parts)
                return
    where = "the run's workspace" + (f" and {len(step.readable_roots)} readable folders" if step.readable_roots else "")
    raise StepFailed(f"File not found: {path[:300]!r} (looked in {where})", code="file_not_found")


def _places(path: str, step: StepContext) -> list[tuple[Path, Parts]]:
    """Where a path may mean something: in each folder, and in the workspace also without the workspace's own name. A path
    that leads out of a folder must lead into another one."""
    roots = [step.workspace, *step.readable_roots]
    if not path.startswith("/") and ".." not in path.split("/"):
        parts = parts_of(path)
        own = parts_of(str(step.workflow.fields.get("workspace_dir") or _USUAL_WORKSPACE).lstrip("/") or ".")
        inner = [(step.workspace, parts[len(own) :])] if own and parts[: len(own)] == own else []
        return [(roots[0], parts), *inner, *((root, parts) for root in roots[1:])]
    meant = dict.fromkeys(posixpath.normpath(posixpath.join(str(root), path)) for root in roots)
    places = [
        (root, parts_of(posixpath.relpath(place, str(root))))
        for place in meant
        for root in roots
        if f"{place}/".startswith(f"{root}/")
    ]
    if not places:
        raise StepFailed(
            f"{path[:300]!r} leads out of the workspace; give a path inside it, or ask the operator to make the folder "
            "readable (SYMPHONY_READABLE_ROOTS)",
            code="path_refused",
            final=True,
        )
    return places


def _folder(jail: Jail, parts: Parts, encoding: str) -> str:
    """All text files below a folder, by path. Hidden ones and folders of tools are left out."""
    texts: list[str] = []
    left = MOST_BYTES
    for entry in jail.walk(parts, enter=lambda entry: not _hidden(entry)):
        if entry.kind != "file" or _hidden(entry):
            continue
        if len(texts) == MOST_FILES or entry.size > left:
            raise StepFailed(
                f"the folder {'/'.join(parts) or '.'!r} holds more than {MOST_FILES} files or {MOST_BYTES} bytes; "
                "name the files that matter",
                code="too_large",
                final=True,
            )
        data = jail.read(entry.parts, left)
        left -= len(data)
        if b"\0" not in data[:8192] or encoding.startswith(("utf-16", "utf-32")):
            texts.append(f"=== {entry.path} ===\n{data.decode(encoding, 'replace')}")
    return "\n".join(texts)


def _hidden(entry: Entry) -> bool:
    return entry.parts[-1].startswith(".") or entry.parts[-1] in SKIPPED_FOLDERS
