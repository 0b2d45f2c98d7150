"""To be included under `api/v1/`."""

from __future__ import annotations

from apps.core.api.routes import route
from apps.triggers.api.events import EventListView, EventView
from apps.triggers.api.hooks import HookView, RotateSecretView
from apps.triggers.api.schedules import (
    BackfillCancelView,
    BackfillListView,
    BackfillView,
    PreviewView,
    SchedulePreviewView,
)
from apps.triggers.api.views import (
    FireView,
    FiringListView,
    FiringView,
    MelodyTriggersView,
    PauseTriggerView,
    ResumeTriggerView,
    TakeOverView,
    TriggerFiringsView,
    TriggerListView,
    TriggerView,
)

urlpatterns = [
    *route("melodies/<uuid:melody_id>/triggers/", MelodyTriggersView, "melody-triggers"),
    *route("triggers/", TriggerListView, "triggers"),
    *route("triggers/preview/", SchedulePreviewView, "schedule-preview"),
    *route("triggers/<uuid:trigger_id>/", TriggerView, "trigger"),
    *route("triggers/<uuid:trigger_id>/pause/", PauseTriggerView, "trigger-pause"),
    *route("triggers/<uuid:trigger_id>/resume/", ResumeTriggerView, "trigger-resume"),
    *route("triggers/<uuid:trigger_id>/take-over/", TakeOverView, "trigger-take-over"),
    *route("triggers/<uuid:trigger_id>/fire/", FireView, "trigger-fire"),
    *route("triggers/<uuid:trigger_id>/firings/", TriggerFiringsView, "trigger-firings"),
    *route("triggers/<uuid:trigger_id>/preview/", PreviewView, "trigger-preview"),
    *route("triggers/<uuid:trigger_id>/backfills/", BackfillListView, "trigger-backfills"),
    *route("triggers/<uuid:trigger_id>/rotate-secret/", RotateSecretView, "trigger-rotate-secret"),
    *route("firings/", FiringListView, "firings"),
    *route("firings/<uuid:firing_id>/", FiringView, "firing"),
    *route("backfills/<uuid:backfill_id>/", BackfillView, "backfill"),
    *route("backfills/<uuid:backfill_id>/cancel/", BackfillCancelView, "backfill-cancel"),
    *route("events/", EventListView, "events"),
    *route("events/<uuid:named_event_id>/", EventView, "event"),
    *route("hooks/<slug:public_id>/", HookView, "hook"),
]
