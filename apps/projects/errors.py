from __future__ import annotations

from apps.core.errors import Conflict, NotFound, SymphonyError, Unavailable


class ProjectNotFound(NotFound):
    """There is no such project, or it is not yours to see."""

    code = "project_not_found"


class SlugTaken(Conflict):
    """There is a project with this slug in the organization already; choose another."""

    code = "slug_taken"


class SecretNotFound(NotFound):
    """There is no secret of this name here."""

    code = "secret_not_found"


class NoSecretKeys(Unavailable):
    """This server keeps no secrets, because it has no keys to seal them with: set SYMPHONY_SECRET_KEYS."""

    code = "no_secret_keys"


class SecretUnreadable(SymphonyError):
    """The secret cannot be opened with the keys in SYMPHONY_SECRET_KEYS; store its value anew."""

    code = "secret_unreadable"
