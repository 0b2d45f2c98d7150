"""A typed client of the Symphony API.

with Client("http://127.0.0.1:8000", token="sym_...") as symphony:
    for melody in symphony.melodies.list(search="review"):
        print(melody.name)
"""

from __future__ import annotations

from symphony_client._base import UNSET, AsyncPages, Pages, Unset
from symphony_client._transport import Retries
from symphony_client.client import AsyncClient, Client
from symphony_client.errors import (
    Conflict,
    ConnectionLost,
    Forbidden,
    Invalid,
    NotFound,
    NotSignedIn,
    Outdated,
    Problem,
    SymphonyError,
    TooMany,
)
from symphony_client.following import AsyncFollowing, Event, Following

__all__ = [
    "UNSET",
    "AsyncClient",
    "AsyncFollowing",
    "AsyncPages",
    "Client",
    "Conflict",
    "ConnectionLost",
    "Event",
    "Following",
    "Forbidden",
    "Invalid",
    "NotFound",
    "NotSignedIn",
    "Outdated",
    "Pages",
    "Problem",
    "Retries",
    "SymphonyError",
    "TooMany",
    "Unset",
]
