"""Sessions and their refresh tokens belong to one person: nobody else sees them, and workers only sweep them up."""

from __future__ import annotations

from django.db import migrations

from apps.core.db.operations import EnablePolicies
from apps.core.db.policies import OWNER, WEB, WORKER, Policy

PEOPLE = (WEB, OWNER)
OWN = "user_id = (SELECT app_user_id()) OR (SELECT app_is_staff())"
SWEPT = Policy("worker_sweep", "all", (WORKER, OWNER), "(SELECT app_is_sweep())")

SESSION_POLICIES = [Policy("own_all", "all", PEOPLE, OWN), SWEPT]
REFRESH_POLICIES = [
    Policy("own_all", "all", PEOPLE, OWN),
    # A token is looked up before its person is known: who presents the secret may see its row.
    Policy("presented_select", "select", PEOPLE, "hash = (SELECT nullif(current_setting('app.token_hash', true), ''))"),
    SWEPT,
]

# No token may name another person than its session does.
SAME_PERSON = """
ALTER TABLE signin_refreshtoken ADD CONSTRAINT signin_refreshtoken_of_its_session
    FOREIGN KEY (session_id, user_id) REFERENCES signin_signinsession (id, user_id) DEFERRABLE INITIALLY DEFERRED
"""
ANY_PERSON = "ALTER TABLE signin_refreshtoken DROP CONSTRAINT signin_refreshtoken_of_its_session"


class Migration(migrations.Migration):
    dependencies = [("signin", "0001_initial"), ("accounts", "0003_tokens")]

    operations = [
        migrations.RunSQL(SAME_PERSON, ANY_PERSON),
        EnablePolicies("signin_signinsession", SESSION_POLICIES, worker="select,delete"),
        EnablePolicies("signin_refreshtoken", REFRESH_POLICIES, worker="select,delete"),
    ]
