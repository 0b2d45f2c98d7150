"""What a step may know of the document it stands in. Versions never change, so what is read is kept for a while."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from time import monotonic
from typing import Any

from django.db.models import JSONField
from django.db.models.expressions import RawSQL

from apps.core.tenancy import working_for
from apps.melodies.models import MelodyVersion
from apps.projects.queries import variables_for_run
from workers.contract import Workflow
from workers.rules import both

_RULES = ("safety", "resource_limits")
"""Sections in which the document a run began with and a melody nested in it both hold."""
_FRESH_SECONDS = 30.0
_ALL_BUT_STEPS = RawSQL("coalesce(document -> 'workflow', document) - 'steps'", [], output_field=JSONField())
"""There may be 50,000 steps, and each slot that reads them holds them all for a moment."""


def workflow_of(organization_id: str, version_id: str, root_id: str) -> Workflow:
    """The fields of a version's document, bound by those of the document its run began with."""
    age = int(monotonic() // _FRESH_SECONDS)
    own = _workflow(organization_id, version_id, age)
    return own if version_id == root_id else _nested(organization_id, version_id, root_id, age)


@lru_cache(maxsize=512)
def _nested(organization_id: str, version_id: str, root_id: str, age: int) -> Workflow:
    own, root = _workflow(organization_id, version_id, age), _workflow(organization_id, root_id, age)
    sections = {name: both(root.section(name), own.section(name)) for name in _RULES}
    sections["environment"] = {**own.section("environment"), **root.section("environment")}
    fields = {**own.fields, **{name: section for name, section in sections.items() if section}}
    if root.section("safety").keys() & {"allowed_paths", "read_only_paths"}:
        # Paths are read relative to it: another one would make others of those the outer document allows.
        fields["workspace_dir"] = root.fields.get("workspace_dir")
    return Workflow(own.name, fields, organization_id, own.melody_id, root.project_id, version_id)


@lru_cache(maxsize=512)
def _workflow(organization_id: str, version_id: str, age: int) -> Workflow:
    """`age` makes it be read anew now and then: a melody may move to another project."""
    with working_for(organization_id):
        fields, melody_id, project_id = (
            MelodyVersion.objects.annotate(fields=_ALL_BUT_STEPS)
            .values_list("fields", "melody_id", "melody__project_id")
            .get(pk=version_id)
        )
    return Workflow(
        str(fields.get("name", "")), fields, organization_id, str(melody_id), str(project_id or ""), version_id
    )


def project_variables(organization_id: str, project_id: str) -> Mapping[str, Any]:
    """What the project gives all its runs; empty without a project."""
    if not project_id:
        return {}
    return _project_variables(organization_id, project_id, int(monotonic() // _FRESH_SECONDS))


@lru_cache(maxsize=256)
def _project_variables(organization_id: str, project_id: str, age: int) -> Mapping[str, Any]:
    with working_for(organization_id):
        return variables_for_run(project_id)


def forget() -> None:
    """Tests empty the database between them."""
    for cached in (_nested, _workflow, _project_variables):
        cached.cache_clear()


__all__ = ["forget", "project_variables", "workflow_of"]
