"""What row-level security adds for projects: pure text, for migrations of every app whose rows belong to a project.

All of it is restrictive, for the web: it keeps out of what membership of the organization lets in. The functions are
made by projects/0003:

- `app_hidden_projects()`: restricted projects of my organizations in which I am not named.
- `app_closed_projects()`: those, and restricted ones in which I am named to read only.
- `app_administered_projects()`: those in which I am named to administer; admins of the organization are not counted.

Each gives an empty array to staff, and to nearly everybody else.
"""

from __future__ import annotations

from typing import Final

from apps.core.db.policies import WEB, Command, Policy

HIDDEN: Final = "(SELECT app_hidden_projects())"
CLOSED: Final = "(SELECT app_closed_projects())"
ADMINISTERED: Final = "ANY((SELECT app_administered_projects())::uuid[])"
_WRITES: Final[tuple[Command, ...]] = ("insert", "update", "delete")


def in_project(column: str = "project_id", *, writes: tuple[Command, ...] = _WRITES) -> list[Policy]:
    """For a table whose rows name their project, or none."""
    return [
        _restrict("project_select", "select", outside(column, HIDDEN)),
        *(_restrict(f"project_{command}", command, outside(column, CLOSED)) for command in writes),
    ]


def in_parent(
    table: str, column: str, parent: str, *, key: str = "id", writes: tuple[Command, ...] = _WRITES
) -> list[Policy]:
    """For a table whose rows belong to a row of `parent`, which has policies of `in_project`, or of this kind.

    Where nothing is hidden, and nothing closed, the parent is not asked. To write takes a parent in a project that is open
    to the writer: only of a parent with a `project_id` can that be said; use `writes=()` for others.
    """
    seen = f'EXISTS (SELECT FROM "{parent}" parent WHERE parent."{key}" = "{table}"."{column}"'
    open_ = f"{seen} AND {outside('parent.project_id', CLOSED)})" if writes else ""
    return [
        _restrict("project_select", "select", f"cardinality({HIDDEN}) = 0 OR {seen})"),
        *(_restrict(f"project_{command}", command, f"cardinality({CLOSED}) = 0 OR {open_}") for command in writes),
    ]


def outside(column: str, projects: str) -> str:
    """That a row belongs to none of these projects."""
    return f"({column} IS NULL OR {column} <> ALL({projects}::uuid[]))"


def _restrict(name: str, command: Command, condition: str) -> Policy:
    return Policy(name, command, (WEB,), condition, restrictive=True)
