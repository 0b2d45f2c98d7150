"""Which objects a config can name: those of allowed modules, by no way round."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from workers.agents.allowed import NotAllowedError, find_graph

PACKAGE = "allowed_for_this_test"


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A package that imports others, as packages do."""
    there = tmp_path / PACKAGE
    there.mkdir()
    (there / "__init__.py").write_text("import os\nfrom . import inner\n_hidden = graph = object()\n")
    (there / "inner.py").write_text("import subprocess\nclass Holder:\n    graph = 7\n")
    (there / "__main__.py").write_text("raise RuntimeError('this has run')\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield PACKAGE
    for name in [name for name in sys.modules if name.split(".")[0] == PACKAGE]:
        del sys.modules[name]


def test_what_it_holds_is_found(package: str) -> None:
    assert find_graph(f"{package}.inner:Holder.graph", [package]) == 7
    assert find_graph(f"{package}:graph", [package]) is sys.modules[package].graph


@pytest.mark.parametrize(
    "name",
    [
        "{}:os.system",
        "{}:os.path.join",
        "{}.inner:subprocess.run",
        "{}:inner.Holder",
        "{}:_hidden",
        "{}:graph.__class__",
        "{}.__main__:graph",
        "{}.os:system",
        "{}_not:graph",
        "os:system",
        ".{}:graph",
        "{}..inner:Holder",
        "{}/../os:system",
        "{}:graph\n",
        "{}",
        "",
    ],
)
def test_there_is_no_way_round(package: str, name: str) -> None:
    with pytest.raises(NotAllowedError):
        find_graph(name.format(package), [package])
