from __future__ import annotations

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session
from django.db import connection
from django.utils import timezone
from django_celery_results.models import TaskResult

from apps.accounts.models import User

pytestmark = pytest.mark.django_db


def test_the_web_may_use_the_tables_of_django(alice: User, web_role: None) -> None:
    Session.objects.create(session_key="x", session_data="", expire_date=timezone.now())
    Session.objects.all().delete()
    group = Group.objects.create(name="moderators")
    alice.groups.add(group)
    kind = ContentType.objects.get_for_model(User)
    LogEntry.objects.create(user=alice, content_type=kind, object_id="x", object_repr="x", action_flag=1)
    TaskResult.objects.create(task_id="x")


def test_a_worker_writes_results_and_reads_no_sessions(worker_role: None) -> None:
    TaskResult.objects.create(task_id="x")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT has_table_privilege('django_session', 'SELECT'), has_table_privilege('django_migrations', 'SELECT')"
        )
        assert cursor.fetchone() == (False, True)
