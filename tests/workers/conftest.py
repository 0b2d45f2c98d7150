"""The cast of the app tests plays here too."""

from tests.apps.conftest import alice, bob

__all__ = ["alice", "bob"]
