"""What a step may know of its document."""

from __future__ import annotations

import json

import pytest

from apps.accounts.models import User
from apps.accounts.queries import organization_for
from apps.core.tenancy import acting_as
from apps.melodies.services import create_melody
from workers.documents import forget, workflow_of

pytestmark = pytest.mark.django_db


def test_a_workflow_is_read_without_its_steps(alice: User) -> None:
    """Each slot keeps it, and there may be 50,000."""
    forget()
    workflow = {
        "name": "wide",
        "description": "many",
        "variables": {"a": 1},
        "steps": [{"name": "only", "type": "simulate", "seconds": 0}],
    }
    with acting_as(alice.pk):
        version = create_melody(
            actor=alice,
            organization=organization_for(actor=alice),
            source=json.dumps({"workflow": workflow}),
            media="json",
        )
    found = workflow_of(str(version.organization_id), str(version.pk), str(version.pk))
    assert found.name == "wide"
    assert found.fields == {name: value for name, value in workflow.items() if name != "steps"}
    assert (found.melody_id, found.version_id) == (str(version.melody_id), str(version.pk))
