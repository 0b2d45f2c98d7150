"""The chain of hashes, without a database: how an entry is hashed, and what is wrong with a sequence of them. Pure.

sql/trail.sql seals entries by the same rules; docs/audit.md tells them to whoever checks an export elsewhere.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

FIELDS: Final = (
    "previous_hash",
    "chain",
    "sequence",
    "id",
    "organization",
    "action",
    "actor",
    "actor_kind",
    "channel",
    "request_id",
    "correlation_id",
    "address",
    "user_agent",
    "target_type",
    "target_id",
    "target_name",
    "before",
    "after",
    "occurred_at",
)
"""In the order in which they are hashed, each as text; `before` and `after` are JSON as PostgreSQL writes it."""

Texts = Mapping[str, str | None]


def digest(entry: Texts) -> str:
    """The hash of an entry of which all `FIELDS` are texts or null."""
    return hashlib.sha256(b"".join(_field(name, entry[name]) for name in FIELDS)).hexdigest()


def _field(name: str, content: str | None) -> bytes:
    if content is None:
        return f"{name}:-:\n".encode()
    raw = content.encode("utf-8", "surrogatepass")
    return b"%s:%d:%s\n" % (name.encode(), len(raw), raw)


@dataclass(frozen=True, slots=True)
class Fault:
    """The first thing that is wrong with a chain; `entry` is the id of the entry it shows at, where there is one."""

    chain: str
    sequence: int
    what: str
    entry: str = ""

    def __str__(self) -> str:
        named = f", entry {self.entry}" if self.entry else ""
        return f"chain {self.chain}, number {self.sequence}{named}: {self.what}"


@dataclass(slots=True)
class Walk:
    """Goes along one chain, entry by entry and segment by segment, and stops believing at the first fault."""

    chain: str
    sequence: int = 0
    hash: str = ""
    fault: Fault | None = None

    def segment(self, first: int, last: int, previous_hash: str, last_hash: str) -> None:
        """What was moved to a file: taken for read, if it joins on to what comes before it."""
        if self.fault is not None:
            return
        if first != self.sequence + 1 or previous_hash != self.hash:
            self.fault = Fault(self.chain, first, "an archived segment does not follow what comes before it")
            return
        self.sequence, self.hash = last, last_hash

    def entry(self, entry: Texts, sealed: str | None) -> None:
        """`sealed` is the hash that stands beside the entry."""
        if self.fault is not None:
            return
        found = _number(entry["sequence"])
        name = str(entry["id"])
        expected = self.sequence + 1
        if found is None or sealed is None:
            self.fault = Fault(self.chain, expected, "it was never sealed", name)
        elif found > expected:
            missing = "1 entry is missing" if found == expected + 1 else f"{found - expected} entries are missing"
            self.fault = Fault(self.chain, expected, f"{missing} before number {found}", name)
        elif found < expected:
            self.fault = Fault(self.chain, found, "its number was used before", name)
        elif digest(entry) != sealed:
            self.fault = Fault(self.chain, found, "it was changed", name)
        elif entry["previous_hash"] != self.hash:
            self.fault = Fault(self.chain, found, "it does not follow the entry before it", name)
        else:
            self.sequence, self.hash = found, sealed

    def head(self, length: int, sealed: str) -> None:
        """Where the chain says that it ends."""
        if self.fault is not None:
            return
        if length > self.sequence:
            count = length - self.sequence
            missing = "the last entry is missing" if count == 1 else f"the last {count} entries are missing"
            self.fault = Fault(self.chain, self.sequence + 1, missing)
        elif length < self.sequence:
            self.fault = Fault(self.chain, self.sequence, f"the chain says that it ends at number {length}")
        elif sealed != self.hash:
            self.fault = Fault(self.chain, self.sequence, "the chain ends in another hash")

    def no_head(self) -> None:
        if self.fault is None:
            self.fault = Fault(self.chain, self.sequence, "the end of the chain is not on record")


def _number(text: Any) -> int | None:
    return int(text) if text is not None and str(text).isascii() and str(text).isdigit() else None
