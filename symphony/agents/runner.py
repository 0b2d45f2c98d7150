"""The runner: makes deployments what they are wanted to be, one pass after the other, in the thread that started it.

Any number of runners may run; each takes rows that nobody holds, and renews its leases with each pass. When a runner ends,
its processes end with it, and another starts them again.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass, field
from datetime import timedelta
from time import monotonic
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import Error, connection
from django.utils import timezone

from apps.agents.models import Deployment, Desired, Health
from apps.agents.queries import snapshot_of
from apps.agents.services.running import let_go, note_facts, note_status, take_deployments
from apps.agents.snapshots import SnapshotBrokenError
from apps.agents.states import DEPLOYMENT_HELD, DeploymentStatus
from workers.agents.keys import deployment_key
from workers.agents.runtime import Handle, Launch, LaunchRefusedError, Runtime

logger = logging.getLogger(__name__)

MOST_FAILURES: Final = 5
"""In a row; then a deployment is given up until somebody restarts it."""
STEADY_SECONDS: Final = 60.0
"""A process that lived so long did not fail at its start: the count begins anew."""
START_SECONDS: Final = 60.0
UNHEALTHY: Final = 3


@dataclass(slots=True)
class Held:
    """A process of ours."""

    handle: Handle
    began: float = field(default_factory=monotonic)
    checked: float = 0.0
    unhealthy: int = 0
    logs: str = ""


class Runner:
    """`lease` must be longer than a pass can take, stopping a process included."""

    def __init__(
        self, runtime: Runtime, name: str, *, lease: float = 60.0, health_seconds: float = 5.0, backoff: float = 1.0
    ) -> None:
        self._runtime = runtime
        self._name = name
        self._lease = timedelta(seconds=lease)
        self._health_seconds = health_seconds
        self._backoff = backoff
        self.held: dict[UUID, Held] = {}

    def run_until(self, stop: threading.Event, *, pause: float = 0.5) -> None:
        """Passes until told to stop; then everything of ours is stopped."""
        try:
            while not stop.wait(pause):
                try:
                    self.pass_once()
                except (Error, OSError) as error:
                    logger.warning("this pass of the runner failed, the next will try again: %s", error)
                    connection.close_if_unusable_or_obsolete()
        finally:
            self.close()

    def pass_once(self) -> None:
        rows = take_deployments(
            runner=self._name,
            runtime=self._runtime.name,
            lease=self._lease,
            room=settings.SYMPHONY_AGENT_PROCESSES,
        )
        ours = {row.pk for row in rows}
        for lost in [key for key in self.held if key not in ours]:
            # Our lease ran out, and somebody else has it or may have it.
            self.held.pop(lost).handle.stop()
        for row in rows:
            self._reconcile(row, DeploymentStatus(row.status), self.held.get(row.pk))

    def close(self) -> None:
        """What is wanted is left to be started by another runner."""
        for key, held in list(self.held.items()):
            held.handle.stop()
            try:
                self._note(key, DeploymentStatus.STOPPING)
                self._note(key, DeploymentStatus.STOPPED, logs=held.handle.logs())
                let_go(runner=self._name, deployment_ids=[key])
            except Error as error:
                logger.warning("the end of %s could not be recorded: %s", held.handle.id, error)
        self.held.clear()

    def _reconcile(self, row: Deployment, status: DeploymentStatus, held: Held | None) -> None:
        if held is not None:
            self._tend(row, status, held)
        elif status in DEPLOYMENT_HELD:
            self._orphan(row, status)
        elif row.desired == Desired.STOPPED:
            if status in (DeploymentStatus.PENDING, DeploymentStatus.CRASHED):
                self._note(row.pk, DeploymentStatus.STOPPED)
        elif status in (DeploymentStatus.STOPPED, DeploymentStatus.FAILED):
            self._note(row.pk, DeploymentStatus.PENDING, restart_requested=False, failures_in_a_row=0, error_message="")
        elif status is DeploymentStatus.PENDING or self._is_due(row):
            self._start(row, again=status is DeploymentStatus.CRASHED)

    def _is_due(self, row: Deployment) -> bool:
        if row.restart_requested:
            return True
        if row.failures_in_a_row >= MOST_FAILURES:
            self._note(row.pk, DeploymentStatus.FAILED)
            return False
        return row.next_start_at is None or row.next_start_at <= timezone.now()

    def _orphan(self, row: Deployment, status: DeploymentStatus) -> None:
        """Its runner has ended, and its process with it."""
        if status is DeploymentStatus.STOPPING:
            self._note(row.pk, DeploymentStatus.STOPPED)
        else:
            self._note(row.pk, DeploymentStatus.CRASHED, error_message="Its runner has ended.", next_start_at=None)

    def _start(self, row: Deployment, *, again: bool) -> None:
        counted = {"restart_count": row.restart_count + 1} if again or row.started_at is not None else {}
        self._note(row.pk, DeploymentStatus.STARTING, restart_requested=False, **counted)
        try:
            handle = self._runtime.start(self._launch(row))
        except (LaunchRefusedError, SnapshotBrokenError) as error:
            self._note(row.pk, DeploymentStatus.FAILED, error_message=str(error))
            return
        self.held[row.pk] = Held(handle)
        note_facts(runner=self._name, deployment_id=row.pk, container_id=handle.id)

    def _launch(self, row: Deployment) -> Launch:
        config = snapshot_of(row.version).config
        resources, limits = row.agent.resources, row.agent.resource_limits
        return Launch(
            name=str(row.pk),
            graph=str(config.get("graph") or ""),
            allowed=settings.SYMPHONY_AGENT_MODULES,
            key=deployment_key(row),
            cpu=min(resources.cpu_limit, limits.get("cpu_limit", resources.cpu_limit)),
            memory_mb=min(resources.memory_limit_mb, limits.get("memory_limit_mb", resources.memory_limit_mb)),
            recursion_limit=config.get("recursion_limit"),
        )

    def _tend(self, row: Deployment, status: DeploymentStatus, held: Held) -> None:
        ended = held.handle.exit_status()
        if ended is not None:
            self._gone(row, held, ended)
        elif row.desired == Desired.STOPPED or row.restart_requested:
            self._stop(row.pk, status, held)
        elif status is DeploymentStatus.STARTING:
            self._await(row, held)
        else:
            self._look(row, held)

    def _await(self, row: Deployment, held: Held) -> None:
        if held.handle.is_healthy():
            self._note(
                row.pk,
                DeploymentStatus.RUNNING,
                address=held.handle.address,
                container_id=held.handle.id,
                health=Health.HEALTHY,
                health_checked_at=timezone.now(),
                error_message="",
            )
            held.checked = monotonic()
        elif monotonic() - held.began > START_SECONDS:
            held.handle.stop()
            self._gone(row, held, f"it did not answer within {START_SECONDS:g} seconds")

    def _look(self, row: Deployment, held: Held) -> None:
        if monotonic() - held.checked < self._health_seconds:
            return
        held.checked = monotonic()
        well = held.handle.is_healthy()
        held.unhealthy = 0 if well else held.unhealthy + 1
        if held.unhealthy >= UNHEALTHY:
            held.handle.stop()
            self._gone(row, held, f"it did not answer {UNHEALTHY} times")
            return
        facts: dict[str, object] = {
            "health": Health.HEALTHY if well else Health.UNHEALTHY,
            "health_checked_at": timezone.now(),
        }
        logs = held.handle.logs()
        if logs != held.logs:
            facts["logs"] = held.logs = logs
        note_facts(runner=self._name, deployment_id=row.pk, **facts)

    def _stop(self, key: UUID, status: DeploymentStatus, held: Held) -> None:
        if status is not DeploymentStatus.STOPPING:
            self._note(key, DeploymentStatus.STOPPING)
        held.handle.stop()
        del self.held[key]
        self._note(key, DeploymentStatus.STOPPED, logs=held.handle.logs())

    def _gone(self, row: Deployment, held: Held, why: str) -> None:
        held.handle.stop()
        del self.held[row.pk]
        logs = held.handle.logs()
        if row.status == DeploymentStatus.STOPPING:
            self._note(row.pk, DeploymentStatus.STOPPED, logs=logs)
            return
        told = f"The process is gone: {why}."
        if held.handle.is_hopeless and row.status == DeploymentStatus.STARTING:
            self._note(row.pk, DeploymentStatus.FAILED, error_message=told, logs=logs)
            return
        failures = 1 if monotonic() - held.began > STEADY_SECONDS else row.failures_in_a_row + 1
        wait = min(self._backoff * 2 ** (failures - 1), 60.0)
        self._note(
            row.pk,
            DeploymentStatus.CRASHED,
            error_message=told,
            failures_in_a_row=failures,
            next_start_at=timezone.now() + timedelta(seconds=wait),
            logs=logs,
        )

    def _note(self, key: UUID, status: DeploymentStatus, **fields: object) -> None:
        if not note_status(runner=self._name, deployment_id=key, status=status, **fields):
            logger.warning("deployment %s is held by another runner by now", key)


__all__ = ["Held", "Runner"]
