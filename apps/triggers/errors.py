"""What can go wrong with triggers."""

from __future__ import annotations

from apps.core.errors import Conflict, Invalid, NotFound, TooMany


class TriggerNotFound(NotFound):
    """There is no such trigger, or it is not yours to see."""

    code = "trigger_not_found"


class FiringNotFound(NotFound):
    """There is no such firing, or it is not yours to see."""

    code = "firing_not_found"


class BackfillNotFound(NotFound):
    """There is no such backfill, or it is not yours to see."""

    code = "backfill_not_found"


class EventNotFound(NotFound):
    """There is no such event, or it is not yours to see."""

    code = "event_not_found"


class HookNotFound(NotFound):
    """There is no such hook, or the delivery is not signed as it must be: see the documentation of triggers."""

    code = "hook_not_found"


class TriggerInvalid(Invalid):
    """This is no trigger; `errors` says where and why."""

    code = "trigger_invalid"


class TriggerNameTaken(Conflict):
    """This melody has a trigger of this name already; choose another."""

    code = "trigger_name_taken"


class TriggerNotActive(Conflict):
    """This trigger does not fire now; resume it first."""

    code = "trigger_not_active"


class TriggerNotPaused(Conflict):
    """This trigger is active already."""

    code = "trigger_active"


class NotOfThisKind(Conflict):
    """A trigger of this kind cannot do that."""

    code = "wrong_kind"


class TooManyTimes(Invalid):
    """This backfill would be too large; choose a shorter range."""

    code = "too_many_times"


class TooManyTriggers(Invalid):
    """There are as many triggers as there may be; delete some that are not needed any more."""

    code = "too_many_triggers"


class TooManyBackfills(TooMany):
    """As many backfills of this organization are running as may; wait for one of them, or cancel one."""

    code = "too_many_backfills"


class BackfillOver(Conflict):
    """This backfill has ended already."""

    code = "backfill_over"


class HookTooFast(TooMany):
    """This hook was called too often; wait a while before the next delivery."""

    code = "hook_rate_limited"


class OccasionsTooFast(TooMany):
    """This organization was told too much in too short a time; wait a while before the next delivery or event."""

    code = "occasions_rate_limited"


class TooManyWaiting(TooMany):
    """Too many firings of this organization wait to be started already; send it again when some of them have been."""

    code = "too_many_waiting"
