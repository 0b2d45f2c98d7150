"""Real workers, as in the chaos tests, but nobody harms them."""

from tests.chaos.conftest import alice, broker, engine

__all__ = ["alice", "broker", "engine"]
