"""What a request was signed in with: an API token, a sign-in of the website, a token of the editor.

Below the API on purpose: a stream outlives its request, and asks from time to time whether its credential is still good.
Whoever makes a kind of credential registers how that is found out.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Credential:
    """`scopes` empty: all that its user may do. `bound_to`: the one organization it opens, or None for all of them."""

    kind: str
    id: str
    scopes: tuple[str, ...] = ()
    bound_to: UUID | None = None


API_TOKEN: Final = "api_token"  # noqa: S105 - a kind
WEBSITE: Final = "website"
EDITOR: Final = "oauth2"
BROWSER: Final = "browser"

_checks: Final[dict[str, Callable[[UUID, str], bool]]] = {}


def register(kind: str, is_good: Callable[[UUID, str], bool]) -> None:
    """`is_good(user_id, credential_id)` is called while acting as that user."""
    _checks[kind] = is_good


def is_still_good(credential: Credential, user_id: UUID) -> bool:
    return _checks[credential.kind](user_id, credential.id)
