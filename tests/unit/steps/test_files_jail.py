"""Nothing leads out of the workspace: real links, pipes and devices."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any

import pytest

from workers.contract import StepContext, StepFailed
from workers.steps.files.jail import Jail, parts_of

SECRET = "the secret of somebody else"


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "secret.txt").write_text(SECRET)
    return folder


@pytest.fixture
def trap(workspace: Path, outside: Path) -> Path:
    """A workspace in which somebody has laid links."""
    (workspace / "good.txt").write_text("good")
    (workspace / "folder").mkdir()
    (workspace / "folder" / "inner.txt").write_text("inner")
    (workspace / "file_link").symlink_to(outside / "secret.txt")
    (workspace / "folder_link").symlink_to(outside)
    (workspace / "root_link").symlink_to("/")
    (workspace / "up_link").symlink_to("..")
    (workspace / "inner_link").symlink_to("good.txt")
    (workspace / "dangling").symlink_to(outside / "new.txt")
    (workspace / "loop").symlink_to("loop")
    os.mkfifo(workspace / "pipe")
    return workspace


HOSTILE = [
    "/etc/passwd",
    "//etc/passwd",
    "../outside/secret.txt",
    "folder/../../outside/secret.txt",
    "folder/..",
    "./../outside/secret.txt",
    "file_link",
    "folder_link/secret.txt",
    "folder_link/../outside/secret.txt",
    "root_link/etc/passwd",
    "up_link/outside/secret.txt",
    "inner_link",
    "dangling",
    "loop",
    "loop/x",
    "good.txt/x",
    "pipe",
    "a\0b",
    "x" * 300,
    "a/" * 100,
    "\ud800",
    "",
    ".",
]


def operations_on(path: str) -> list[dict[str, Any]]:
    """Every operation that could touch a path."""
    return [
        {"operation": "read", "path": path},
        {"operation": "write", "path": path, "content": "overwritten"},
        {"operation": "copy", "source": path, "destination": "copied/"},
        {"operation": "copy", "source": "good.txt", "destination": path},
        {"operation": "stream_copy", "source": path, "destination": "copied.txt"},
        {"operation": "stream_copy", "source": "good.txt", "destination": path},
        {"operation": "stream_process", "source": path, "processor": "uppercase"},
        {"operation": "stream_process", "source": "good.txt", "destination": path, "processor": "uppercase"},
        {"operation": "convert", "source": path, "destination": "x.json", "format": "yaml_to_json"},
        {"operation": "convert", "source": "good.txt", "destination": path, "format": "yaml_to_json"},
        {"operation": "move", "source": path, "destination": "moved"},
        {"operation": "delete", "path": path},
        {"operation": "list", "path": path},
        {"operation": "validate", "files": [{"path": path, "must_contain": SECRET}]},
    ]


@pytest.mark.parametrize("path", HOSTILE)
def test_hostile_paths_are_refused_by_every_operation(run: Any, trap: Path, outside: Path, path: str) -> None:
    """`.` may be listed and the workspace may be a copy's destination folder; everything else is an error."""
    (trap / "." / "copied").mkdir()
    for operation in operations_on(path):
        if path == "." and (operation["operation"] == "list" or operation.get("destination") == "."):
            continue
        with pytest.raises(StepFailed) as caught:
            run("file_ops", **operation)
        assert SECRET not in str(caught.value) or "does not contain" in str(caught.value), operation
    assert sorted(item.name for item in outside.iterdir()) == ["secret.txt"]
    assert (outside / "secret.txt").read_text() == SECRET
    assert not (trap / "x.json").exists()


def test_walking_never_follows_links(run: Any, trap: Path) -> None:
    listed = run("file_ops", operation="list", path=".", recursive=True)
    assert listed["files"] == ["folder", "folder/inner.txt", "good.txt"]
    copied = run("file_ops", operation="copy", source="**/*", destination="copies/")
    assert copied["files"] == ["copies/inner.txt", "copies/good.txt"]
    (trap / "folder" / "link").symlink_to("inner.txt")
    with pytest.raises(StepFailed, match="cannot be copied"):
        run("file_ops", operation="copy", source="folder", destination="tree")


def test_deleting_a_folder_spares_what_its_links_point_to(run: Any, trap: Path, outside: Path) -> None:
    (trap / "folder" / "out").symlink_to(outside)
    assert run("file_ops", operation="delete", path="folder")["status"] == "completed"
    assert not (trap / "folder").exists()
    assert (outside / "secret.txt").read_text() == SECRET


def test_a_file_can_take_the_place_of_a_link_only_by_deleting_it_first(run: Any, trap: Path, outside: Path) -> None:
    with pytest.raises(StepFailed, match="symbolic link"):
        run("file_ops", operation="write", path="dangling", content="x")
    assert not (outside / "new.txt").exists()


def test_a_link_laid_between_check_and_use_is_not_followed(trap: Path, outside: Path) -> None:
    """A folder is swapped for a link again and again while it is read and written: never a byte from outside."""
    real, link, name = trap / "real", trap / "link", trap / "swap"
    real.mkdir()
    (real / "secret.txt").write_text("inside")
    link.symlink_to(outside)
    stop = threading.Event()

    def swap() -> None:
        while not stop.is_set():
            for target in (link, real):
                temporary = trap / f"swapping-{target.name}"
                target.rename(temporary)
                try:
                    temporary.rename(name)
                    name.rename(target)
                except OSError:
                    temporary.rename(target)

    thread = threading.Thread(target=swap)
    thread.start()
    seen: set[str] = set()
    try:
        with Jail(trap) as jail:
            for number in range(3000):
                try:
                    seen.add(jail.read(parts_of("swap/secret.txt"), 1000).decode())
                    jail.write(parts_of(f"swap/{number}.txt"), b"written")
                except StepFailed:
                    continue
    finally:
        stop.set()
        thread.join()
    assert seen <= {"inside"}
    assert sorted(item.name for item in outside.iterdir()) == ["secret.txt"]


def test_devices_are_refused_without_opening_them(run: Any, trap: Path) -> None:
    """A pipe nobody writes to would block its reader for ever."""
    with pytest.raises(StepFailed, match=r"not a regular file|pipe"):
        run("file_ops", operation="read", path="pipe")
    with pytest.raises(StepFailed, match="pipe"):
        run("file_ops", operation="write", path="pipe", content="x")


def test_the_workspace_itself_may_lie_behind_a_link(tmp_path: Path, context: StepContext, run: Any) -> None:
    (tmp_path / "alias").symlink_to(context.workspace)
    context.workspace = tmp_path / "alias"
    assert run("file_ops", operation="write", path="a", content="x")["bytes"] == 1


def test_nothing_is_left_behind_by_a_failed_write(run: Any, workspace: Path) -> None:
    (workspace / "bad.txt").write_bytes(b"ok\n\xff\xfe\n")
    with pytest.raises(StepFailed, match="UTF-8"):
        run("file_ops", operation="stream_process", source="bad.txt", processor="uppercase")
    assert [item.name for item in workspace.iterdir()] == ["bad.txt"]
    assert (workspace / "bad.txt").read_bytes() == b"ok\n\xff\xfe\n"


def test_no_descriptors_leak(run: Any, trap: Path) -> None:
    before = sum(1 for _ in Path("/proc/self/fd").iterdir())
    for path in HOSTILE:
        for operation in operations_on(path):
            try:
                run("file_ops", **operation)
            except StepFailed:
                continue
    assert sum(1 for _ in Path("/proc/self/fd").iterdir()) == before
