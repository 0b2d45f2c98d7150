"""The SQL of row-level security: policies and grants as text.

Policies name the two group roles. They name the table's owner (CURRENT_USER while migrating) as well, because
FORCE ROW LEVEL SECURITY holds for it too: an owner that is no superuser sees what the settings of `apps.core.tenancy`
let it see, and nothing without one.

Each function call stands in a sub-select: PostgreSQL then evaluates it once per statement, not once per row.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

WEB: Final = "symphony_web"
WORKER: Final = "symphony_worker"
OWNER: Final = "CURRENT_USER"

ALL: Final = "select,insert,update,delete"
_COMMANDS: Final = tuple(ALL.split(","))

Command = Literal["all", "select", "insert", "update", "delete"]


@dataclass(frozen=True, slots=True)
class Policy:
    """One policy; `using` and `check` are SQL conditions, `check` defaults to `using`.

    Permissive ones let in, each what it names; `restrictive` ones keep out of what others let in.
    """

    name: str
    command: Command
    to: Sequence[str]
    using: str
    check: str | None = None
    restrictive: bool = False

    def create_sql(self, table: str) -> str:
        clauses = []
        if self.command != "insert":
            clauses.append(f"USING ({self.using})")
        if self.command in ("all", "insert", "update"):
            clauses.append(f"WITH CHECK ({self.check or self.using})")
        roles = ", ".join(self.to)
        kind = " AS RESTRICTIVE" if self.restrictive else ""
        return (
            f'CREATE POLICY "{self.name}" ON "{table}"{kind} FOR {self.command.upper()} TO {roles} {" ".join(clauses)}'
        )

    def drop_sql(self, table: str) -> str:
        return f'DROP POLICY IF EXISTS "{self.name}" ON "{table}"'


def tenant_policies(organization_column: str = "organization_id", *, web: str = ALL, worker: str = ALL) -> list[Policy]:
    column = f'"{organization_column}"'
    staff = "(SELECT app_is_staff())"
    readable = f"{column} = ANY((SELECT app_organizations())::uuid[]) OR {staff}"
    writable = f"{column} = ANY((SELECT app_writable_organizations())::uuid[]) OR {staff}"
    worked_on = f"{column} = (SELECT app_organization_id()) OR (SELECT app_is_sweep())"
    policies = [
        Policy(f"web_{command}", command, (WEB, OWNER), readable if command == "select" else writable)  # type: ignore[arg-type]
        for command in commands(web)
    ]
    if commands(worker):
        policies.append(Policy("worker_all", "all", (WORKER, OWNER), worked_on))
    return policies


def administered_policies(
    organization_column: str = "organization_id", *, web: str = ALL, worker: str = ALL
) -> list[Policy]:
    """As `tenant_policies`, but over the web only admins and owners write."""
    column = f'"{organization_column}"'
    writable = f"{column} = ANY((SELECT app_administered_organizations())::uuid[]) OR (SELECT app_is_staff())"
    return [
        policy if policy.command in ("select", "all") else replace(policy, using=writable)
        for policy in tenant_policies(organization_column, web=web, worker=worker)
    ]


def close_table_sql(table: str, policies: Iterable[Policy]) -> list[str]:
    return [
        f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY',
        f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY',
        *(policy.create_sql(table) for policy in policies),
    ]


def open_table_sql(table: str, policies: Iterable[Policy]) -> list[str]:
    return [
        *(policy.drop_sql(table) for policy in policies),
        f'ALTER TABLE "{table}" NO FORCE ROW LEVEL SECURITY',
        f'ALTER TABLE "{table}" DISABLE ROW LEVEL SECURITY',
    ]


def grant_sql(table: str, *, web: str = ALL, worker: str = ALL) -> list[str]:
    wanted = ((WEB, commands(web)), (WORKER, commands(worker)))
    return [f'GRANT {", ".join(verbs).upper()} ON TABLE "{table}" TO {role}' for role, verbs in wanted if verbs]


def revoke_sql(table: str) -> list[str]:
    return [f'REVOKE ALL ON TABLE "{table}" FROM {WEB}, {WORKER}']


def commands(text: str) -> list[str]:
    """ "select, insert" -> ["select", "insert"]; anything else is a mistake of the migration's author."""
    found = [word.strip().lower() for word in text.split(",") if word.strip()]
    unknown = sorted(set(found) - set(_COMMANDS))
    if unknown:
        raise ValueError(f"No such command: {', '.join(unknown)}; choose from {ALL}.")
    return found
