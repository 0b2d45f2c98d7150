"""What nobody sends to the admin by its own forms is refused, not a fault of ours."""

from __future__ import annotations

import pytest
from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.test import Client
from django.urls import reverse

from apps.accounts import services
from apps.accounts.models import Organization

pytestmark = pytest.mark.django_db(transaction=True)
PASSWORD = "a long and winding road"
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def browser(web_role: None) -> Client:
    services.create_user(email="staff@example.org", password=PASSWORD, is_staff=True, is_superuser=True)
    client = Client()
    assert client.login(username="staff@example.org", password=PASSWORD)
    return client


def filters() -> list[str]:
    """Addresses of all lists, each with all of its filters."""
    found = []
    for model, registered in admin.site._registry.items():
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        for given in registered.list_filter:
            name = given[0] if isinstance(given, tuple) else given
            if isinstance(name, str):
                found += [f"{address}?{name}__exact=", f"{address}?{name}="]
            elif isinstance(name, type) and issubclass(name, SimpleListFilter):
                found.append(f"{address}?{name.parameter_name}=")
    return found


def test_no_list_can_be_filtered_by_nul(browser: Client) -> None:
    asked = filters()
    assert {"/admin/executions/execution/?status__exact=", "/admin/triggers/trigger/?state="} <= set(asked)
    answers = {address: browser.get(f"{address}running%00").status_code for address in asked}
    assert answers == dict.fromkeys(asked, 400)


def test_nul_is_refused_wherever_it_stands(browser: Client) -> None:
    found = "app_label=executions&model_name=pool&field_name=organization"
    assert browser.get(f"/admin/autocomplete/?{found}&term=orch").status_code == 200
    assert browser.get(f"/admin/autocomplete/?{found}&term=%00").status_code == 400
    assert browser.get("/admin/executions/execution/?status__exact=running&status__exact=%00").status_code == 400
    assert browser.get("/admin/executions/execution/?status__exact=running").status_code == 200
    assert browser.post("/admin/executions/pool/?kind__exact=%00", {"action": "close_pools"}).status_code == 400


def test_half_a_character_is_no_fault_of_ours(browser: Client) -> None:
    assert browser.get("/admin/executions/execution/?status__exact=%ED%A0%80").status_code == 200


def test_who_is_not_signed_in_is_asked_to_all_the_same(web_role: None) -> None:
    answer = Client().get("/admin/executions/execution/?status__exact=%00")
    assert (answer.status_code, answer.headers["Location"].startswith("/admin/login/")) == (302, True)


@pytest.mark.parametrize("given", ["zzz", "\0", NOBODY, "9" * 400])
@pytest.mark.parametrize(
    ("address", "field", "rest"),
    [
        ("/admin/executions/pool/add/", "organization", {"kind": "key", "name": "x", "slots": "1"}),
        ("/admin/spending/budget/add/", "organization", {"name": "x", "scope": "organization", "period": "month"}),
        ("/admin/accounts/organization/add/", "owner_user", {"name": "x", "slug": "x"}),
        (
            "/admin/accounts/organization/add/",
            "memberships-0-user",
            {"memberships-TOTAL_FORMS": "1", "memberships-INITIAL_FORMS": "0", "memberships-0-role": "owner"},
        ),
    ],
)
def test_an_id_that_is_none_is_told_beside_its_field(
    browser: Client, address: str, field: str, rest: dict[str, str], given: str
) -> None:
    answer = browser.post(address, {field: given, **rest})
    assert answer.status_code == 200
    beside = [form for one in answer.context["inline_admin_formsets"] for form in one.formset]
    complaints = [form.errors for form in (answer.context["adminform"].form, *beside)]
    assert any(field.rpartition("-")[2] in each for each in complaints), complaints


def test_an_id_that_is_one_stays_chosen(browser: Client, orchestra: Organization) -> None:
    sent = {"organization": str(orchestra.pk), "kind": "key", "name": "", "slots": "1"}
    page = browser.post("/admin/executions/pool/add/", sent).content.decode()
    assert f'<option value="{orchestra.pk}" selected>Orchestra</option>' in page


@pytest.mark.parametrize("selected", ["zzz", "\0", ""])
def test_only_keys_of_rows_are_selected(browser: Client, selected: str) -> None:
    answers = {}
    for model, registered in admin.site._registry.items():
        address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        for action in registered.actions or ():
            name = action if isinstance(action, str) else action.__name__
            answers[address, name] = browser.post(address, {"action": name, "_selected_action": selected}).status_code
    assert ("/admin/executions/pool/", "close_pools") in answers
    assert answers == dict.fromkeys(answers, 400)


def test_a_row_that_is_not_there_any_more_is_no_fault(browser: Client) -> None:
    posted = {"action": "close_pools", "_selected_action": NOBODY}
    assert browser.post("/admin/executions/pool/", posted).status_code in (200, 302)
