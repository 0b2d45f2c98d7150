"""Staff with few permissions does not become staff with all of them."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from rest_framework.test import APIClient

from apps.accounts import services
from apps.accounts.models import User
from apps.signin.services import sessions

pytestmark = pytest.mark.django_db(transaction=True)
PASSWORD = "a long and winding road"
NEW = "here comes the sun king"


@pytest.fixture
def support(web_role: None) -> User:
    """Looks after people: may see and change users, nothing else."""
    user = services.create_user(email="support@example.org", password=None, is_staff=True)
    names = ("view_user", "change_user", "delete_user")
    user.user_permissions.set(Permission.objects.filter(codename__in=names, content_type__app_label="accounts"))
    return user


@pytest.fixture
def root(web_role: None) -> User:
    return services.create_user(email="root@example.org", password=PASSWORD, is_staff=True, is_superuser=True)


def browser_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def test_they_give_nobody_more_power(support: User) -> None:
    address = f"/admin/accounts/user/{support.pk}/change/"
    form = {
        "email": support.email,
        "username": support.username,
        "social_links": "{}",
        "preferences": "{}",
        "is_active": "on",
        "is_staff": "on",
        "is_superuser": "on",
        "bio": "Helps.",
    }
    for inline in ("memberships", "team_memberships", "teammembership_set"):
        form |= {f"{inline}-TOTAL_FORMS": "0", f"{inline}-INITIAL_FORMS": "0"}
    response = browser_of(support).post(address, form)
    assert response.status_code == 302, response.content.decode()[-3000:]
    support.refresh_from_db()
    assert support.bio == "Helps."
    assert not support.is_superuser


def test_they_touch_no_superuser(support: User, root: User) -> None:
    browser = browser_of(support)
    page = f"/admin/accounts/user/{root.pk}"
    passwords = {"usable_password": "true", "password1": NEW, "password2": NEW}
    assert browser.post(f"{page}/password/", passwords).status_code == 403
    assert browser.post(f"{page}/change/", {"email": "mine@example.org"}).status_code == 403
    assert browser.post(f"{page}/delete/", {"post": "yes"}).status_code == 403
    browser.post("/admin/accounts/user/", {"action": "deactivate", "_selected_action": [str(root.pk)]})
    root.refresh_from_db()
    assert (root.email, root.is_active, root.check_password(PASSWORD)) == ("root@example.org", True, True)


def test_a_password_that_staff_sets_ends_what_the_old_one_opened(root: User) -> None:
    person = services.create_user(email="person@example.org", password=PASSWORD)
    refresh = sessions.open_session(actor=person, road="website").refresh
    form = {"usable_password": "true", "password1": NEW, "password2": NEW}
    assert browser_of(root).post(f"/admin/accounts/user/{person.pk}/password/", form).status_code == 302
    response = APIClient().post("/api/v1/auth/jwt/refresh/", {"refresh": refresh}, format="json")
    assert response.status_code == 401
