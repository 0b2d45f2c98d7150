"""The only writers of projects, of who is in them, of their variables and secrets; the only way to a secret's value."""

from __future__ import annotations

from apps.projects.services.access import change_role, name_in_project, remove_access
from apps.projects.services.projects import (
    archive_project,
    create_project,
    delete_project,
    unarchive_project,
    update_project,
)
from apps.projects.services.secrets import (
    LONGEST_VALUE,
    Rotation,
    delete_secret,
    reveal,
    rotate_secrets,
    set_secret,
)
from apps.projects.services.variables import GivenVariable, delete_variable, replace_variables, set_variable

__all__ = [
    "LONGEST_VALUE",
    "GivenVariable",
    "Rotation",
    "archive_project",
    "change_role",
    "create_project",
    "delete_project",
    "delete_secret",
    "delete_variable",
    "name_in_project",
    "remove_access",
    "replace_variables",
    "reveal",
    "rotate_secrets",
    "set_secret",
    "set_variable",
    "unarchive_project",
    "update_project",
]
