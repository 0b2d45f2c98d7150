"""Secrets: sealed at rest, bound to their place, written by admins, read by workers only."""

from __future__ import annotations

import json
import logging
import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.core.checks.security.base import check_secret_key
from django.core.exceptions import ImproperlyConfigured
from django.db import Error, IntegrityError, ProgrammingError, connection, transaction
from django.test import override_settings
from pytest_django import Settings

from apps.accounts import services as accounts
from apps.accounts.models import Organization, User
from apps.core.errors import Forbidden, Invalid
from apps.core.tenancy import acting_as, staff, working_for
from apps.projects import keyring, services
from apps.projects.errors import NoSecretKeys, SecretNotFound, SecretUnreadable
from apps.projects.models import Project, Secret
from apps.projects.secret_text import SecretText
from symphony.checks import secret_keys_are_given
from symphony.embedded.home import Home
from symphony.env import Env
from symphony.stack import _keys

pytestmark = pytest.mark.django_db
Store = Callable[..., Secret]
Reveal = Callable[..., str | None]


def execute(sql: str, *parameters: object) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return cursor.rowcount


@pytest.mark.parametrize("value", ["hush", " spaces kept ", "ключ\n🔑", "\ud800", "x" * services.LONGEST_VALUE])
def test_a_worker_reads_what_an_admin_stored(store: Store, reveal: Reveal, web_role: None, value: str) -> None:
    store("API_KEY", value)
    assert reveal("API_KEY") == value
    assert reveal("OTHER_KEY") is None


def test_a_projects_own_secret_goes_before_the_organizations(
    alice: User, orchestra: Organization, project: Project, store: Store, reveal: Reveal
) -> None:
    store("SHARED", "everybody's")
    store("API_KEY", "everybody's")
    store("API_KEY", "the project's", project)
    with acting_as(alice.pk):
        other = services.create_project(actor=alice, organization=orchestra, name="Other")
    assert reveal("API_KEY", project) == "the project's"
    assert reveal("API_KEY", other) == reveal("API_KEY") == reveal("SHARED", project) == "everybody's"


def test_storing_again_replaces(store: Store, reveal: Reveal, project: Project, web_role: None) -> None:
    for place in (None, project):
        first = store("API_KEY", "old", place)
        second = store("API_KEY", "new", place)
        assert (first.pk, first.created_at) == (second.pk, second.created_at)
        assert second.updated_at > first.updated_at == first.created_at
        assert reveal("API_KEY", place) == "new"


def test_deleting(alice: User, orchestra: Organization, store: Store, reveal: Reveal, web_role: None) -> None:
    store("API_KEY", "hush")
    with acting_as(alice.pk):
        services.delete_secret(actor=alice, organization=orchestra, name="API_KEY")
        with pytest.raises(SecretNotFound, match="API_KEY"):
            services.delete_secret(actor=alice, organization=orchestra, name="API_KEY")
    assert reveal("API_KEY") is None


def test_a_worker_of_another_organization_finds_nothing(
    alice: User, home_of: Callable[[User], Organization], store: Store, reveal: Reveal
) -> None:
    store("API_KEY", "hush")
    assert reveal("API_KEY", organization=home_of(alice)) is None


@pytest.mark.parametrize("name", ["", "lower", "1ST", "_X", "A-B", "A B", "A\n", "É", "A" * 101, "A\0"])
def test_names_are_those_of_environment_variables(store: Store, name: str) -> None:
    with pytest.raises(Invalid, match="capital letters"):
        store(name, "hush")


@pytest.mark.parametrize(("value", "code"), [("", "required"), ("é" * 40_000, "too_long")])
def test_values_have_their_limits(store: Store, value: str, code: str) -> None:
    with pytest.raises(Invalid) as caught:
        store("API_KEY", value)
    assert (caught.value.errors[0]["code"], caught.value.errors[0]["pointer"]) == (code, "/value")


class TestInTheDatabase:
    """What holds for raw SQL too."""

    def test_the_value_is_not_there_in_clear(self, store: Store) -> None:
        store("API_KEY", "hush-hush-hush")
        with staff(), connection.cursor() as cursor:
            cursor.execute("SELECT projects_secret::text FROM projects_secret")
            assert "hush" not in cursor.fetchone()[0]

    @pytest.mark.parametrize(
        "sql",
        [
            "SELECT ciphertext FROM projects_secret",
            "SELECT * FROM projects_secret",
            "SELECT octet_length(ciphertext) FROM projects_secret",
            "SELECT 1 FROM projects_secret WHERE ciphertext LIKE 'gAAAA%%'",
            "UPDATE projects_secret SET key_id = key_id RETURNING ciphertext",
            "UPDATE projects_secret SET key_id = left(ciphertext, 12)",
            "DELETE FROM projects_secret RETURNING ciphertext",
            "COPY projects_secret TO STDOUT",
            "UPDATE projects_secret SET organization_id = organization_id",
        ],
    )
    def test_the_web_cannot_read_what_is_sealed(self, alice: User, store: Store, web_role: None, sql: str) -> None:
        store("API_KEY", "hush")
        with acting_as(alice.pk), pytest.raises(ProgrammingError, match="permission denied"):
            execute(sql)

    def test_the_web_reads_names_and_writes(self, alice: User, store: Store, web_role: None) -> None:
        store("API_KEY", "hush")
        with acting_as(alice.pk):
            assert execute("SELECT id, organization_id, project_id, name, key_id, updated_at FROM projects_secret") == 1
            assert execute("UPDATE projects_secret SET ciphertext = 'x'") == 1
            assert execute("DELETE FROM projects_secret") == 1

    def test_no_query_of_the_web_asks_for_it(self, alice: User, store: Store, web_role: None) -> None:
        secret = store("API_KEY", "hush")
        with acting_as(alice.pk):
            secret.refresh_from_db()
            assert [each.name for each in Secret.objects.select_related("organization", "project")] == ["API_KEY"]
            assert "ciphertext" in Secret.objects.get().get_deferred_fields()

    @pytest.mark.parametrize("role", ["member", "viewer"])
    def test_only_admins_write(
        self, alice: User, bob: User, orchestra: Organization, store: Store, web_role: None, role: str
    ) -> None:
        store("API_KEY", "hush")
        accounts.add_member(actor=alice, organization=orchestra, user=bob, role=role)
        with acting_as(bob.pk):
            assert execute("SELECT name FROM projects_secret") == 1
            assert execute("UPDATE projects_secret SET ciphertext = 'x'") == 0
            assert execute("DELETE FROM projects_secret") == 0
            with pytest.raises(ProgrammingError, match="row-level security"):
                execute(
                    "INSERT INTO projects_secret (id, organization_id, name, ciphertext, key_id, created_by_id, created_at,"
                    " updated_at) VALUES (gen_random_uuid(), %s, 'X', 'x', 'x', %s, now(), now())",
                    orchestra.pk,
                    bob.pk,
                )
            for refused in (
                lambda: services.set_secret(actor=bob, organization=orchestra, name="X", value="x"),
                lambda: services.delete_secret(actor=bob, organization=orchestra, name="API_KEY"),
            ):
                with pytest.raises(Forbidden):
                    refused()

    def test_a_worker_writes_nothing(self, orchestra: Organization, store: Store, worker_role: None) -> None:
        for sql in ("UPDATE projects_secret SET key_id = 'x'", "DELETE FROM projects_secret"):
            with working_for(orchestra.pk), pytest.raises(ProgrammingError, match="permission denied"):
                execute(sql)

    def test_a_secret_belongs_to_a_project_of_its_organization(
        self, alice: User, home_of: Callable[[User], Organization], project: Project, store: Store
    ) -> None:
        execute("SET CONSTRAINTS ALL IMMEDIATE")
        with staff(), pytest.raises(IntegrityError, match="secret_project_of_organization"), transaction.atomic():
            store("API_KEY", "hush", project, organization=home_of(alice))

    @pytest.mark.parametrize(
        "change", ["name = 'OTHER'", "project_id = NULL", "organization_id = %(home)s, project_id = NULL"]
    )
    def test_a_row_moved_elsewhere_does_not_open(
        self, alice: User, home_of: Callable[[User], Organization], project: Project, store: Store, change: str,
    ) -> None:  # fmt: skip
        store("API_KEY", "hush", project)
        home = home_of(alice)
        with staff(), connection.cursor() as cursor:
            cursor.execute(f"UPDATE projects_secret SET {change}", {"home": home.pk})
            secret = Secret.objects.get()
        with pytest.raises(SecretUnreadable, match="another place"):
            services.reveal(secret.organization_id, secret.project_id, secret.name)


class TestHiding:
    def test_text_that_hides(self) -> None:
        secret = SecretText("hush")
        shown = [
            repr(secret),
            str(secret),
            f"{secret}",
            f"{secret!r}",
            repr([secret]),
            repr({"a": secret}),
        ]
        assert [text for text in shown if "hush" in text] == []
        assert secret.reveal() == "hush"
        assert secret == SecretText("hush") != SecretText("other")
        assert not hasattr(secret, "__dict__")
        for leak in (lambda: pickle.dumps(secret), lambda: json.dumps(secret)):
            with pytest.raises(TypeError):
                leak()

    def test_rows_show_their_name(self, store: Store) -> None:
        secret = store("API_KEY", "hush")
        with staff():
            secret = Secret.objects.defer(None).get(pk=secret.pk)
        assert (str(secret), repr(secret)) == ("API_KEY", "<Secret: API_KEY>")
        assert secret.ciphertext not in repr(secret)

    def test_nothing_is_logged(self, store: Store, reveal: Reveal, caplog: pytest.LogCaptureFixture) -> None:
        with caplog.at_level(logging.DEBUG):
            store("API_KEY", "hush-hush")
            reveal("API_KEY")
            with pytest.raises(Invalid) as caught:
                store("lower", "hush-hush")
        assert "hush-hush" not in caplog.text
        assert "hush-hush" not in str(caught.value)


class TestKeys:
    def test_without_keys_nothing_is_stored(self, store: Store, settings: Settings) -> None:
        settings.SYMPHONY_SECRET_KEYS, settings.SECRET_KEY_GIVEN = [], "given"
        with pytest.raises(NoSecretKeys, match="SYMPHONY_SECRET_KEYS"):
            store("API_KEY", "hush")
        assert [each.id for each in secret_keys_are_given(None)] == ["symphony.W003"]

    def test_in_development_a_key_is_derived(self, store: Store, reveal: Reveal, settings: Settings) -> None:
        settings.SYMPHONY_SECRET_KEYS, settings.SECRET_KEY_GIVEN, settings.DEBUG = [], "given", True
        store("API_KEY", "hush")
        assert reveal("API_KEY") == "hush"
        assert "made of SYMPHONY_SECRET_KEY" in secret_keys_are_given(None)[0].msg
        settings.SECRET_KEY_GIVEN = "another"
        with pytest.raises(SecretUnreadable, match="store its value anew"):
            reveal("API_KEY")
        settings.SECRET_KEY_GIVEN = None
        with pytest.raises(NoSecretKeys):
            reveal("API_KEY")

    def test_with_keys_there_is_nothing_to_warn_of(self) -> None:
        assert secret_keys_are_given(None) == []

    def test_older_keys_still_open(self, store: Store, reveal: Reveal, settings: Settings) -> None:
        old = store("API_KEY", "hush")
        settings.SYMPHONY_SECRET_KEYS = [Fernet.generate_key().decode(), *settings.SYMPHONY_SECRET_KEYS]
        assert reveal("API_KEY") == "hush"
        assert store("OTHER", "hush").key_id != old.key_id

    def test_a_damaged_row_says_so(self, store: Store, reveal: Reveal) -> None:
        store("API_KEY", "hush")
        with staff():
            execute("UPDATE projects_secret SET ciphertext = 'gAAAA'")
        with pytest.raises(SecretUnreadable, match="API_KEY"):
            reveal("API_KEY")

    def test_a_key_is_not_told_by_its_id(self, keys: list[str]) -> None:
        assert keyring.key_id(keys[0]) not in keys[0]
        assert keyring.key_id(keys[0]) != keyring.key_id(Fernet.generate_key().decode())


class TestKeysOfTheEnvironment:
    def test_lists_with_commas_or_lines(self, keys: list[str]) -> None:
        (one,) = keys
        two = Fernet.generate_key().decode()
        for text in (f"{one},{two}", f" {one} ,\n{two}\n", f"{one.rstrip('=')}\n{two.rstrip('=')}"):
            assert Env({"KEYS": text}).keys("KEYS") == [one, two]
        assert Env({}).keys("KEYS") == []

    def test_make_up_makes_one_and_remembers_it(self, tmp_path: Path) -> None:
        made = _keys(Home(tmp_path), {})
        assert len(Env(made).keys("SYMPHONY_SECRET_KEYS")) == 1
        assert _keys(Home(tmp_path), {}) == made
        assert made["SYMPHONY_SECRET_KEYS"] != made["SYMPHONY_SECRET_KEY"]
        with override_settings(SECRET_KEY=made["SYMPHONY_SECRET_KEY"]):
            assert check_secret_key(None) == []
        assert _keys(Home(tmp_path), {"SYMPHONY_SECRET_KEYS": "given"}).keys() == {"SYMPHONY_SECRET_KEY"}
        assert _keys(Home(tmp_path), {"SYMPHONY_SECRET_KEYS_FILE": "given"}).keys() == {"SYMPHONY_SECRET_KEY"}

    def test_make_up_keeps_the_keys_of_before(self, tmp_path: Path) -> None:
        before = {"django": "d" * 43, "sealing": "A" * 43}
        (tmp_path / "secrets.json").write_text(json.dumps(before))
        kept = _keys(Home(tmp_path), {})
        assert kept == {"SYMPHONY_SECRET_KEY": before["django"], "SYMPHONY_SECRET_KEYS": before["sealing"]}

    @pytest.mark.parametrize("bad", ["short", "x" * 44, "A" * 44, "!" * 43])
    def test_what_is_no_key_is_refused_without_being_shown(self, keys: list[str], bad: str) -> None:
        with pytest.raises(ImproperlyConfigured, match="Key 2 of KEYS is not 32 bytes") as caught:
            Env({"KEYS": f"{keys[0]},{bad}"}).keys("KEYS")
        assert bad not in str(caught.value)


def test_the_database_refuses_other_names(alice: User, orchestra: Organization) -> None:
    with acting_as(alice.pk), pytest.raises(Error, match="secret_name_form"):
        execute(
            "INSERT INTO projects_secret (id, organization_id, name, ciphertext, key_id, created_by_id, created_at, updated_at)"
            " VALUES (gen_random_uuid(), %s, 'lower', 'x', 'x', %s, now(), now())",
            orchestra.pk,
            alice.pk,
        )
