"""Real SDKs against local servers that speak the wire formats."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import pytest

from tests.wire import WireServer, anthropic_server, gemini_server
from workers.models import anthropic_api, gemini_api
from workers.models.keys import Key
from workers.models.port import Reply, Watch
from workers.models.request import Message, ModelRequest

MODELS = {"anthropic": "claude-sonnet-5-5", "gemini": "gemini-2.5-flash"}
_CALLS: dict[str, Callable[..., Reply]] = {"anthropic": anthropic_api.call, "gemini": gemini_api.call}


@dataclass
class Wire:
    """One provider's SDK and the server it talks to. `heard` is the text that streamed in the last call, `watch` its
    watch."""

    name: Any
    server: WireServer
    heard: list[str] = field(default_factory=list)
    cancelled: threading.Event = field(default_factory=threading.Event)
    watch: Watch | None = None

    def request(self, prompt: str = "hi", **more: Any) -> ModelRequest:
        return ModelRequest(self.name, MODELS[self.name], (Message("user", prompt),), **more)

    def call(
        self, request: ModelRequest | None = None, *, seconds: float = 20, sampling: bool = True, key: str = "sk-test"
    ) -> Reply:
        request = request or self.request()
        self.heard.clear()
        self.watch = Watch("step", self.cancelled, monotonic() + seconds, None, self.heard.append)
        return _CALLS[self.name](
            request,
            model=request.model,
            max_tokens=100,
            sampling=sampling,
            key=Key(key),
            base_url=self.server.url,
            watch=self.watch,
        )


@pytest.fixture(scope="session")
def wire_servers() -> Iterator[dict[str, WireServer]]:
    with anthropic_server() as claude, gemini_server() as gemini:
        yield {"anthropic": claude, "gemini": gemini}


def wire_server(name: str) -> AbstractContextManager[WireServer]:
    return anthropic_server() if name == "anthropic" else gemini_server()


def wire_of(name: str, servers: dict[str, WireServer]) -> Wire:
    servers[name].requests.clear()
    servers[name].dropped.clear()
    return Wire(name, servers[name])


@pytest.fixture(params=["anthropic", "gemini"])
def wire(request: pytest.FixtureRequest, wire_servers: dict[str, WireServer]) -> Wire:
    """Both of them, one after the other."""
    return wire_of(request.param, wire_servers)


@pytest.fixture
def claude(wire_servers: dict[str, WireServer]) -> Wire:
    return wire_of("anthropic", wire_servers)


@pytest.fixture
def gemini(wire_servers: dict[str, WireServer]) -> Wire:
    return wire_of("gemini", wire_servers)
