"""What a step may know of the document it stands in. Versions never change, so each is read once per process."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from apps.core.tenancy import working_for
from apps.melodies.models import MelodyVersion
from workers.steps.contract import Workflow

_ROOT_RULES = ("safety", "resource_limits", "environment")
"""Sections of the document a run began with that also hold for the melodies nested in it."""


def workflow_of(organization_id: str, version_id: str, root_id: str) -> Workflow:
    """The fields of a version's document; what the outermost document demands of its run overrides a nested one."""
    own = _workflow(organization_id, version_id)
    return own if version_id == root_id else _nested(organization_id, version_id, root_id)


@lru_cache(maxsize=512)
def _nested(organization_id: str, version_id: str, root_id: str) -> Workflow:
    own, root = _workflow(organization_id, version_id), _workflow(organization_id, root_id)
    rules = {name: {**own.section(name), **root.section(name)} for name in _ROOT_RULES}
    fields = {**own.fields, **{name: rule for name, rule in rules.items() if rule}}
    return Workflow(own.name, fields, organization_id, own.melody_id, root.project_id, version_id)


@lru_cache(maxsize=512)
def _workflow(organization_id: str, version_id: str) -> Workflow:
    with working_for(organization_id):
        version = MelodyVersion.objects.select_related("melody").defer("source").get(pk=version_id)
    document: Mapping[str, Any] = version.document.get("workflow", version.document)
    fields = {name: value for name, value in document.items() if name != "steps"}
    project = getattr(version.melody, "project_id", None)
    name = str(document.get("name", ""))
    return Workflow(name, fields, organization_id, str(version.melody_id), str(project or ""), version_id)


def forget() -> None:
    """Tests empty the database between them."""
    for cached in (_nested, _workflow):
        cached.cache_clear()


__all__ = ["forget", "workflow_of"]
