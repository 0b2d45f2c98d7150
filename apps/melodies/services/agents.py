"""Workflows of agents, which are melodies, and melodies that were workflows of n8n."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db import transaction

from apps.accounts.models import Organization, User
from apps.accounts.permissions import Action
from apps.agents.models import Agent
from apps.core.trail import leave_trace
from apps.melodies.definition.kinds import known_kinds
from apps.melodies.definition.n8n import Imported, Issue, import_workflow
from apps.melodies.errors import AgentElsewhere, N8nRefused
from apps.melodies.models import CreationSource, Melody, MelodyStep, MelodyVersion
from apps.melodies.permissions import require_at, require_for
from apps.melodies.services.documents import Media, create_melody
from apps.melodies.services.rows import import_document
from apps.projects.models import Project

MOST_ERRORS: Final = 200


@dataclass(frozen=True, slots=True)
class ImportedMelody:
    """`issues` are what did not come over, or came over changed."""

    version: MelodyVersion
    issues: Sequence[Issue]


def create_workflow(
    *, actor: User, agent: Agent, source: str | bytes, media: Media, path: str | None = None, **more: Any
) -> MelodyVersion:
    """A melody of the agent, in the agent's organization and project."""
    with transaction.atomic():
        version = create_melody(
            actor=actor,
            organization=agent.organization,
            source=source,
            media=media,
            path=path,
            project=agent.project,
            **more,
        )
        assign_agent(actor=actor, melody=version.melody, agent=agent)
    return version


def assign_agent(*, actor: User, melody: Melody, agent: Agent | None) -> Melody:
    """Give a melody to an agent, or (None) to nobody but its organization."""
    require_for(actor=actor, melody=melody, action=Action.WRITE)
    if agent is not None and agent.organization_id != melody.organization_id:
        message = "The agent belongs to another organization than the melody."
        raise AgentElsewhere(message, errors=[{"code": "agent_elsewhere", "message": message, "pointer": "/agent"}])
    if agent is not None:
        require_at(actor=actor, organization=agent.organization, project=agent.project, action=Action.WRITE)
    before = melody.agent_id
    melody.agent = agent
    with transaction.atomic():
        melody.save(update_fields=["agent", "updated_at"])
        leave_trace(
            "melody.agent_assigned",
            actor=actor,
            organization=melody.organization,
            target=melody,
            before={"agent": None if before is None else str(before)},
            after={"agent": None if agent is None else str(agent.pk)},
        )
    return melody


def read_n8n(source: str | bytes, *, strict: bool) -> Imported:
    """What would become of a workflow; keeps nothing."""
    return import_workflow(source, known_kinds(), strict=strict)


def import_n8n(
    *,
    actor: User,
    organization: Organization,
    source: str | bytes,
    strict: bool = False,
    path: str | None = None,
    project: Project | None = None,
    agent: Agent | None = None,
) -> ImportedMelody:
    """A melody of a workflow of n8n, with its places on the canvas. Raises `N8nRefused` where none can be made; in strict
    mode, where not all of it comes over."""
    require_at(actor=actor, organization=organization, project=project, action=Action.WRITE)
    imported = read_n8n(source, strict=strict)
    if imported.document is None:
        errors = [issue for issue in imported.issues if issue.severity == "error"]
        raise N8nRefused(
            f"The workflow cannot be imported: {len(errors)} problem{'s' if len(errors) != 1 else ''}.",
            errors=[_problem(issue) for issue in errors[:MOST_ERRORS]],
        )
    document = json.dumps(imported.document, ensure_ascii=False)
    common = {"source": document, "media": "json", "path": path, "creation_source": CreationSource.IMPORTED}
    with transaction.atomic():
        if agent is not None:
            version = create_workflow(actor=actor, agent=agent, **common)  # type: ignore[arg-type]
        else:
            version = create_melody(actor=actor, organization=organization, project=project, **common)  # type: ignore[arg-type]
        _place(actor, version, imported.positions)
    return ImportedMelody(version, imported.issues)


def _place(actor: User, version: MelodyVersion, positions: Mapping[str, tuple[float, float]]) -> None:
    import_document(actor=actor, melody=version.melody, version=version)
    rows = list(MelodyStep.objects.filter(melody=version.melody_id, name__in=list(positions)))
    for row in rows:
        row.position_x, row.position_y = positions[row.name]
    MelodyStep.objects.bulk_update(rows, ["position_x", "position_y"], batch_size=500)


def _problem(issue: Issue) -> dict[str, Any]:
    told = f"{issue.node}: {issue.message}" if issue.node else issue.message
    return {"code": issue.code, "message": told, "pointer": ""}


__all__ = ["ImportedMelody", "assign_agent", "create_workflow", "import_n8n", "read_n8n"]
