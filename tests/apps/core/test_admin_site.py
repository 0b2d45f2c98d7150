from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.handlers.base import BaseHandler
from django.http import HttpRequest
from django.template import engines
from django.template.response import TemplateResponse
from django.test import RequestFactory

from apps.accounts import services
from apps.accounts.models import Organization, User
from apps.core.admin_site import SymphonyAdminSite

pytestmark = pytest.mark.django_db(transaction=True)


def lazy_list(request: HttpRequest) -> TemplateResponse:
    template = engines["django"].from_string("{% for each in all %}[{{ each.name }}]{% endfor %}")
    return TemplateResponse(request, template, {"all": Organization.objects.order_by("name")})


def answer(user: User | AnonymousUser) -> TemplateResponse:
    """As the server does it: the view in a transaction, rendering and sending after that."""
    request = RequestFactory().get("/admin/probe/")
    request.user = user
    view = SymphonyAdminSite().admin_view(lazy_list)
    return BaseHandler().make_view_atomic(view)(request)


def test_a_template_may_ask_the_database(alice: User, orchestra: Organization, web_role: None) -> None:
    moderator = services.create_user(email="staff@example.org", password=None, is_staff=True)
    response = answer(moderator)
    response.render()
    assert response.content == b"[Alice][Orchestra][staff@example.org]"


def test_who_is_not_staff_is_sent_to_sign_in(alice: User, web_role: None) -> None:
    for user in (alice, AnonymousUser()):
        response = answer(user)
        assert (response.status_code, response.headers["Location"].startswith("/admin/login/")) == (302, True)
