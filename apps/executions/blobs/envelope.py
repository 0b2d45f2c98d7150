"""Bytes as they are stored: as they are, or compressed with a mark in front that says so. Pure.

The mark is a skippable frame of the zstd format, so that any zstd tool reads a stored file, and what is stored says itself
what it is: no name, no header and no row is needed to read it. Bytes that begin with the mark themselves are compressed
whatever that brings, so none are ever mistaken.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Final, Literal

import zstandard

from apps.executions.errors import BlobDamaged

Compression = Literal["zstd", "none"]

_NAME: Final = b"symphony"
MARK: Final = struct.pack("<II", 0x184D2A5E, len(_NAME) + 8) + _NAME
_HEADER: Final = len(MARK) + 8
CHUNK: Final = 256 << 10
_SMALLEST: Final = 512
_SAMPLE: Final = 64 << 10
_WORTH: Final = 0.9
"""Compressed where a sample shrinks to this share of itself or less: text does, pictures and archives do not."""
_LEVEL: Final = 3
_WIDEST_WINDOW: Final = 64 << 20


def sealed(data: bytes, compression: Compression) -> bytes:
    """The bytes as they are to be stored."""
    if not data.startswith(MARK) and (compression == "none" or not _shrinks(data)):
        return data
    packed = zstandard.ZstdCompressor(level=_LEVEL, write_content_size=True).compress(data)
    return MARK + struct.pack("<Q", len(data)) + packed


def opened(stored: Iterable[bytes]) -> Iterator[bytes]:
    """The bytes that were stored, in pieces of bounded size; `BlobDamaged` where that cannot be."""
    source = _Source(stored)
    header = source.read(_HEADER)
    if not header.startswith(MARK):
        yield from source.rest(header)
        return
    if len(header) < _HEADER:
        raise BlobDamaged("The stored bytes end in their header.")
    (size,) = struct.unpack("<Q", header[len(MARK) :])
    left = size
    for piece in _unpacked(source):
        left -= len(piece)
        if left < 0:
            break
        yield piece
    if left != 0:
        raise BlobDamaged("The stored bytes unpack to another size than they say.")


def _unpacked(source: _Source) -> Iterator[bytes]:
    unpacker = zstandard.ZstdDecompressor(max_window_size=_WIDEST_WINDOW).stream_reader(source, read_size=CHUNK)  # type: ignore[arg-type]  # reads only
    while True:
        try:
            piece = unpacker.read(CHUNK)
        except zstandard.ZstdError as error:
            raise BlobDamaged("The stored bytes cannot be unpacked.") from error
        if not piece:
            return
        yield piece


def _shrinks(data: bytes) -> bool:
    """By its beginning and its middle: what a file says of itself is not asked."""
    if len(data) < _SMALLEST:
        return False
    middle = len(data) // 2
    sample = data if len(data) <= _SAMPLE else data[: _SAMPLE // 2] + data[middle : middle + _SAMPLE // 2]
    return len(zstandard.ZstdCompressor(level=1).compress(sample)) <= len(sample) * _WORTH


class _Source:
    """Pieces of any size as something that is read from."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._held = b""

    def read(self, size: int = -1) -> bytes:
        """So many bytes, fewer only at the end."""
        parts, missing = [], CHUNK if size < 0 else size
        while missing > 0:
            if not self._held:
                self._held = next(self._pieces, b"")
                if not self._held:
                    break
            part, self._held = self._held[:missing], self._held[missing:]
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)

    def rest(self, before: bytes) -> Iterator[bytes]:
        """Everything from `before` on, in pieces of at most a chunk."""
        yield from _cut(before + self._held)
        self._held = b""
        for piece in self._pieces:
            yield from _cut(piece)


def _cut(data: bytes) -> Iterator[bytes]:
    for start in range(0, len(data), CHUNK):
        yield data[start : start + CHUNK]
