from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from apps.accounts import services
from apps.accounts.models import Organization, User
from apps.audit.models import HISTORIES, AuditEntry, rows_of
from apps.core.tenancy import staff
from apps.core.trail import leave_trace
from tests.apps.audit.kinds import NumQueries

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(web_role: None) -> Client:
    """A support person, on the database role of the web."""
    person = services.create_user(email="support@example.org", password=None, is_staff=True, is_superuser=True)
    client = Client()
    client.force_login(person)
    return client


def test_the_trail_is_searched_and_never_written(
    desk: Client, alice: User, orchestra: Organization, django_assert_max_num_queries: NumQueries
) -> None:
    for _ in range(5):
        leave_trace("score.changed", actor=alice, organization=orchestra, after={"key": "<b>d</b>"})
    address = reverse("admin:audit_auditentry_changelist")
    desk.get(address)
    with django_assert_max_num_queries(14):
        page = desk.get(address, {"q": "score.changed"}).content.decode()
    assert page.count("Orchestra") >= 5
    found = desk.get(address, {"q": "alice@example.org"})
    assert "score.changed" in found.content.decode()
    with staff():
        entry = AuditEntry.objects.filter(action="score.changed")[0]
    change = reverse("admin:audit_auditentry_change", args=[entry.pk])
    assert "&lt;b&gt;d" in desk.get(change).content.decode()
    assert desk.post(change, {"action": "x"}).status_code == 403
    assert desk.get(reverse("admin:audit_auditentry_add")).status_code == 403


def test_the_page_of_a_thing_shows_its_history(desk: Client, alice: User, orchestra: Organization) -> None:
    services.update_organization(actor=alice, organization=orchestra, name="Philharmonic <i>")
    page = desk.get(reverse("admin:accounts_organization_history", args=[orchestra.pk])).content.decode()
    assert "Philharmonic &lt;i&gt;" in page
    assert "alice@example.org" in page


def test_histories_of_what_is_gone_are_listed(desk: Client, orchestra: Organization) -> None:
    page = desk.get(reverse("admin:audit_organizationhistory_changelist"), {"q": str(orchestra.pk)})
    assert "created" in page.content.decode()
    (kept,) = rows_of(HISTORIES["organization"], orchestra.pk)
    row = desk.get(reverse("admin:audit_organizationhistory_change", args=[kept.pk])).content.decode()
    assert all(text in row for text in (orchestra.name, str(orchestra.pk), "created", "What happened:"))
    assert all("pgh" not in text.lower() for text in re.findall(r">([^<]+)<", page.content.decode() + row))
