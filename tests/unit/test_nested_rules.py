"""What a document demands holds for the melodies nested in it as well."""

from __future__ import annotations

from typing import Any

import pytest

from workers import documents
from workers.contract import Workflow
from workers.rules import both
from workers.steps.files.rules import rules_of

OUTER = {"allowed_paths": ["reports/public"], "allowed_domains": ["example.com"], "allow_network": True}


@pytest.mark.parametrize(
    ("inner", "expected"),
    [
        ({"restrict_file_access": False}, ["reports/public"]),
        ({"restrict_file_access": False, "allowed_paths": ["/"]}, ["reports/public"]),
        ({"allowed_paths": ["reports/public", "elsewhere"]}, ["reports/public"]),
        ({"allowed_paths": ["elsewhere"]}, []),
    ],
)
def test_an_inner_document_widens_nothing(inner: dict[str, Any], expected: list[str]) -> None:
    demanded = both(OUTER, inner)
    assert demanded["allowed_paths"] == expected
    assert demanded.get("restrict_file_access") is not False


def test_what_the_outer_document_switched_off_holds_for_the_inner_alone() -> None:
    outer = {"restrict_file_access": False, "allowed_paths": ["a"]}
    assert both(outer, {"allowed_paths": ["b"]}) == {"allowed_paths": ["b"]}


@pytest.mark.parametrize("folder", ["./workspace", "reports", "reports/public"])
def test_nor_by_another_name_for_the_workspace(monkeypatch: pytest.MonkeyPatch, folder: str) -> None:
    known = {
        "inner": Workflow("inner", {"workspace_dir": folder}, "o", "m1", "", "inner"),
        "root": Workflow("root", {"safety": OUTER}, "o", "m2", "", "root"),
    }
    monkeypatch.setattr(documents, "_workflow", lambda _organization, version, _age: known[version])
    nested = documents.workflow_of("o", "inner", "root")
    documents._nested.cache_clear()
    assert rules_of(nested).allowed == (("reports", "public"),)
