"""Who may read metrics: whoever has the token, else whoever is at an allowed address. Nobody by default."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import ip_address, ip_network

from django.core.exceptions import ImproperlyConfigured

_BEARER = "bearer "


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer to whoever may not read."""

    status: HTTPStatus
    code: str
    detail: str

    @property
    def headers(self) -> dict[str, str]:
        return {"WWW-Authenticate": 'Bearer realm="metrics"'} if self.status == HTTPStatus.UNAUTHORIZED else {}


_WRONG_TOKEN = Refusal(
    HTTPStatus.UNAUTHORIZED,
    "not_authenticated",
    "Metrics are for whoever sends the right token: Authorization: Bearer TOKEN.",
)
_WRONG_PLACE = Refusal(HTTPStatus.FORBIDDEN, "forbidden", "Metrics are not shown to the address you ask from.")
_NOBODY = Refusal(HTTPStatus.NOT_FOUND, "not_found", "There are no metrics here.")


@dataclass(frozen=True, slots=True)
class Access:
    """With a token, the token is asked for wherever somebody is; without one, the address decides."""

    token: str | None
    networks: tuple[str, ...]

    @property
    def is_open(self) -> bool:
        """Whether anybody at all may read."""
        return bool(self.token or self.networks)

    @property
    def refusal(self) -> Refusal:
        """What is told to whoever is not allowed; where nobody is, that there is nothing."""
        if not self.is_open:
            return _NOBODY
        return _WRONG_TOKEN if self.token else _WRONG_PLACE

    def allows(self, *, authorization: str, address: str) -> bool:
        if self.token:
            given = authorization[len(_BEARER) :] if authorization.lower().startswith(_BEARER) else ""
            return hmac.compare_digest(given.encode("utf-8", "replace"), self.token.encode())
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        return any(parsed in ip_network(network) for network in self.networks)


def networks(items: Sequence[str]) -> tuple[str, ...]:
    """As the standard writes them, for the settings; ImproperlyConfigured for what is none."""
    try:
        return tuple(str(ip_network(item, strict=False)) for item in items)
    except ValueError as error:
        raise ImproperlyConfigured(
            f"SYMPHONY_METRICS_ALLOW names networks or addresses such as 10.0.0.0/8 with commas: {error}."
        ) from None
