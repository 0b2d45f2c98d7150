"""Publish and start one document; print seconds and peak memory as JSON. `python -m benchmarks.inside.large FILE`."""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from django.db import transaction

from apps.accounts.models import User
from apps.accounts.queries import organization_for
from apps.core.tenancy import acting_as, staff
from apps.executions.services import start_execution
from apps.melodies.definition.kinds import known_kinds
from apps.melodies.models import MelodyVersion
from apps.melodies.services import check_document, create_melody
from workers.compiler.plan import compile_plan

Result = TypeVar("Result")

_SMALL = b"workflow: {name: warm-up, steps: [{name: only, type: simulate}]}"


def main(path: Path) -> dict[str, float]:
    """`publish` is parse, validate, plan and store together; the peak is of publish and start alone."""
    source = path.read_bytes()
    with transaction.atomic(), staff():
        actor = User.objects.earliest("created_at")
    _started(actor, _published(actor, _SMALL))  # connections, imports, prepared statements: a web process is warm
    publish, version = _timed(lambda: _published(actor, source))
    start, _ = _timed(lambda: _started(actor, version))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    parse, definition = _timed(lambda: check_document(source, "yaml"))
    plan, _ = _timed(lambda: compile_plan(definition, known_kinds()))
    return {"publish": publish, "start": start, "peak": peak, "parse": parse, "plan": plan}


def _published(actor: User, source: bytes) -> MelodyVersion:
    with acting_as(actor.pk):
        return create_melody(actor=actor, organization=organization_for(actor=actor), source=source, media="yaml")


def _started(actor: User, version: MelodyVersion) -> None:
    """Until its first steps are in the broker."""
    with acting_as(actor.pk):
        start_execution(actor=actor, melody=version.melody, version=version)


def _timed(call: Callable[[], Result]) -> tuple[float, Result]:
    began = time.perf_counter()
    result = call()
    return time.perf_counter() - began, result


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
