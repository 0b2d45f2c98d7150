"""The trail as a stream of records, and whether it is whole: the same for rows, exports and archives. Pure.

A record is a JSON object. Of each chain come, in this order: `segment`s (what was moved to files), `entry`s, and one
`head`, where the chain ends. Chains come one after the other.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from apps.audit.chain import FIELDS, Fault, Walk

Record = Mapping[str, Any]
Opener = Callable[[Record], Iterator[Record]]

SEGMENT: Final = "segment"
ENTRY: Final = "entry"
HEAD: Final = "head"
MOST_FAULTS: Final = 20
_LONGEST_LINE: Final = 1_000_000
_CHUNK: Final = 1 << 20


class Unreadable(Exception):
    """A file that is not what it should be; the message says where."""


@dataclass(slots=True)
class Report:
    """`faults` has the first of each broken chain, the first twenty."""

    chains: int = 0
    entries: int = 0
    archived: int = 0
    broken: int = 0
    faults: list[Fault] = field(default_factory=list)


def check(records: Iterable[Record], open_segment: Opener | None = None) -> Report:
    """Go along every chain once, with no more than one record in memory.

    `open_segment` gives the entries of an archived segment: then they are checked too, else the segment is taken for what
    it says.
    """
    report = Report()
    for chain, group in groupby(records, key=lambda record: str(record["chain"])):
        walk = _walked(chain, group, report, open_segment)
        report.chains += 1
        if walk.fault is not None:
            report.broken += 1
            if len(report.faults) < MOST_FAULTS:
                report.faults.append(walk.fault)
    return report


def _walked(chain: str, group: Iterable[Record], report: Report, open_segment: Opener | None) -> Walk:
    walk = Walk(chain)
    ended = False
    for record in group:
        if record["kind"] == ENTRY:
            report.entries += 1
            walk.entry(record, record["hash"])
        elif record["kind"] == SEGMENT:
            report.archived += record["last_sequence"] - record["first_sequence"] + 1
            _segment(walk, record, open_segment)
        else:
            ended = True
            walk.head(record["length"], record["hash"])
    if not ended:
        walk.no_head()
    return walk


def _segment(walk: Walk, record: Record, open_segment: Opener | None) -> None:
    if open_segment is not None and not record["discarded"]:
        inner = Walk(walk.chain, walk.sequence, walk.hash, walk.fault)
        try:
            for entry in open_segment(record):
                inner.entry(entry, entry["hash"])
            inner.head(record["last_sequence"], record["last_hash"])
        except Unreadable as error:
            inner.fault = inner.fault or Fault(walk.chain, record["first_sequence"], str(error))
        walk.fault = inner.fault
    walk.segment(record["first_sequence"], record["last_sequence"], record["previous_hash"], record["last_hash"])


def line(record: Record) -> str:
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n"


def read(path: Path) -> Iterator[Record]:
    """The records of an export or an archive, packed or not, one at a time. Raises `Unreadable`."""
    number = 0
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
            while text := lines.readline(_LONGEST_LINE):
                number += 1
                yield _record(text)
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        raise Unreadable(f"{path.name}, line {number or 1}: {error}") from error


_NEEDED: Final[dict[str, tuple[str, ...]]] = {
    ENTRY: (*FIELDS, "hash"),
    SEGMENT: (
        "chain",
        "first_sequence",
        "last_sequence",
        "previous_hash",
        "last_hash",
        "file",
        "file_sha256",
        "discarded",
    ),
    HEAD: ("chain", "length", "hash"),
}


def _record(text: str) -> Record:
    if not text.endswith("\n"):
        raise ValueError("the line does not end")
    record: dict[str, Any] = json.loads(text)
    for name in _NEEDED[record["kind"]]:
        value = record[name]
        whole = name in ("first_sequence", "last_sequence", "length")
        if not (isinstance(value, int) if whole else name == "discarded" or value is None or isinstance(value, str)):
            raise ValueError(f"{name} is {type(value).__name__}")
    return record


def write_packed(path: Path, records: Iterable[Record]) -> None:
    """All or nothing: under another name first, then in one step, and on the disk when this returns."""
    partial = path.with_suffix(".partial")
    # No time and no name in the file: the same records are the same bytes.
    with partial.open("wb") as raw:
        with gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed:
            for record in records:
                packed.write(line(record).encode())
        raw.flush()
        os.fsync(raw.fileno())
    partial.chmod(0o600)
    partial.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
