"""Alice's organization with something of everything in it, and those who look at it from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from apps.accounts import services as accounts
from apps.accounts.models import Organization, User
from apps.core.tenancy import acting_as, local_setting, staff, sweeping, working_for
from apps.executions.services import start_execution
from apps.melodies.services import create_melody
from tests.apps.executions.conftest import Player
from tests.isolation.filling import MARK, Filling
from tests.isolation.tables import rows_about, rows_of, tenant_tables

_MELODY = {
    "workflow": {
        "name": f"{MARK} melody",
        "description": MARK,
        "mode": "dag",
        "steps": [
            {"name": "first", "type": "test_echo", "value": MARK},
            {"name": "judged", "type": "test_echo", "value": 2, "depends_on": ["first"]},
            {"name": "told", "type": "test_echo", "value": 3, "depends_on": ["first"]},
        ],
    }
}


@dataclass(slots=True)
class Cast:
    """`alice` owns `organization`, `viewer` may look at it, `stranger` (of an organization of his own) may not."""

    alice: User
    viewer: User
    stranger: User
    organization: Organization
    elsewhere: Organization
    filling: Filling
    empty: dict[str, str] = field(default_factory=dict)
    """Tenant tables that nothing could be put into, with the reason."""

    @contextmanager
    def seeing_everything(self) -> Iterator[None]:
        """As the owner of the tables with every key there is."""
        audit = local_setting("app.audit", "writing")
        with acting_as(self.alice.pk), staff(), sweeping(), working_for(self.organization.pk), audit:
            yield

    def ids(self) -> set[str]:
        """What a row of hers names: her organizations, herself."""
        with self.seeing_everything():
            homes = Organization.objects.filter(owner_user=self.alice).values_list("pk", flat=True)
            return {str(self.alice.pk), str(self.organization.pk), *map(str, homes)}

    def private_ids(self) -> set[str]:
        """The keys of the rows about her: who reads one of them has seen something. Not of people: others know them."""
        ids = sorted(self.ids())
        with self.seeing_everything():
            keys = {row[name] for table in tenant_tables() for row in rows_of(table, ids) for name in table.key}
        return {key for key in keys if isinstance(key, str) and len(key) == 36} - self.people()

    def people(self) -> set[str]:
        return {str(each.pk) for each in (self.alice, self.viewer, self.stranger)}

    def rows(self) -> Any:
        """Every row about her, to be compared with later."""
        ids = self.ids()
        with self.seeing_everything():
            return rows_about(ids)


def assemble() -> Cast:
    alice, viewer, stranger = (
        accounts.create_user(email=f"{name}@example.org", password=None, display_name=name.title())
        for name in ("alice", "viewer", "stranger")
    )
    User.objects.filter(pk=alice.pk).update(username="alice")
    alice.refresh_from_db()
    organization = accounts.create_organization(actor=alice, name=f"{MARK} orchestra")
    elsewhere = accounts.create_organization(actor=stranger, name="Elsewhere")
    accounts.add_member(actor=alice, organization=organization, user=viewer, role="viewer")
    cast = Cast(alice, viewer, stranger, organization, elsewhere, Filling(alice, organization))
    _play(cast)
    with cast.seeing_everything():
        cast.empty = cast.filling.everything(table.name for table in tenant_tables())
    return cast


def _play(cast: Cast) -> None:
    """A run with an artifact, one step that waits for a decision and one for a signal."""
    with acting_as(cast.alice.pk):
        version = create_melody(
            actor=cast.alice, organization=cast.organization, source=json.dumps(_MELODY), media="json"
        )
    with acting_as(cast.alice.pk):
        execution = start_execution(actor=cast.alice, melody=version.melody, input={"about": MARK})
    player = Player(execution)
    first = player.claim(player.task_ids("dispatched")[0])
    player.finish(first, output=MARK, artifacts=[player.artifact(f"{MARK}.txt", MARK.encode(), "text/plain")])
    player.ask("judged")
    player.listen("told")
