"""One folder, and nothing outside it.

Every path is walked component by component from an open folder with `O_NOFOLLOW`, and used through that open folder.
So a symbolic link is refused wherever it stands, also one that appears between a check and the use.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Literal, Self, cast

from workers.contract import StepFailed
from workers.steps.files.rules import FREE, Rules

Parts = tuple[str, ...]

LONGEST_PATH = 2000
DEEPEST = 60
MOST_IN_FOLDER = 50_000
CHUNK = 1 << 20

_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC

_WHY = {
    errno.ENOENT: ("not_found", "does not exist"),
    errno.EEXIST: ("exists", "exists already"),
    errno.ELOOP: ("path_refused", "is a symbolic link; links are not followed"),
    errno.ENOTDIR: ("path_refused", "leads through something that is not a folder (symbolic links are not followed)"),
    errno.EISDIR: ("is_a_folder", "is a folder, not a file"),
    errno.ENOTEMPTY: ("exists", "is a folder that is not empty"),
    errno.ENAMETOOLONG: ("path_refused", "has a name that is too long"),
    errno.EACCES: ("not_allowed", "may not be touched (permission denied)"),
    errno.EINVAL: ("path_refused", "cannot be used that way (a folder cannot go inside itself)"),
    errno.ENXIO: ("path_refused", "is not a regular file"),
}


@dataclass(frozen=True, slots=True)
class Entry:
    """Something found in a folder. `other` is a link, device, pipe or socket: it is never opened."""

    parts: Parts
    kind: Literal["file", "folder", "other"]
    size: int
    modified: float

    @property
    def path(self) -> str:
        return "/".join(self.parts)


def parts_of(path: object) -> Parts:
    """Take a user's path apart; refuse what could lead outside. `.` gives the empty tuple: the folder itself."""
    if not isinstance(path, str) or not path:
        raise StepFailed(f"a path must be a non-empty text, not {path!r}", code="path_refused")
    shown = repr(path[:120])
    if len(path) > LONGEST_PATH or "\0" in path:
        raise StepFailed(f"{shown} is not a usable path", code="path_refused")
    if path.startswith("/"):
        raise StepFailed(f"{shown} is absolute; give a path inside the workspace", code="path_refused")
    parts = tuple(part for part in path.split("/") if part not in ("", "."))
    if ".." in parts:
        raise StepFailed(f"{shown} contains '..'; give a path inside the workspace", code="path_refused")
    if len(parts) > DEEPEST:
        raise StepFailed(f"{shown} has more than {DEEPEST} levels", code="path_refused")
    return parts


@contextmanager
def _explained(parts: Sequence[str]) -> Iterator[None]:
    """Turn an OS error into a sentence about the path."""
    try:
        yield
    except UnicodeEncodeError as error:
        raise StepFailed("a path must be valid text", code="path_refused") from error
    except OSError as error:
        code, why = _WHY.get(error.errno or 0, ("io_error", f"cannot be used: {error.strerror}"))
        raise StepFailed(f"{'/'.join(parts) or '.'!r} {why}", code=code) from error


def _kind(mode: int) -> Literal["file", "folder", "other"]:
    return "file" if stat.S_ISREG(mode) else "folder" if stat.S_ISDIR(mode) else "other"


class Jail:
    """A folder held open. Use it as a context manager.

    `root` itself is resolved first, so links in the operator's own path to it are fine. `rules` narrow down what may be
    read and written inside.
    """

    def __init__(self, root: Path, rules: Rules = FREE) -> None:
        self.root = root.resolve()
        self._rules = rules
        self._room: int | None = None
        with _explained(self.root.parts[1:]):
            self._fd = self._descend(os.open("/", _FOLDER), self.root.parts[1:], create=False)
        if rules.most_bytes is not None:
            self._room = rules.most_bytes - sum(entry.size for entry in self._walk(()) if entry.kind == "file")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._fd)

    @staticmethod
    def _descend(start: int, parts: Sequence[str], *, create: bool) -> int:
        """Open a folder below an open one, closing each on the way."""
        current = start
        try:
            for part in parts:
                if create:
                    with suppress(FileExistsError):
                        os.mkdir(part, 0o755, dir_fd=current)
                below = os.open(part, _FOLDER, dir_fd=current)
                os.close(current)
                current = below
        except BaseException:
            os.close(current)
            raise
        return current

    @contextmanager
    def folder(self, parts: Sequence[str], *, create: bool = False) -> Iterator[int]:
        """The descriptor of a folder."""
        with _explained(parts):
            handle = self._descend(os.dup(self._fd), parts, create=create)
        try:
            yield handle
        finally:
            os.close(handle)

    @contextmanager
    def _place(self, parts: Parts, *, create: bool = False) -> Iterator[tuple[int, str]]:
        """The open parent folder and the last name."""
        if not parts:
            raise StepFailed("the workspace itself cannot be used here; name something in it", code="path_refused")
        with self.folder(parts[:-1], create=create) as parent, _explained(parts):
            yield parent, parts[-1]

    def make_folder(self, parts: Parts) -> None:
        """Create a folder and those above it."""
        self._rules.check_write(parts)
        with self.folder(parts, create=True):
            pass

    def find(self, parts: Parts) -> Entry | None:
        """What is there, or None. A link is an entry of the kind `other`."""
        try:
            with _explained(parts):
                if not parts:
                    found = os.fstat(self._fd)
                else:
                    with self._place(parts) as (parent, name):
                        found = os.stat(name, dir_fd=parent, follow_symlinks=False)
        except StepFailed as error:
            if error.code == "not_found":
                return None
            raise
        return Entry(parts, _kind(found.st_mode), found.st_size, found.st_mtime)

    def entry(self, parts: Parts) -> Entry:
        """What is there; an error when there is nothing, or only a link or device."""
        found = self.find(parts)
        if found is None:
            raise StepFailed(f"{'/'.join(parts)!r} does not exist", code="not_found")
        if found.kind == "other":
            message = f"{found.path!r} is a symbolic link, device or pipe; only files and folders are used"
            raise StepFailed(message, code="path_refused")
        return found

    @contextmanager
    def reading(self, parts: Parts) -> Iterator[BinaryIO]:
        """A regular file, open for reading."""
        self._rules.check_read(parts)
        with self._place(parts) as (parent, name):
            handle = os.open(name, _READ, dir_fd=parent)
            file = os.fdopen(handle, "rb")
        with file:
            kind = _kind(os.fstat(handle).st_mode)
            if kind != "file":
                what = "a folder" if kind == "folder" else "a device or pipe"
                raise StepFailed(f"{'/'.join(parts)!r} is {what}, not a regular file", code="path_refused")
            yield file

    def read(self, parts: Parts, limit: int) -> bytes:
        """A file's bytes; an error when there are more than `limit`."""
        with self.reading(parts) as file:
            data = file.read(limit + 1)
        if len(data) > limit:
            raise StepFailed(f"{'/'.join(parts)!r} is larger than {limit} bytes", code="too_large")
        return data

    @contextmanager
    def writing(self, parts: Parts, *, overwrite: bool = True, create_parents: bool = True) -> Iterator[BinaryIO]:
        """A new file that takes its place only when it is complete. Never writes through a link or into a device."""
        self._rules.check_write(parts)
        with self._place(parts, create=create_parents) as (parent, name):
            replaced = self._must_be_replaceable(parent, name, parts)
            temporary = f".{secrets.token_hex(8)}.part"
            try:
                with os.fdopen(os.open(temporary, _CREATE, 0o644, dir_fd=parent), "wb") as file:
                    yield file if self._room is None else self._metered(file, replaced)
                if overwrite:
                    os.rename(temporary, name, src_dir_fd=parent, dst_dir_fd=parent)
                else:
                    os.link(temporary, name, src_dir_fd=parent, dst_dir_fd=parent)
            finally:
                _forget(temporary, parent)

    @staticmethod
    def _must_be_replaceable(parent: int, name: str, parts: Parts) -> int:
        """The size of the file that is there; 0 when there is none."""
        try:
            found = os.stat(name, dir_fd=parent, follow_symlinks=False)
        except FileNotFoundError:
            return 0
        kind = _kind(found.st_mode)
        if kind != "file":
            what = "a folder" if kind == "folder" else "a symbolic link, device or pipe"
            raise StepFailed(f"{'/'.join(parts)!r} is {what}; it cannot be replaced by a file", code="path_refused")
        return found.st_size

    def _metered(self, file: BinaryIO, replaced: int) -> BinaryIO:
        """The file, with an error as soon as the workspace would grow beyond its bound."""
        self._room = (self._room or 0) + replaced
        return cast(BinaryIO, _Metered(self, file))

    def use_room(self, size: int) -> None:
        """Count bytes that are about to be written."""
        if self._room is not None:
            self._room -= size
            if self._room < 0:
                message = "the workspace would grow beyond the workflow's resource_limits.max_workspace_size_mb"
                raise StepFailed(message, code="workspace_full", final=True)

    def write(self, parts: Parts, data: bytes, *, overwrite: bool = True) -> None:
        """Put a whole file."""
        with self.writing(parts, overwrite=overwrite) as file:
            file.write(data)

    def move(self, source: Parts, destination: Parts, *, create_parents: bool = True) -> None:
        """Rename a file or folder. A link at the destination is replaced, not followed."""
        self._rules.check_write(source, whole=True)
        self._rules.check_write(destination, whole=True)
        with (
            self._place(source) as (from_folder, from_name),
            self._place(destination, create=create_parents) as (to, name),
        ):
            os.rename(from_name, name, src_dir_fd=from_folder, dst_dir_fd=to)

    def remove(self, parts: Parts) -> None:
        """Delete a file, or a folder with all that is in it. A link is deleted, never what it points to."""
        self._rules.check_write(parts, whole=True)
        with self._place(parts) as (parent, name):
            if stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
                shutil.rmtree(name, dir_fd=parent)
            else:
                os.unlink(name, dir_fd=parent)

    def can_open(self, parts: Parts, flags: int) -> bool:
        """Whether the operating system lets this process open the file that way."""
        try:
            with self._place(parts) as (parent, name):
                os.close(os.open(name, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=parent))
        except StepFailed:
            return False
        return True

    def set_modified(self, parts: Parts, modified: float) -> None:
        """Give a file its time of change."""
        self._rules.check_write(parts)
        with self._place(parts) as (parent, name):
            os.utime(name, (modified, modified), dir_fd=parent, follow_symlinks=False)

    def children(self, parts: Parts) -> list[Entry]:
        """What is directly in a folder, by name; only what the rules let be seen."""
        if not self._rules.may_see(parts):
            self._rules.check_read(parts)
        return [entry for entry in self._children(parts) if self._rules.may_see(entry.parts)]

    def _children(self, parts: Parts) -> list[Entry]:
        with self.folder(parts) as handle, _explained(parts), os.scandir(handle) as found:
            entries = [_entry(parts, item) for item in islice(found, MOST_IN_FOLDER + 1)]
        if len(entries) > MOST_IN_FOLDER:
            raise StepFailed(
                f"{'/'.join(parts) or '.'!r} holds more than {MOST_IN_FOLDER} names", code="too_many_files"
            )
        return sorted((entry for entry in entries if entry is not None), key=lambda entry: entry.parts[-1])

    def walk(self, parts: Parts = (), *, enter: Callable[[Entry], bool] | None = None) -> Iterator[Entry]:
        """Everything below a folder, depth first, by name. Folders for which `enter` is false are not opened."""
        return self._walk(parts, enter=enter, children=self.children)

    def _walk(
        self,
        parts: Parts,
        *,
        enter: Callable[[Entry], bool] | None = None,
        children: Callable[[Parts], list[Entry]] | None = None,
    ) -> Iterator[Entry]:
        look = children or self._children
        pending = list(reversed(look(parts)))
        while pending:
            entry = pending.pop()
            yield entry
            if entry.kind == "folder" and len(entry.parts) < DEEPEST and (enter is None or enter(entry)):
                try:
                    pending.extend(reversed(look(entry.parts)))
                except StepFailed as error:
                    if error.code not in ("not_found", "not_allowed", "path_refused"):
                        raise


class _Metered:
    """A file that counts what is written to it."""

    def __init__(self, jail: Jail, file: BinaryIO) -> None:
        self._jail = jail
        self._file = file

    def write(self, data: bytes) -> int:
        self._jail.use_room(len(data))
        return self._file.write(data)


def _entry(folder: Parts, item: os.DirEntry[str]) -> Entry | None:
    try:
        found = item.stat(follow_symlinks=False)
        item.name.encode()
    except (OSError, UnicodeEncodeError):
        return None
    return Entry((*folder, item.name), _kind(found.st_mode), found.st_size, found.st_mtime)


def _forget(name: str, parent: int) -> None:
    with suppress(FileNotFoundError):
        os.unlink(name, dir_fd=parent)


def copy_stream(source: BinaryIO, target: BinaryIO, limit: int) -> int:
    """Copy in pieces; the number of bytes. An error past `limit`."""
    copied = 0
    while chunk := source.read(CHUNK):
        copied += len(chunk)
        if copied > limit:
            raise StepFailed(f"a file is larger than {limit} bytes", code="too_large")
        target.write(chunk)
    return copied
