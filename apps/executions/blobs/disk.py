"""Bytes on a local disk, or on one that web and workers share."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final

from apps.executions.blobs.addresses import Key
from apps.executions.blobs.envelope import CHUNK
from apps.executions.blobs.port import Stored
from apps.executions.errors import BlobMissing, StoreUnavailable

_PART: Final = ".part-"
_DAMAGED: Final = ".damaged-"
_FOLDER_MODE: Final = 0o750
_FILE_MODE: Final = 0o440
"""Bytes never change: not even their owner writes to them."""


class Disk:
    """A folder, with the files of an organization in 65,536 folders of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __repr__(self) -> str:
        return f"Disk({str(self._folder)!r})"

    @property
    def url(self) -> str:
        return self._folder.as_uri()

    def path(self, key: Key) -> Path:
        return self._folder / key.path

    def put(self, key: Key, body: BinaryIO, size: int) -> bool:
        path = self.path(key)
        with _speaking():
            if path.exists():
                return False
            _make_folder(path.parent)
            descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=_PART)
            try:
                _write(descriptor, body, size)
                Path(temporary).rename(path)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise
            _sync_folder(path.parent)
        return True

    def get(self, key: Key) -> Iterator[bytes]:
        with _speaking():
            try:
                file = self.path(key).open("rb", buffering=0)
            except FileNotFoundError as missing:
                raise BlobMissing(f"No bytes are stored at {key.sha256}.") from missing
        return _pieces(file)

    def stat(self, key: Key) -> Stored | None:
        with _speaking():
            try:
                found = self.path(key).stat()
            except FileNotFoundError:
                return None
        return Stored(key, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))

    def discard(self, keys: Sequence[Key]) -> None:
        with _speaking():
            for key in keys:
                self.path(key).unlink(missing_ok=True)

    def set_aside(self, key: Key) -> None:
        path = self.path(key)
        with _speaking(), suppress(FileNotFoundError):
            path.rename(path.with_name(_DAMAGED + path.name))

    def listing(self, organization: str | None = None) -> Iterator[Stored]:
        for path in self._files(organization):
            key = Key.of_path(path.relative_to(self._folder).as_posix())
            found = self.stat(key) if key else None
            if found:
                yield found

    def leftovers(self, before: datetime) -> Iterator[str]:
        for path in self._files(None):
            with _speaking(), suppress(FileNotFoundError):
                if path.name.startswith(_PART) and path.stat().st_mtime < before.timestamp():
                    path.unlink()
                    yield str(path)

    def _files(self, organization: str | None) -> Iterator[Path]:
        """In the order of their paths; a folder is read when its turn comes."""
        for folder, folders, names in os.walk(self._folder / organization if organization else self._folder):
            folders.sort()
            yield from (Path(folder) / name for name in sorted(names))


def _write(descriptor: int, body: BinaryIO, size: int) -> None:
    with os.fdopen(descriptor, "wb") as file:
        while piece := body.read(CHUNK):
            file.write(piece)
        file.flush()
        os.fchmod(descriptor, _FILE_MODE)
        os.fsync(descriptor)
        if file.tell() != size:
            raise StoreUnavailable(f"{size} bytes were to be stored, {file.tell()} came.")


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    with file, _speaking():
        while piece := file.read(CHUNK):
            yield piece


def _make_folder(folder: Path) -> None:
    """With what is above it; in the folder above before this returns, as far as it was missing."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    with suppress(FileExistsError):
        folder.mkdir(mode=_FOLDER_MODE)
    _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    """A name is kept when its folder is."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _speaking() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else type(error).__name__
        more = ": make room, or move the store" if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
        raise StoreUnavailable(f"The artifact store on disk does not work ({reason}{more}).") from error
