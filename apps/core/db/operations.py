"""Migration operations: row-level security and grants, reversible and told in one line each."""

from __future__ import annotations

from typing import Any, Literal

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation, OperationCategory
from django.db.migrations.state import ProjectState

from apps.core.db.policies import ALL, Policy, close_table_sql, grant_sql, open_table_sql, revoke_sql, tenant_policies


class _TableOperation(Operation):
    """Changes what the database enforces, nothing Django's model state knows of."""

    reduces_to_sql = True
    reversible = True
    category = OperationCategory.SQL

    def forward_sql(self) -> list[str]:
        raise NotImplementedError

    def backward_sql(self) -> list[str]:
        raise NotImplementedError

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """The models stay as they are."""

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        for statement in self.forward_sql():
            schema_editor.execute(statement, None)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        for statement in self.backward_sql():
            schema_editor.execute(statement, None)


class EnablePolicies(_TableOperation):
    """Force row-level security on a table, with policies of its own and grants to web and worker.

    `web` and `worker` are comma-separated commands ("select,insert"); "" grants nothing.
    """

    def __init__(self, table: str, policies: list[Policy], *, web: str = ALL, worker: str = ALL) -> None:
        self.table = table
        self.policies = policies
        self.web = web
        self.worker = worker

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return type(self).__name__, [self.table, self.policies], {"web": self.web, "worker": self.worker}

    def forward_sql(self) -> list[str]:
        return [
            *close_table_sql(self.table, self.policies),
            *revoke_sql(self.table),
            *grant_sql(self.table, web=self.web, worker=self.worker),
        ]

    def backward_sql(self) -> list[str]:
        return [*revoke_sql(self.table), *open_table_sql(self.table, self.policies)]

    def describe(self) -> str:
        return f"Force row-level security on {self.table}"


class AddPolicies(_TableOperation):
    """More policies for a table that is closed already."""

    def __init__(self, table: str, policies: list[Policy]) -> None:
        self.table = table
        self.policies = policies

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return type(self).__name__, [self.table, self.policies], {}

    def forward_sql(self) -> list[str]:
        return [policy.create_sql(self.table) for policy in self.policies]

    def backward_sql(self) -> list[str]:
        return [policy.drop_sql(self.table) for policy in self.policies]

    def describe(self) -> str:
        return f"Add {len(self.policies)} policies to {self.table}"


class EnableTenancy(EnablePolicies):
    """The standard policies of a tenant table: the web by membership, workers by the organization they work for.

    Needs `("accounts", "0001_initial")` among the migration's dependencies: the functions are made there.
    """

    def __init__(
        self, table: str, organization_column: str = "organization_id", *, web: str = ALL, worker: str = ALL
    ) -> None:
        super().__init__(table, tenant_policies(organization_column, web=web, worker=worker), web=web, worker=worker)
        self.organization_column = organization_column

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return type(self).__name__, [self.table, self.organization_column], {"web": self.web, "worker": self.worker}


class GrantTo(_TableOperation):
    """Exactly these grants, on a table that belongs to no organization; earlier ones are taken back."""

    def __init__(self, table: str, *, web: str = ALL, worker: str = ALL) -> None:
        self.table = table
        self.web = web
        self.worker = worker

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return type(self).__name__, [self.table], {"web": self.web, "worker": self.worker}

    def forward_sql(self) -> list[str]:
        return [*revoke_sql(self.table), *grant_sql(self.table, web=self.web, worker=self.worker)]

    def backward_sql(self) -> list[str]:
        return revoke_sql(self.table)

    def describe(self) -> str:
        return f"Grant on {self.table}: web {self.web or 'nothing'}, worker {self.worker or 'nothing'}"


class OnDeleteInDatabase(_TableOperation):
    """Let the database follow a foreign key when its target goes: "CASCADE" or "SET NULL" (else it refuses).

    Django's own way reads and writes the rows as whoever deletes, who may neither see nor be allowed to touch them.
    Needs the constraint to exist already: after the operation that adds the field.
    """

    def __init__(self, table: str, column: str, action: Literal["CASCADE", "SET NULL"] = "CASCADE") -> None:
        self.table = table
        self.column = column
        self.action = action

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return type(self).__name__, [self.table, self.column, self.action], {}

    def forward_sql(self) -> list[str]:
        return [_constraint_again(self.table, self.column, self.action)]

    def backward_sql(self) -> list[str]:
        return [_constraint_again(self.table, self.column, "NO ACTION")]

    def describe(self) -> str:
        return f"On delete of what {self.table}.{self.column} refers to: {self.action}"


def _constraint_again(table: str, column: str, action: str) -> str:
    """The constraint's name is Django's, so it is looked up."""
    return f"""
DO $do$
DECLARE
    found record;
BEGIN
    SELECT c.conname, c.confrelid::regclass AS target, t.attname INTO STRICT found
      FROM pg_constraint c
      JOIN pg_attribute s ON s.attrelid = c.conrelid AND c.conkey = ARRAY[s.attnum]
      JOIN pg_attribute t ON t.attrelid = c.confrelid AND c.confkey = ARRAY[t.attnum]
     WHERE c.contype = 'f' AND c.conrelid = '"{table}"'::regclass AND s.attname = '{column}';
    EXECUTE format('ALTER TABLE "{table}" DROP CONSTRAINT %I, ADD CONSTRAINT %I FOREIGN KEY ("{column}") REFERENCES %s (%I) '
                   'ON DELETE {action} DEFERRABLE INITIALLY DEFERRED', found.conname, found.conname, found.target, found.attname);
END
$do$
"""


__all__ = ["AddPolicies", "EnablePolicies", "EnableTenancy", "GrantTo", "OnDeleteInDatabase"]
