"""However many use a template at once, each use is counted."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connection, transaction

from apps.accounts import services as accounts
from apps.core.tenancy import acting_as
from apps.melodies.models import Melody, MelodyTemplate
from apps.melodies.services import templates
from apps.melodies.services.templates import Written

pytestmark = pytest.mark.django_db(transaction=True)

THREADS = 4
SOURCE = "workflow: {name: hello, steps: [{name: greet, type: test_echo, value: Hello}]}"


def test_uses_at_once() -> None:
    alice = accounts.create_user(email="alice@example.org", password=None)
    organization = accounts.create_organization(actor=alice, name="Orchestra")
    with acting_as(alice.pk):
        template = templates.create_template(
            actor=alice, organization=organization, name="Hello", written=Written(SOURCE, "yaml", "/source")
        )
    together = Barrier(THREADS)

    def use(_: int) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SET ROLE symphony_web")
        try:
            together.wait(timeout=30)
            for _again in range(2):
                with transaction.atomic(), acting_as(alice.pk):
                    templates.instantiate(actor=alice, template=template, organization=organization)
        finally:
            connection.close()

    with ThreadPoolExecutor(THREADS) as threads:
        list(threads.map(use, range(THREADS)))
    with acting_as(alice.pk):
        assert MelodyTemplate.objects.get(pk=template.pk).usage_count == Melody.objects.count() == 2 * THREADS
