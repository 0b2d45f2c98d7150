"""Databases and logins, from the power a given URL has. Everything here may be run again at any time.

Group roles (`symphony_web`, `symphony_worker`) carry grants and policies; each database has logins of its own,
`<database>_web_login` and `<database>_worker_login`, which are members of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

import psycopg2
from psycopg2 import errors, sql

from symphony.errors import StackError

GROUPS = {"web": "symphony_web", "worker": "symphony_worker"}
OWNER = "symphony"


class Secrets(Protocol):
    def secret(self, name: str) -> str: ...


@dataclass(frozen=True, slots=True)
class DatabaseUrls:
    """One database, seen by its three logins."""

    owner: str
    web: str
    worker: str


def database_name(url: str) -> str:
    return unquote(urlsplit(url).path.lstrip("/"))


def login_name(database: str, kind: str) -> str:
    """The login of `web` or `worker` for one database."""
    return f"{database}_{kind}_login"


def with_login(url: str, *, user: str, password: str, database: str | None = None) -> str:
    """The same server for another login, and another database when one is named."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    path = parts.path if database is None else "/" + quote(database, safe="")
    query = urlencode(parse_qsl(parts.query))
    login = f"{quote(user, safe='')}:{quote(password, safe='')}"
    return urlunsplit((parts.scheme, f"{login}@{host}", path, query, ""))


def with_database(url: str, database: str) -> str:
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc, "/" + quote(database, safe=""), parts.query, ""))


@contextmanager
def _connected(url: str) -> Iterator[Any]:
    try:
        connection = psycopg2.connect(url, connect_timeout=10)
    except psycopg2.OperationalError as error:
        reason = str(error).strip().splitlines()[-1]
        host = urlsplit(url).netloc.rpartition("@")[2]
        raise StackError(f"The database {database_name(url)} at {host} does not let us in: {reason}.") from None
    with closing(connection):
        connection.autocommit = True
        with connection.cursor() as cursor:
            yield cursor


def create_owned_database(admin_url: str, secrets: Secrets, name: str = OWNER) -> str:
    """As superuser: an ordinary role `symphony` and a database it owns. Returns the owner's URL."""
    password = secrets.secret("owner")
    with _connected(admin_url) as cursor:
        _login_role(cursor, OWNER, password, "CREATEROLE CREATEDB")
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        if cursor.fetchone() is None:
            statement = sql.SQL("CREATE DATABASE {} OWNER {}").format(sql.Identifier(name), sql.Identifier(OWNER))
            cursor.execute(statement)
            cursor.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(name)))
    _let_searches_use_indexes(with_database(admin_url, name))
    return with_login(admin_url, user=OWNER, password=password, database=name)


SEARCHES = (
    "pg_catalog.ts_match_vq(tsvector, tsquery)",
    "pg_catalog.arraycontains(anyarray, anyarray)",
    "public.word_similarity_commutator_op(text, text)",
)
"""What `@@`, `@>` and `%>` call."""


def _let_searches_use_indexes(admin_url: str) -> None:
    """As superuser: tell the planner that these tell nothing of what they compare.

    It may then look a search up in an index before row-level security has passed each row, which the rows still have to
    do. Without it searches find the same, by looking at every melody of the organization.
    """
    with _connected(admin_url) as cursor:
        cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        for function in SEARCHES:
            cursor.execute("SELECT proleakproof FROM pg_proc WHERE oid = %s::regprocedure", [function])
            if not cursor.fetchone()[0]:
                cursor.execute(f"ALTER FUNCTION {function} LEAKPROOF")


def create_logins(
    owner_url: str, secrets: Secrets, *, web: str | None = None, worker: str | None = None
) -> DatabaseUrls:
    """As the owner: the logins of the web and the workers, which may do what their group may.

    A URL given for one of them names the login and its password; otherwise both are made up and remembered.
    """
    database = database_name(owner_url)
    given = {"web": web, "worker": worker}
    urls = {kind: given[kind] or _own_url(owner_url, login_name(database, kind), secrets) for kind in GROUPS}
    ensure_groups(owner_url)
    with _with_power(owner_url) as cursor:
        for kind, group in GROUPS.items():
            _ensure_login(cursor, urls[kind], group, database)
    return DatabaseUrls(owner=owner_url, web=urls["web"], worker=urls["worker"])


def applied_migrations(owner_url: str) -> set[tuple[str, str]]:
    """(app, name) of each migration the database has seen."""
    with _connected(owner_url) as cursor:
        try:
            cursor.execute("SELECT app, name FROM django_migrations")
        except errors.UndefinedTable:
            return set()
        return {(app, name) for app, name in cursor.fetchall()}


def _own_url(owner_url: str, login: str, secrets: Secrets) -> str:
    return with_login(owner_url, user=login, password=secrets.secret(f"login:{login}"))


def _ensure_login(cursor: Any, url: str, group: str, database: str) -> None:
    parts = urlsplit(url)
    login, password = unquote(parts.username or ""), unquote(parts.password or "")
    if not _lets_in(url):
        _login_role(cursor, login, password, "")
    _member(cursor, group, login)
    for privilege, statement, thing in (
        ("CONNECT", "GRANT CONNECT ON DATABASE {} TO {}", database),
        ("USAGE", "GRANT USAGE ON SCHEMA {} TO {}", "public"),
    ):
        kind = "database" if privilege == "CONNECT" else "schema"
        cursor.execute(f"SELECT has_{kind}_privilege(%s, %s, %s)", [login, thing, privilege])
        if not cursor.fetchone()[0]:
            _grant(cursor, statement, thing, login)


def _lets_in(url: str) -> bool:
    try:
        psycopg2.connect(url, connect_timeout=10).close()
    except psycopg2.OperationalError:
        return False
    return True


def ensure_groups(owner_url: str) -> None:
    """The group roles, with the owner in them: so it can act as the web and as a worker."""
    with _with_power(owner_url) as cursor:
        cursor.execute("SELECT current_user")
        (owner,) = cursor.fetchone()
        for group in GROUPS.values():
            if not _exists(cursor, group):
                cursor.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(group)))
            _member(cursor, group, owner)


@contextmanager
def _with_power(owner_url: str) -> Iterator[Any]:
    with _connected(owner_url) as cursor:
        try:
            yield cursor
        except errors.InsufficientPrivilege as error:
            raise StackError(_missing_power(owner_url, str(error).strip().splitlines()[0])) from None


def _exists(cursor: Any, role: str) -> bool:
    cursor.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role])
    return cursor.fetchone() is not None


def _login_role(cursor: Any, name: str, password: str, attributes: str) -> None:
    verb = "ALTER" if _exists(cursor, name) else "CREATE"
    statement = sql.SQL("{} ROLE {} LOGIN {} PASSWORD {}").format(
        sql.SQL(verb), sql.Identifier(name), sql.SQL(attributes), sql.Literal(password)
    )
    cursor.execute(statement)


def _member(cursor: Any, group: str, member: str) -> None:
    # "USAGE" and not "MEMBER": who creates a role is from PostgreSQL 16 on a member with no right but to pass it on.
    cursor.execute("SELECT pg_has_role(%s, %s, 'USAGE')", [member, group])
    if not cursor.fetchone()[0]:
        _grant(cursor, "GRANT {} TO {}", group, member)


def _grant(cursor: Any, statement: str, *names: str) -> None:
    cursor.execute(sql.SQL(statement).format(*(sql.Identifier(name) for name in names)))


def _missing_power(owner_url: str, complaint: str) -> str:
    user = unquote(urlsplit(owner_url).username or "")
    groups = ", ".join(f"{kind.upper()}_DATABASE_URL (a member of {group})" for kind, group in GROUPS.items())
    return (
        f"The role {user} of DATABASE_URL cannot make the logins of less power ({complaint}): as a superuser run "
        f'ALTER ROLE "{user}" CREATEROLE; or make the logins yourself and set {groups}.'
    )
