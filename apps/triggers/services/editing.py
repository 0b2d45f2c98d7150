"""Making and changing triggers."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from itertools import chain, islice
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.permissions import Action
from apps.core.errors import NotFound
from apps.core.storable import problems_of as unstorable
from apps.core.trail import leave_trace
from apps.melodies.definition.expressions import ExpressionError, compile_condition, compile_template
from apps.melodies.definition.suggestions import suggest
from apps.melodies.models import Melody
from apps.melodies.permissions import require_for
from apps.melodies.queries import melody_for, version_of
from apps.triggers import mapping
from apps.triggers.errors import TriggerInvalid, TriggerNameTaken, TriggerNotActive, TriggerNotPaused
from apps.triggers.kinds import ENDS, TriggerKind, TriggerState
from apps.triggers.models import Trigger
from apps.triggers.schedules import ScheduleError, schedule
from apps.triggers.services.firing import OwnerGone, require_owner
from apps.triggers.services.room import require_room_for_trigger
from apps.triggers.services.standing import next_due

LARGEST: Final = 100_000
"""Bytes of JSON of `input`, and of `mapping`."""
LONGEST_EXPRESSION: Final = 5_000
MOST_ERRORS: Final = 100
"""Unknown names that are told at once."""

COMMON: Final = frozenset(
    {
        "name",
        "description",
        "version",
        "input",
        "mapping",
        "filter",
        "priority",
        "overlap",
        "concurrency_key",
        "debounce_seconds",
        "queue_limit",
    }
)
OF_KIND: Final[Mapping[str, frozenset[str]]] = {
    TriggerKind.MANUAL: frozenset(),
    TriggerKind.WEBHOOK: frozenset(),
    TriggerKind.EVENT: frozenset({"event_name"}),
    TriggerKind.CHAIN: frozenset({"source_melody", "source_statuses", "max_depth"}),
    TriggerKind.CRON: frozenset(
        {
            "cron",
            "timezone",
            "starts_at",
            "ends_at",
            "jitter_seconds",
            "misfire_policy",
            "misfire_grace_seconds",
            "misfire_limit",
        }
    ),
}
NEEDED: Final[Mapping[str, str]] = {
    TriggerKind.CRON: "cron",
    TriggerKind.EVENT: "event_name",
    TriggerKind.CHAIN: "source_melody",
}
_SHOWN: Final = {"event_name": "event"}
_HEARS: Final = frozenset({"event_name", "source_melody"})
_TIMES: Final = frozenset({"cron", "timezone", "starts_at", "ends_at"})


def create_trigger(*, actor: User, melody: Melody, kind: str, name: str, **options: Any) -> Trigger:
    """The actor is its owner: what it starts, they start. `source_melody` is an id."""
    require_for(actor=actor, melody=melody, action=Action.WRITE)
    given = _checked(actor, melody, kind, {"name": name, **options})
    if (needed := NEEDED.get(kind)) is not None and not given.get(needed):
        raise _lacking(kind, needed)
    trigger = Trigger(
        organization_id=melody.organization_id, melody=melody, kind=kind, owner=actor, created_by=actor, **given
    )
    if kind == TriggerKind.WEBHOOK:
        trigger.public_id = secrets.token_urlsafe(24)
    elif kind == TriggerKind.CHAIN and not trigger.source_statuses:
        trigger.source_statuses = ["completed"]
    trigger.next_due_at = _first_due(trigger, timezone.now())
    with transaction.atomic(), _one_of_each_name():
        require_room_for_trigger(trigger, is_new=True)
        trigger.save(force_insert=True)
        leave_trace(
            "trigger.created",
            actor=actor,
            organization=melody.organization,
            target=trigger,
            after={"kind": kind, "melody": str(melody.pk)},
        )
    return trigger


def update_trigger(*, actor: User, trigger: Trigger, **changes: Any) -> Trigger:
    """What is not named stays as it is. It is tried again at once, if it has failed before."""
    melody = trigger.melody
    require_for(actor=actor, melody=melody, action=Action.WRITE)
    _require_source(actor, trigger)
    given = _checked(actor, melody, trigger.kind, changes, trigger)
    needed = NEEDED.get(trigger.kind)
    if needed is not None and needed in given and not given[needed]:
        raise _lacking(trigger.kind, needed)
    before = {name: _told(getattr(trigger, name)) for name in given}
    for name, value in given.items():
        setattr(trigger, name, value)
    if trigger.kind == TriggerKind.CHAIN and not trigger.source_statuses:
        trigger.source_statuses = ["completed"]
    trigger.failures, trigger.backoff_until, trigger.last_error_code, trigger.last_error = 0, None, "", ""
    if _TIMES & given.keys() and trigger.state in (TriggerState.ACTIVE, TriggerState.ENDED):
        trigger.state = TriggerState.ACTIVE
        trigger.next_due_at = _first_due(trigger, timezone.now())
    with transaction.atomic(), _one_of_each_name():
        if _HEARS & given.keys():
            require_room_for_trigger(trigger, is_new=False)
        trigger.save()
        after = {name: _told(value) for name, value in given.items()}
        leave_trace(
            "trigger.changed",
            actor=actor,
            organization=melody.organization,
            target=trigger,
            before=before,
            after=after,
        )
    return trigger


def delete_trigger(*, actor: User, trigger: Trigger) -> None:
    """Its history goes with it; its runs stay."""
    require_for(actor=actor, melody=trigger.melody, action=Action.WRITE)
    with transaction.atomic():
        leave_trace("trigger.deleted", actor=actor, organization=trigger.melody.organization, target=trigger)
        # The database follows: firings of a busy trigger are many.
        Trigger.objects.filter(pk=trigger.pk)._raw_delete("default")  # noqa: SLF001 - as Django deletes what has no dependants


def pause_trigger(*, actor: User, trigger: Trigger, reason: str = "") -> Trigger:
    """It does not fire until it is resumed; what waits to start when it is looked at next is skipped."""
    _require_control(actor, trigger)
    if trigger.state != TriggerState.ACTIVE:
        raise TriggerNotActive(f"This trigger is {trigger.state} already.")
    trigger.state, trigger.state_reason, trigger.next_due_at = TriggerState.PAUSED, reason[:1000], None
    return _saved(actor, trigger, "paused", {"reason": reason} if reason else {})


def resume_trigger(*, actor: User, trigger: Trigger) -> Trigger:
    """It goes on from now: due times in between are not made up for (a backfill does that)."""
    _require_control(actor, trigger)
    if trigger.state == TriggerState.ACTIVE:
        raise TriggerNotPaused
    try:
        require_owner(trigger)
    except OwnerGone as error:
        raise TriggerNotActive(error.reason) from None
    trigger.state, trigger.state_reason = TriggerState.ACTIVE, ""
    trigger.failures, trigger.backoff_until, trigger.last_error_code, trigger.last_error = 0, None, "", ""
    trigger.next_due_at = _first_due(trigger, timezone.now())
    return _saved(actor, trigger, "resumed", {})


def take_over_trigger(*, actor: User, trigger: Trigger) -> Trigger:
    """From now on it starts runs as the actor."""
    require_for(actor=actor, melody=trigger.melody, action=Action.WRITE)
    _require_source(actor, trigger)
    before = trigger.owner_id
    trigger.owner = actor
    return _saved(actor, trigger, "taken_over", {"owner": str(actor.pk)}, {"owner": str(before)})


def _require_control(actor: User, trigger: Trigger) -> None:
    """Staff need no role in the organization; in the admin the database lets them see it."""
    if not actor.is_staff:
        require_for(actor=actor, melody=trigger.melody, action=Action.WRITE)


def _saved(
    actor: User, trigger: Trigger, happened: str, after: Mapping[str, Any], before: Mapping[str, Any] | None = None
) -> Trigger:
    with transaction.atomic():
        trigger.save()
        leave_trace(
            f"trigger.{happened}",
            actor=actor,
            organization=trigger.melody.organization,
            target=trigger,
            before=before,
            after=after,
        )
    return trigger


def _first_due(trigger: Trigger, now: datetime) -> datetime | None:
    """Ends a cron trigger that is never due again."""
    due = next_due(trigger, now)
    if due is None and trigger.kind == TriggerKind.CRON:
        trigger.state = TriggerState.ENDED
    return due


def _checked(
    actor: User, melody: Melody, kind: str, given: Mapping[str, Any], before: Trigger | None = None
) -> dict[str, Any]:
    """`given` as columns, if all of it can be."""
    if kind not in OF_KIND:
        raise _invalid("/kind", "invalid_choice", f"A kind is one of {', '.join(OF_KIND)}.")
    for name in given.keys() - COMMON - OF_KIND[kind]:
        raise _invalid(f"/{_SHOWN.get(name, name)}", "not_of_this_kind", f"A {kind} trigger has no such field.")
    values = dict(given)
    _check_expressions(values)
    for name in ("input", "mapping"):
        _check_storable(name, values.get(name))
    if values.get("version") is not None:
        try:
            version_of(melody, values["version"])
        except NotFound as error:
            raise _invalid("/version", "unknown_version", error.detail) from None
    if kind == TriggerKind.CRON:
        _check_times(values, before)
    if values.get("source_melody") is not None:
        values["source_melody"] = _source(actor, melody, values["source_melody"])
    if unknown := set(values.get("source_statuses") or ()) - set(ENDS):
        raise _invalid("/source_statuses", "invalid_choice", f"{min(unknown)!r} is none of {', '.join(ENDS)}.")
    if "source_statuses" in values:
        values["source_statuses"] = sorted(set(values["source_statuses"] or ()))
    return values


def _check_storable(name: str, value: Any) -> None:
    said = json.dumps(value)
    if len(said) > LARGEST:
        raise _invalid(f"/{name}", "too_large", f"It is larger than {LARGEST:,} bytes of JSON.")
    if problems := unstorable(value, f"/{name}", said):
        raise TriggerInvalid(f"`{name}` holds what cannot be stored.", errors=problems)


def _check_expressions(values: Mapping[str, Any]) -> None:
    for name, compiled in (
        ("mapping", compile_template),
        ("filter", compile_condition),
        ("concurrency_key", compile_template),
    ):
        value = values.get(name)
        if not value:
            continue
        if isinstance(value, str) and len(value) > LONGEST_EXPRESSION:
            raise _invalid(f"/{name}", "too_long", f"It is longer than {LONGEST_EXPRESSION:,} characters.")
        try:
            compiled(value)
        except ExpressionError as error:
            raise _invalid(f"/{name}{error.pointer}", "expression", str(error)) from None
        except RecursionError:
            raise _invalid(f"/{name}", "too_deep", "It nests too deep; flatten it.") from None
    _check_names(values)


def _check_names(values: Mapping[str, Any]) -> None:
    """A name that stands for nothing is null in every run: a typo would do something else than was meant, and say nothing."""
    found = chain(
        ((f"/mapping{place}", name) for place, name in mapping.unknown_names(values.get("mapping"))),
        (("/filter", name) for _, name in mapping.unknown_in_condition(values.get("filter") or "")),
        (("/concurrency_key", name) for _, name in mapping.unknown_names(values.get("concurrency_key"))),
    )
    errors = [_unknown_name(pointer, name) for pointer, name in islice(found, MOST_ERRORS)]
    if errors:
        raise TriggerInvalid(errors[0]["message"], errors=errors)


def _unknown_name(pointer: str, name: str) -> dict[str, str]:
    message = f"There is no {name[:80]!r} here; there are {', '.join(mapping.NAMES)}."
    error = {"code": "unknown_name", "message": message, "pointer": pointer}
    meant = suggest(name, mapping.NAMES)
    return error if meant is None else error | {"message": f"{message} Did you mean {meant!r}?", "suggestion": meant}


def _check_times(values: Mapping[str, Any], before: Trigger | None) -> None:
    def now(name: str, default: Any) -> Any:
        return values.get(name, default if before is None else getattr(before, name))

    starts_at, ends_at = now("starts_at", None), now("ends_at", None)
    if starts_at is not None and ends_at is not None and starts_at >= ends_at:
        raise _invalid("/ends_at", "range", "It must end after it starts.")
    if not (cron := now("cron", [])):
        return
    try:
        schedule(cron, now("timezone", "UTC"), starts_at, ends_at)
    except ScheduleError as error:
        place = "/timezone" if error.place is None and len(cron) <= 20 else "/cron"
        raise _invalid(place if error.place is None else f"/cron/{error.place}", "schedule", error.message) from None


def _require_source(actor: User, trigger: Trigger) -> None:
    """What the runs it follows left is in the hands of whoever says what it does with that."""
    if trigger.source_melody_id is not None:
        _source(actor, trigger.melody, trigger.source_melody_id)


def _source(actor: User, melody: Melody, source_id: UUID) -> Melody:
    try:
        source = melody_for(actor=actor, melody_id=source_id)
    except NotFound:
        raise _invalid("/source_melody", "unknown_melody", f"There is no melody {source_id} here.") from None
    if source.organization_id != melody.organization_id:
        raise _invalid("/source_melody", "elsewhere", "It belongs to another organization.")
    return source


@contextmanager
def _one_of_each_name() -> Iterator[None]:
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        if "trigger_name" not in str(error):
            raise
        raise TriggerNameTaken from None


def _told(value: Any) -> Any:
    """As it can stand in the trail: short, and in JSON."""
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value.pk) if isinstance(value, Melody) else value


def _lacking(kind: str, needed: str) -> TriggerInvalid:
    shown = _SHOWN.get(needed, needed)
    return _invalid(f"/{shown}", "required", f"A {kind} trigger needs `{shown}`.")


def _invalid(pointer: str, code: str, message: str) -> TriggerInvalid:
    return TriggerInvalid(message, errors=[{"code": code, "message": message, "pointer": pointer}])
