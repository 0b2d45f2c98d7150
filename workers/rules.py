"""What a document demands of its run, when melodies are nested: both hold, so the stricter of the two. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def both(outer: Mapping[str, Any], inner: Mapping[str, Any]) -> dict[str, Any]:
    """A section (`safety`, `resource_limits`) of two documents, one running inside the other."""
    outer, inner = _meant(outer), _meant(inner)
    return {
        name: _stricter(name, outer[name], inner[name])
        if name in outer and name in inner
        else outer.get(name, inner.get(name))
        for name in {**inner, **outer}
    }


def _meant(section: Mapping[str, Any]) -> Mapping[str, Any]:
    """Without the list a document has switched off: its flag must not switch off the other's."""
    if section.get("restrict_file_access") is not False:
        return section
    return {name: value for name, value in section.items() if name not in ("restrict_file_access", "allowed_paths")}


def _stricter(name: str, outer: Any, inner: Any) -> Any:
    """The lower number; fewer things allowed, more things blocked; the flag that restricts. Else the outer one."""
    if isinstance(outer, bool) and isinstance(inner, bool):
        return outer and inner if name.startswith("allow_") else outer or inner
    if isinstance(outer, int | float) and isinstance(inner, int | float):
        return min(outer, inner)
    if isinstance(outer, list) and isinstance(inner, list):
        common = [item for item in outer if item in inner]
        return common if name.startswith("allowed_") else [*outer, *(item for item in inner if item not in outer)]
    return outer
