"""What somebody may do in a project: pure. The database's policies say the same, see `apps.projects.row_security`.

- Who is not in the organization is in none of its projects.
- Admins and owners of the organization are so in all of its projects.
- A viewer of the organization stays a viewer wherever they are named: no project makes a writer of a reader.
- A member has in a restricted project the highest role they are named with, by themselves or by a team. In a project that
  is open to the organization they are at least a member; to be named there can only raise them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

RANKS: Final = {"viewer": 1, "member": 2, "admin": 3, "owner": 4}
"""Roles from least to most; an admin and an owner of a project may do the same."""


def effective_role(organization_role: str | None, *, restricted: bool, named: Iterable[str] = ()) -> str | None:
    """The role in a project, or None where the project does not exist for them. `named` are the roles they are named with."""
    if organization_role is None or organization_role in ("owner", "admin"):
        return organization_role
    highest = max(named, key=RANKS.__getitem__, default=None)
    if organization_role == "viewer":
        return "viewer" if highest is not None or not restricted else None
    if restricted:
        return highest
    return max(organization_role, highest or "viewer", key=RANKS.__getitem__)
