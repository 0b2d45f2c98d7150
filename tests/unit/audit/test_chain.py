"""The chain without a database: whatever is done to it is found."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.audit.chain import FIELDS, digest
from apps.audit.records import Record, Unreadable, check, line, read, sha256_of, write_packed

CHAIN = "00000000-0000-0000-0000-000000000001"


def whole(length: int, chain: str = CHAIN) -> list[dict[str, Any]]:
    records: list[dict[str, Any]] = []
    previous = ""
    for number in range(1, length + 1):
        entry: dict[str, Any] = dict.fromkeys(FIELDS, "") | {
            "previous_hash": previous,
            "chain": chain,
            "sequence": str(number),
            "id": f"{chain}-{number}",
            "action": "melody.published",
            "actor": None,
            "after": '{"name": "Ōsaka"}',
        }
        previous = digest(entry)
        records.append({"kind": "entry", **entry, "hash": previous})
    return [*records, {"kind": "head", "chain": chain, "length": length, "hash": previous}]


def first_fault(records: list[dict[str, Any]]) -> str:
    report = check(records)
    assert report.broken == len(report.faults) == 1
    return str(report.faults[0])


def test_a_known_entry_has_a_known_hash() -> None:
    """docs/audit.md promises this form to whoever verifies elsewhere: it must never change."""
    entry = dict.fromkeys(FIELDS, "x") | {"actor": None, "target_name": "Ōsaka"}
    assert digest(entry) == "c08a8bd612690ced06321cf176b5df9e2c10bec62bb2c0a66cc0232c8ea2c319"


def test_a_whole_chain_is_whole() -> None:
    report = check([*whole(3), *whole(2, "00000000-0000-0000-0000-000000000002")])
    assert (report.chains, report.entries, report.broken) == (2, 5, 0)


@given(st.sampled_from(FIELDS), st.integers(0, 3), st.none() | st.text(max_size=5))
def test_any_change_of_any_field_is_found(field: str, index: int, value: str | None) -> None:
    records = whole(4)
    if records[index][field] == value or field == "chain":
        return
    records[index][field] = value
    assert check(records).broken == 1


@given(st.text(max_size=6), st.text(max_size=6), st.integers(0, 6))
def test_text_cannot_move_from_one_field_to_the_next(left: str, right: str, at: int) -> None:
    entry = dict.fromkeys(FIELDS, "")
    together = left + right
    moved = entry | {"action": together[:at], "actor": together[at:]}
    before = entry | {"action": left, "actor": right}
    assert (digest(moved) == digest(before)) == (moved == before)


def hashed_anew(records: list[dict[str, Any]]) -> None:
    records[1]["action"] = "melody.deleted"
    records[1]["hash"] = digest(records[1])


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        (lambda records: records.pop(1), "1 entry is missing before number 3"),
        (lambda records: records.pop(3), "the last entry is missing"),
        (lambda records: (records.pop(2), records.pop(2)), "the last 2 entries are missing"),
        (lambda records: records.insert(2, records[1]), "its number was used before"),
        (lambda records: records.insert(0, records.pop(1)), "1 entry is missing before number 2"),
        (lambda records: records[1].update(action="nothing.happened"), "number 2, entry"),
        (hashed_anew, "number 3, entry"),
        (lambda records: records[2].update(hash=None), "it was never sealed"),
        (lambda records: records.pop(), "the end of the chain is not on record"),
        (lambda records: records[-1].update(length=3), "the chain says that it ends at number 3"),
        (lambda records: records[-1].update(hash="0" * 64), "the chain ends in another hash"),
    ],
)
def test_harm_is_named_where_it_shows(harm: Callable[[list[dict[str, Any]]], Any], told: str) -> None:
    records = whole(4)
    harm(records)
    assert told in first_fault(records)


def test_many_broken_chains_are_counted_and_some_named() -> None:
    records = [record for number in range(30) for record in whole(2, f"{number:08d}")[1:]]
    report = check(records)
    assert (report.broken, len(report.faults)) == (30, 20)


def cut(records: list[dict[str, Any]], folder: Path, at: int) -> list[dict[str, Any]]:
    """The first entries in a file, as an archive does it."""
    path = folder / "segment.jsonl.gz"
    write_packed(path, records[:at])
    segment = {
        "kind": "segment",
        "chain": CHAIN,
        "first_sequence": 1,
        "last_sequence": at,
        "previous_hash": "",
        "last_hash": records[at - 1]["hash"],
        "file": path.name,
        "file_sha256": sha256_of(path),
        "discarded": False,
    }
    return [segment, *records[at:]]


def test_a_chain_stays_whole_across_a_cut(tmp_path: Path) -> None:
    records = cut(whole(5), tmp_path, 3)
    assert check(records).broken == 0
    report = check(records, lambda segment: read(tmp_path / segment["file"]))
    assert (report.broken, report.archived, report.entries) == (0, 3, 2)


def test_another_segment_does_not_fit(tmp_path: Path) -> None:
    records = cut(whole(5), tmp_path, 3)
    records[0]["last_hash"] = "0" * 64
    assert "number 4" in first_fault(records)
    records = cut(whole(5), tmp_path, 3)
    records[0]["first_sequence"] = 2
    assert "does not follow" in first_fault(records)


def test_a_changed_file_is_found_when_it_is_read(tmp_path: Path) -> None:
    records = cut(whole(5), tmp_path, 3)

    def opened(segment: Record) -> Iterator[Record]:
        for entry in read(tmp_path / segment["file"]):
            yield {**entry, "address": "192.0.2.1"}

    report = check(records, opened)
    assert "it was changed" in str(report.faults[0])


def test_files_are_read_line_by_line_and_said_where_they_are_broken(tmp_path: Path) -> None:
    path = tmp_path / "export.jsonl"
    path.write_text("".join(map(line, whole(2))), encoding="utf-8")
    assert check(read(path)).entries == 2
    for broken in (
        '{"kind": "entry"}\n',
        "[]\n",
        "no JSON\n",
        '{"kind": "else"}\n',
        '{"kind":"head","chain":1,"length":2,"hash":""}\n',
        "cut",
    ):
        path.write_text(line(whole(1)[0]) + broken, encoding="utf-8")
        with pytest.raises(Unreadable, match=r"export\.jsonl, line 2"):
            check(read(path))
    packed = tmp_path / "cut.jsonl.gz"
    packed.write_bytes(gzip.compress(line(whole(1)[0]).encode() * 100)[:-20])
    with pytest.raises(Unreadable):
        list(read(packed))


def test_the_same_records_are_the_same_file(tmp_path: Path) -> None:
    write_packed(tmp_path / "a.jsonl.gz", whole(3))
    write_packed(tmp_path / "b.jsonl.gz", whole(3))
    assert sha256_of(tmp_path / "a.jsonl.gz") == sha256_of(tmp_path / "b.jsonl.gz")
    assert [path.name for path in tmp_path.glob("*.partial")] == []
