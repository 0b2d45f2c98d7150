"""Versions: published by people, archived and deleted by the sweep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Window
from django.db.models.functions import RowNumber
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.permissions import Action
from apps.agents.errors import VersionNotGreater
from apps.agents.models import LARGEST_PART, Agent, AgentVersion, AgentVersionUse, Deployment
from apps.agents.services import checking
from apps.agents.snapshots import Snapshot, pack
from apps.core.semver import Bump, NoVersionError, Semver
from apps.core.tenancy import sweeping
from apps.core.trail import leave_trace
from apps.projects.permissions import require_in

KEPT: Final = 10
"""How many of an agent's versions are kept as they are."""
KEPT_FOR: Final = timedelta(days=365)
"""How long an archived version is kept that nothing uses."""
_BATCH: Final = 200


def publish_version(
    *,
    actor: User,
    agent: Agent,
    config: Mapping[str, Any],
    source: str = "",
    change_summary: str = "",
    number: str | None = None,
    bump: Bump = "patch",
) -> AgentVersion:
    """The next version: `number`, which must be greater than the latest, or the latest with a part raised. Equal to the
    latest, and without a number, it publishes nothing and returns that."""
    require_in(actor=actor, organization=agent.organization, project=agent.project, action=Action.WRITE)
    snapshot = checking.snapshot(agent.framework, agent.agent_type, config, source)
    with transaction.atomic():
        locked = Agent.objects.select_for_update().get(pk=agent.pk)
        latest = AgentVersion.objects.filter(agent=locked).first()
        if latest is not None and number is None and latest.sha256 == snapshot.sha256:
            return latest
        following = _following(Semver.parse(locked.version), number, bump)
        version = _store(actor, locked, following, snapshot, change_summary)
        before, locked.version = locked.version, str(following)
        locked.save(update_fields=["version", "updated_at"])
        agent.version, agent.updated_at = locked.version, locked.updated_at
        leave_trace(
            "agent.version_published",
            actor=actor,
            organization=agent.organization,
            target=agent,
            before={"version": before},
            after={"version": locked.version, "sha256": version.sha256, "change_summary": change_summary},
        )
    return version


def _store(actor: User, agent: Agent, number: Semver, snapshot: Snapshot, change_summary: str) -> AgentVersion:
    return AgentVersion.objects.create(
        organization_id=agent.organization_id,
        agent=agent,
        major=number.major,
        minor=number.minor,
        patch=number.patch,
        config=snapshot.config,
        source=snapshot.source,
        sha256=snapshot.sha256,
        change_summary=change_summary,
        created_by=actor,
    )


def _following(latest: Semver, number: str | None, bump: Bump) -> Semver:
    try:
        following = (
            latest.next(bump, largest=LARGEST_PART) if number is None else Semver.parse(number, largest=LARGEST_PART)
        )
    except NoVersionError as error:
        raise _refused("invalid", str(error)) from None
    if following <= latest:
        raise _refused("version_not_greater", f"The latest version is {latest}; {following} is not greater.")
    return following


def _refused(code: str, message: str) -> VersionNotGreater:
    return VersionNotGreater(message, errors=[{"code": code, "message": message, "pointer": "/version"}])


@dataclass(frozen=True, slots=True)
class Tidied:
    """How many versions were archived and how many deleted."""

    archived: int
    deleted: int


def tidy_versions(*, now: datetime | None = None) -> Tidied:
    """For the sweep, of all organizations: pack what is beyond the last ten versions of its agent, and delete what was
    packed more than a year after it was made. What a deployment or a recorded run uses stays as it is; so does the latest.
    """
    moment = now or timezone.now()
    with sweeping():
        deleted, _ = _unused().filter(archived_at__isnull=False, created_at__lt=moment - KEPT_FOR).delete()
    archived = 0
    while True:
        with sweeping():
            packed = _archive_some(moment)
        archived += packed
        if packed < _BATCH:
            return Tidied(archived, deleted)


def _archive_some(moment: datetime) -> int:
    ranked = AgentVersion.objects.annotate(
        place=Window(
            RowNumber(), partition_by=F("agent_id"), order_by=[F("major").desc(), F("minor").desc(), F("patch").desc()]
        )
    )
    beyond = list(
        ranked.filter(place__gt=KEPT, archived_at=None).order_by("pk").values_list("pk", flat=True)[: _BATCH * 5]
    )
    rows = _unused().select_for_update(skip_locked=True, of=("self",)).filter(pk__in=beyond, archived_at=None)[:_BATCH]
    count = 0
    for version in rows:
        AgentVersion.objects.filter(pk=version.pk).update(
            config={}, source="", archived_at=moment, archive=pack(Snapshot(version.config, version.source))
        )
        count += 1
    return count


def _unused() -> QuerySet[AgentVersion]:
    """Versions that no deployment and no recorded run refers to."""
    used = Q(Exists(Deployment.objects.filter(version=OuterRef("pk"))))
    run = Q(Exists(AgentVersionUse.objects.filter(version=OuterRef("pk"))))
    return AgentVersion.objects.filter(~used, ~run)
