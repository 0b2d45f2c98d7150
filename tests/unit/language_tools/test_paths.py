from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from apps.melodies.paths import LONGEST_PATH, PathError, normal_path


@pytest.mark.parametrize(
    ("written", "normal"),
    [
        ("review.yaml", "review.yaml"),
        ("pipelines/child.yaml", "pipelines/child.yaml"),
        ("./pipelines//child.yaml", "pipelines/child.yaml"),
        ("./a/../b.yaml", "b.yaml"),
        ("a/./b/../../c.yaml", "c.yaml"),
        ("mit Leerzeichen/ä.yaml", "mit Leerzeichen/ä.yaml"),
        ("a\u0308.yaml", "ä.yaml"),
        ("...yaml", "...yaml"),
    ],
)
def test_one_spelling(written: str, normal: str) -> None:
    assert normal_path(written) == normal


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("", "needs at least"),
        ("  ", "needs at least"),
        (" a.yaml", "space"),
        ("a.yaml\n", "space"),
        ("a\nb.yaml", "control"),
        ("a\0.yaml", "control"),
        ("/etc/passwd", "absolute"),
        ("~/a.yaml", "absolute"),
        ("C:/a.yaml", "absolute"),
        ("http://example.org/a.yaml", "absolute"),
        ("a\\b.yaml", "backslash"),
        ("../a.yaml", "leaves"),
        ("a/../../b.yaml", "leaves"),
        ("a/", "folder"),
        (".", "folder"),
        ("a/..", "folder"),
        ("a/.", "folder"),
        ("x" * (LONGEST_PATH + 1), "at most"),
    ],
)
def test_what_is_no_path(written: str, why: str) -> None:
    with pytest.raises(PathError, match=why):
        normal_path(written)


@example("./ :")
@example("./a:")
@given(st.text(alphabet="ab./\\~: \n\u0308", max_size=20))
def test_a_normal_path_is_normal_and_stays_inside(written: str) -> None:
    try:
        normal = normal_path(written)
    except PathError:
        return
    assert normal_path(normal) == normal
    assert not {"", ".", ".."} & set(normal.split("/"))
