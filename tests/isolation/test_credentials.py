"""Every route of the schema, asked by her whose it is with credentials that open less than she may.

Nothing is listed here but what is hers alone: a new route is walked on the day it is in the schema.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import pytest
from django.db import transaction
from rest_framework.test import APIClient

from apps.accounts import services as accounts
from apps.accounts.models import Organization, User
from symphony import roles
from tests.conftest import database_role
from tests.isolation.cast import Cast
from tests.isolation.filling import MARK
from tests.isolation.schema import Operation, operations
from tests.isolation.test_routes import Answer, ask, hers, known, streams

__all__ = ["hers", "known", "streams"]

pytestmark = pytest.mark.django_db(transaction=True)

# What a member may not and she may, for another reason than her role: operation and reason.
HERS_ALONE: Final[dict[str, str]] = {
    "comments_change": "she wrote it",
    "comments_delete": "she wrote it",
    "projects_access_take": "it is her own, and nobody is kept",
    "teams_remove_member": "it is her own, and nobody is kept",
}
Walk = Callable[[APIClient, Operation], Answer]


@pytest.fixture
def walk(hers: dict[str, dict[str, Any]], known: Callable[[str], Any]) -> Walk:
    """Asked, and undone."""

    def tried(client: APIClient, operation: Operation) -> Answer:
        with transaction.atomic():
            answer = ask(client, operation, hers[operation.path], known)
            transaction.set_rollback(True)
        return answer

    return tried


def client_with(user: User, scopes: Sequence[str], organization: Organization | None = None) -> APIClient:
    _, secret = accounts.create_token(actor=user, name="few", scopes=list(scopes), organization=organization)
    return APIClient(raise_request_exception=False, headers={"Authorization": f"Token {secret}"})


def private_operations() -> list[Operation]:
    return [operation for operation in operations() if not operation.is_public]


def test_scopes_keep_out_of_what_they_do_not_name(cast: Cast, walk: Walk) -> None:
    """To read is not to write; and to write is not to do what her role as an owner alone lets her do."""
    member = accounts.create_user(email="member@example.org", password=None)
    accounts.add_member(actor=cast.alice, organization=cast.organization, user=member, role="member")
    reading, writing = client_with(cast.alice, ["read"]), client_with(cast.alice, ["write"])
    full = client_with(member, [])
    wrong = {}
    with database_role(roles.GROUPS["web"]):
        for operation in private_operations():
            if not operation.writes:
                continue
            if (answer := walk(reading, operation)).status != 403:
                wrong[f"{operation.id} with read"] = answer
            if operation.id in HERS_ALONE or walk(full, operation).status != 403:
                continue
            if (answer := walk(writing, operation)).status != 403:
                wrong[f"{operation.id} with write"] = answer
    assert not wrong, "\n".join(f"{name}: {said}" for name, said in wrong.items())


def test_a_token_of_one_organization_sees_nothing_of_another(cast: Cast, walk: Walk) -> None:
    with cast.seeing_everything():
        home = Organization.objects.get(owner_user=cast.alice, is_personal=True)
        elsewhere = {str(cast.organization.pk), cast.organization.slug, MARK}
    bound = client_with(cast.alice, [], home)
    wrong = {}
    with database_role(roles.GROUPS["web"]):
        for operation in private_operations():
            answer = walk(bound, operation)
            named = "{" in operation.path and answer.status < 300 and operation.id != "users_retrieve"
            if (
                answer.status >= 500
                or named
                or (answer.status < 300 and any(each in answer.text for each in elsewhere))
            ):
                wrong[operation.id] = answer
    assert not wrong, "\n".join(f"{name}: {said}" for name, said in wrong.items())
