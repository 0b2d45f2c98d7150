"""An engine that stays for all tests of a module: one worker, one sweep, many melodies side by side.

Each test looks at runs of its own, so nothing has to be cleaned up between them; the module's last test is followed by a
flush, as after any test whose data was committed.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
from django.conf import settings
from django.db import connections
from pytest_django import DjangoDbBlocker

from apps.accounts import services as accounts
from apps.accounts.models import Membership, Organization, User
from apps.accounts.queries import organization_for
from apps.core.tenancy import acting_as, staff
from apps.executions import approvals, signals
from apps.executions.services import start_execution
from apps.melodies.models import MelodyVersion
from apps.melodies.services import create_melody, publish_version
from symphony import roles
from tests import emptying
from tests.brokers import new_broker
from tests.conftest import Servers, child_environ, temporary_home
from tests.engine import Engine, Run, sending_to
from workers import workspaces


@dataclass(slots=True, repr=False)
class Stage:
    """The engine, and the melodies that were published on it.

    Files may be read below `readable`; `project`, a folder in it, comes first where a path is relative.
    """

    engine: Engine
    user: User
    organization: Organization
    readable: Path
    project: Path
    published: dict[str, MelodyVersion] = field(default_factory=dict)
    """By the path they were published under, or that of their file."""

    def publish(
        self, source: bytes, *, media: Literal["yaml", "json"] = "yaml", path: str | None = None
    ) -> MelodyVersion:
        with acting_as(self.user.pk):
            version = create_melody(
                actor=self.user, organization=self.organization, source=source, media=media, path=path
            )
        if path is not None:
            self.published[path] = version
        return version

    def publish_again(self, before: MelodyVersion, source: bytes) -> MelodyVersion:
        """The next version of a melody that was published in JSON."""
        with acting_as(self.user.pk):
            return publish_version(actor=self.user, melody=before.melody, source=source, media="json")

    def version_of(self, file: Path) -> MelodyVersion:
        """The version of a melody's file, published when it is first asked for."""
        known = self.published.get(str(file))
        if known is None:
            known = self.published[str(file)] = self.publish(file.read_bytes())
        return known

    def start(self, version: MelodyVersion, given: Mapping[str, Any], files: Mapping[str, str] | None = None) -> Run:
        """A run whose workspace holds these texts from the beginning: nothing is sent before they are there."""
        with acting_as(self.user.pk):
            execution = start_execution(actor=self.user, melody=version.melody, version=version, input=given)
            for path, text in (files or {}).items():
                there = workspaces.of(str(execution.pk)) / path
                there.parent.mkdir(parents=True, exist_ok=True)
                there.write_text(text, encoding="utf-8")
        return Run(self.engine, execution.pk)

    def tell(self, run: Run, name: str, payload: Any) -> None:
        """A signal from outside."""
        with acting_as(self.user.pk):
            signals.send(actor=self.user, execution=run.execution(), name=name, payload=payload)

    def decide(self, run: Run, step: str, decision: str, comment: str, who: User | None = None) -> None:
        """What somebody (the one who started everything, unless another is named) says to a waiting step."""
        actor = who or self.user
        with acting_as(actor.pk):
            approvals.decide(actor=actor, task=run.task(step), decision=decision, comment=comment)

    def colleague(self, name: str, role: str) -> User:
        """Somebody else of the organization."""
        user = accounts.create_user(email=f"{name}@example.org", password=None, display_name=name.title())
        with staff():
            Membership.objects.create(organization=self.organization, user=user, role=role)
        return user

    def play(self, file: Path, given: Mapping[str, Any]) -> Run:
        return self.start(self.version_of(file), given)


WINDOW = 8
"""Runs that are under way at once: each has at most three steps at work at the same time."""

Script = Callable[[Stage, Run], None]
"""What people and other systems do while a run goes on."""


@contextmanager
def committed(blocker: DjangoDbBlocker) -> Iterator[None]:
    """What is written in the block is there for other processes, and gone afterwards."""
    with blocker.unblock():
        try:
            yield
        finally:
            emptying.empty()
            connections.close_all()


@contextmanager
def folders(home: Path) -> Iterator[None]:
    """Artifacts and workspaces below this folder."""
    before = settings.SYMPHONY_ARTIFACT_DIR, settings.SYMPHONY_WORKSPACE_DIR
    settings.SYMPHONY_ARTIFACT_DIR, settings.SYMPHONY_WORKSPACE_DIR = home / "artifacts", home / "workspaces"
    try:
        yield
    finally:
        settings.SYMPHONY_ARTIFACT_DIR, settings.SYMPHONY_WORKSPACE_DIR = before


@contextmanager
def staged(
    servers: Servers, urls: roles.DatabaseUrls, blocker: DjangoDbBlocker, home: Path, **variables: str
) -> Iterator[Stage]:
    """The stage, ready; `variables` are in the environment of its processes."""
    readable = home / "readable"
    project = readable / "project"
    project.mkdir(parents=True)
    with committed(blocker), folders(home), temporary_home() as broker_home:
        broker = new_broker(broker_home)
        user = accounts.create_user(email="stage@example.org", password=None, display_name="Stage")
        environ = child_environ(servers, urls, home)
        more = {
            "SYMPHONY_SWEEP_SECONDS": "0.05",
            "SYMPHONY_READABLE_ROOTS": f"{project}{os.pathsep}{readable}",
            "SYMPHONY_MODEL_PROVIDERS": "mock",
            **variables,
        }
        engine = Engine(user, environ, home, broker, more)
        try:
            with acting_as(user.pk):
                organization = organization_for(actor=user)
            with sending_to(broker.url):
                engine.sweep()
                engine.worker("stage", pool="threads", slots=24)
                yield Stage(engine, user, organization, readable, project)
        finally:
            engine.stop()
            broker.close()


@dataclass(slots=True)
class Ahead:
    """Starts runs a little ahead of the tests that look at them: side by side, but not more than there are slots for."""

    order: list[str]
    start: Callable[[str], Run]
    runs: dict[str, Run] = field(default_factory=dict)

    def run(self, name: str) -> Run:
        place = self.order.index(name)
        for soon in self.order[place : place + WINDOW]:
            if soon not in self.runs:
                self.runs[soon] = self.start(soon)
        return self.runs[name]


def asked_for(request: pytest.FixtureRequest) -> list[str]:
    """The ids of the parameters this session was asked for, in their order."""
    return [item.callspec.id for item in request.session.items if hasattr(item, "callspec")]


# -- what is told from outside -----------------------------------------------------------------------------------------
def told(*acts: Script) -> Script:
    """One act after the other."""

    def script(stage: Stage, run: Run) -> None:
        for act in acts:
            act(stage, run)

    return script


def tell(name: str, payload: Any = None) -> Script:
    return lambda stage, run: stage.tell(run, name, payload)


def decide(step: str, decision: str, comment: str = "") -> Script:
    return lambda stage, run: stage.decide(run, step, decision, comment)


def until_waiting(step: str) -> Script:
    """Until the step waits for somebody."""

    def waits(seen: Run) -> bool:
        return any(task.name == step and task.status == "waiting" for task in seen.tasks())

    return lambda _, run: run.wait_for(waits, f"{step} waits")


def until_over(step: str, count: int = 1) -> Script:
    """Until so many tasks of the step have ended."""

    def act(_: Stage, run: Run) -> None:
        def over(seen: Run) -> bool:
            return sum(1 for task in seen.tasks() if task.name == step and task.completed_at is not None) >= count

        run.wait_for(over, f"{count} of {step} are over")

    return act


__all__ = [
    "Ahead",
    "Script",
    "Stage",
    "asked_for",
    "committed",
    "decide",
    "folders",
    "staged",
    "tell",
    "told",
    "until_over",
    "until_waiting",
]
