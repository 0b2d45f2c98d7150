from __future__ import annotations

from apps.core.errors import Conflict, Invalid, NotFound, SymphonyError, Unavailable


class ProjectNotFound(NotFound):
    """There is no such project, or it is not yours to see."""

    code = "project_not_found"


class ProjectArchived(Conflict):
    """The project is archived, so nothing in it changes; take it out of the archive first."""

    code = "project_archived"
    title = "Project archived"


class ProjectInUse(Conflict):
    """The restricted project has melodies, which everybody would see without it; move or delete them first, or open it."""

    code = "project_in_use"
    title = "Project in use"


class ProjectElsewhere(Invalid):
    """A project holds what belongs to the same organization."""

    code = "project_elsewhere"


class AccessNotFound(NotFound):
    """Nobody is named in the project like this."""

    code = "access_not_found"


class NamedAlready(Conflict):
    """They are named in the project already; change their role instead."""

    code = "named_already"


class VariableNotFound(NotFound):
    """There is no variable of this name in the project."""

    code = "variable_not_found"


class VariablesInvalid(Invalid):
    """Some variables cannot be kept like this; `errors` says which and why."""

    code = "invalid_variables"
    title = "Invalid variables"


class SecretNotFound(NotFound):
    """There is no secret of this name here."""

    code = "secret_not_found"


class NoSecretKeys(Unavailable):
    """This server keeps no secrets, because it has no keys to seal them with: set SYMPHONY_SECRET_KEYS."""

    code = "no_secret_keys"


class SecretUnreadable(SymphonyError):
    """The secret cannot be opened with the keys in SYMPHONY_SECRET_KEYS; store its value anew."""

    code = "secret_unreadable"
