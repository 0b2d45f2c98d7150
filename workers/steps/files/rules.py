"""What a document allows its steps to do with files: `safety` and `resource_limits` of the workflow.

The workspace is the only place that can be reached in any case; these rules narrow it further.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workers.contract import StepFailed, Workflow

Parts = tuple[str, ...]

_MEGABYTE = 1 << 20
_USUAL_WORKSPACE = "./workspace"


@dataclass(frozen=True, slots=True)
class Rules:
    """Folders and files, as paths in the workspace. `allowed` is None when everything is; `most_bytes` bounds all files
    of the workspace together."""

    allowed: tuple[Parts, ...] | None = None
    read_only: tuple[Parts, ...] = ()
    most_bytes: int | None = None

    def below(self, folder: Parts) -> Rules:
        """The same rules, for paths that start in a folder of the workspace."""
        return Rules(
            None if self.allowed is None else _from(self.allowed, folder),
            _from(self.read_only, folder),
            self.most_bytes,
        )

    def may_see(self, parts: Parts) -> bool:
        """Whether a path may appear in a list: it is allowed, or on the way to something that is."""
        return self.allowed is None or any(_inside(parts, place) or _inside(place, parts) for place in self.allowed)

    def check_read(self, parts: Parts) -> None:
        """Refuse to read what the document does not allow."""
        if self.allowed is not None and not any(_inside(parts, place) for place in self.allowed):
            raise StepFailed(
                f"{_shown(parts)} is not among the workflow's safety.allowed_paths; add it there, or use another path",
                code="path_not_allowed",
                final=True,
            )

    def check_write(self, parts: Parts, *, whole: bool = False) -> None:
        """Refuse to change what the document keeps. `whole` means that everything below is changed as well."""
        self.check_read(parts)
        if any(_inside(parts, place) or (whole and _inside(place, parts)) for place in self.read_only):
            message = f"{_shown(parts)} is among the workflow's safety.read_only_paths, or holds one of them"
            raise StepFailed(message, code="path_read_only", final=True)


FREE = Rules()


def rules_of(workflow: Workflow) -> Rules:
    """The rules a document writes down. `restrict_file_access: false` switches `allowed_paths` off."""
    safety = workflow.section("safety")
    workspace = str(workflow.fields.get("workspace_dir") or _USUAL_WORKSPACE)
    allowed = safety.get("allowed_paths")
    if safety.get("restrict_file_access") is False or not isinstance(allowed, list):
        allowed = None
    read_only = safety.get("read_only_paths")
    return Rules(
        None if allowed is None else _places(allowed, workspace),
        _places(read_only, workspace) if isinstance(read_only, list) else (),
        _bytes(workflow.section("resource_limits")),
    )


def _bytes(limits: Mapping[str, Any]) -> int | None:
    megabytes = limits.get("max_workspace_size_mb")
    if isinstance(megabytes, bool) or not isinstance(megabytes, int | float):
        return None
    return int(megabytes * _MEGABYTE)


def _places(written: list[Any], workspace: str) -> tuple[Parts, ...]:
    """Paths in the workspace; its own name at their start is left out. Those outside are left out: nothing leads there."""
    return tuple(place for text in written if (place := _place(str(text), workspace)) is not None)


def _place(text: str, workspace: str) -> Parts | None:
    parts, root = _split(text), _split(workspace)
    if text.startswith("/") == workspace.startswith("/") and parts[: len(root)] == root:
        return parts[len(root) :]
    return None if text.startswith("/") or ".." in parts else parts


def _split(text: str) -> Parts:
    parts = [part for part in text.split("/") if part not in ("", ".")]
    while parts and parts[-1] in ("*", "**"):
        parts.pop()
    return tuple(parts)


def _from(places: tuple[Parts, ...], folder: Parts) -> tuple[Parts, ...]:
    found = (place[len(folder) :] if _inside(place, folder) else () for place in places if _related(place, folder))
    return tuple(found)


def _related(place: Parts, folder: Parts) -> bool:
    return _inside(place, folder) or _inside(folder, place)


def _inside(parts: Parts, folder: Parts) -> bool:
    return parts[: len(folder)] == folder


def _shown(parts: Parts) -> str:
    return repr("/".join(parts) or ".")
