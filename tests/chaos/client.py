"""Somebody who uses the API while everything around it dies: asks again, under the same key, until there is an answer."""

from __future__ import annotations

import http.client
import json
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

ASK_AGAIN = 0.1
ANSWER_SECONDS = 5.0


class Unanswered(Exception):
    """Nobody answered, or somebody who could not: to be asked again."""


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: Any


@dataclass(slots=True)
class Client:
    """`meanwhile` is called before each question that is asked again: whoever has to revive the server does it there."""

    url: str
    token: str
    meanwhile: Callable[[], None] = lambda: None
    asked_again: int = 0

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None, key: str | None = None) -> Answer:
        """Once. 5xx and silence are `Unanswered`."""
        request = urllib.request.Request(
            f"{self.url}/api/v1/{path}", method=method, data=None if body is None else json.dumps(body).encode()
        )
        request.add_header("Authorization", f"Token {self.token}")
        request.add_header("Content-Type", "application/json")
        if key is not None:
            request.add_header("Idempotency-Key", key)
        try:
            with urllib.request.urlopen(request, timeout=ANSWER_SECONDS) as response:
                return Answer(response.status, json.loads(response.read() or b"null"))
        except urllib.error.HTTPError as error:
            if error.code >= 500 or error.code == 429:
                raise Unanswered(f"{error.code} {error.read()[:200]!r}") from None
            return Answer(error.code, json.loads(error.read() or b"null"))
        except (OSError, ValueError, http.client.HTTPException) as error:
            raise Unanswered(repr(error)) from None

    def insist(
        self, method: str, path: str, body: Mapping[str, Any] | None = None, key: str | None = None, seconds: float = 60
    ) -> Answer:
        deadline = time.monotonic() + seconds
        pause = threading.Event()
        while True:
            try:
                return self.ask(method, path, body, key)
            except Unanswered as silence:
                if time.monotonic() > deadline:
                    raise AssertionError(
                        f"{method} {path}: no answer in {seconds:.0f} seconds, last {silence}"
                    ) from None
            self.asked_again += 1
            self.meanwhile()
            pause.wait(ASK_AGAIN)
