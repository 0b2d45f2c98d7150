"""Triggers of the row history: pghistory's, run as the owner of the tables.

Whoever changes a row needs no right on its history, and cannot write there in any other way. Unlike pgtrigger's own they
cannot be switched off by a setting of the session.
"""

from __future__ import annotations

import re
from typing import Any, Final

import pghistory
import pgtrigger
from django.db.migrations.state import ProjectState
from pghistory import trigger
from pgtrigger import compiler
from pgtrigger.migrations import AddTrigger

_TEMPLATE: Final = """
    CREATE OR REPLACE FUNCTION {pgid}() RETURNS TRIGGER AS $$
        BEGIN
            {func}
        END;
    $$ LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp;
    REVOKE ALL ON FUNCTION {pgid}() FROM PUBLIC;
    DROP TRIGGER IF EXISTS {pgid} ON {table};
    CREATE TRIGGER {pgid} {when} {operation} ON {table} FOR EACH {level} {condition} EXECUTE FUNCTION {pgid}();
    COMMENT ON TRIGGER {pgid} ON {table} IS '{hash}';
"""


class HistorySql(compiler.UpsertTriggerSql):
    """How such a trigger is made. Migrations refer to it: what it writes must stay as it is."""

    def get_template(self) -> str:
        return re.sub(r"\s+", " ", _TEMPLATE).strip()


class AddHistoryTrigger(AddTrigger):
    """As pgtrigger's own, in the tenth of the time: models need not be rendered anew for what no model shows."""

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        options = state.models[app_label, self.model_name.lower()].options
        options["triggers"] = [*options.get("triggers", []), self.trigger]


class HistoryTrigger(trigger.Event):
    def compile(self, model: Any) -> compiler.Trigger:
        plain = super().compile(model)
        return compiler.Trigger(name=plain.name, sql=HistorySql(**plain.sql.kwargs))


class _Recorded(pghistory.RowEvent):
    def add_event_trigger(self, event_model: Any) -> None:
        register = pgtrigger.register(
            HistoryTrigger(  # type: ignore[no-untyped-call]
                event_model=event_model,
                label=self.label,
                name=self.trigger_name,
                row=self.row,
                operation=self.operation,
                condition=self.condition,
                level=self.level,
            )
        )
        register(event_model.pgh_tracked_model)


class Created(_Recorded, pghistory.InsertEvent):
    label = "created"


class Changed(_Recorded, pghistory.UpdateEvent):
    label = "changed"


class Deleted(_Recorded, pghistory.DeleteEvent):
    label = "deleted"
