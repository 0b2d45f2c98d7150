"""Local servers that speak the wire formats of the model providers, so that the real SDKs can be driven against them.

    with anthropic_server() as server:
        server.script(Answer("Hello"), Status(429, retry_after="7"), Cut("Hel"))
        ... Anthropic(base_url=server.url) ...
        assert server.requests[0].body["model"] == "claude-x"

Each request takes the next behaviour of the script; when it is used up, the last one is repeated.
"""

from tests.wire.behaviours import Answer, Behaviour, Cut, Garbage, Hang, Received, Slow, Status, StreamError
from tests.wire.server import WireServer, anthropic_server, gemini_server

__all__ = [
    "Answer",
    "Behaviour",
    "Cut",
    "Garbage",
    "Hang",
    "Received",
    "Slow",
    "Status",
    "StreamError",
    "WireServer",
    "anthropic_server",
    "gemini_server",
]
