"""The cast and the runs of the applications' tests."""

from tests.apps.conftest import alice, api_of, bob, home_of, orchestra
from tests.apps.executions.conftest import publish, start

__all__ = ["alice", "api_of", "bob", "home_of", "orchestra", "publish", "start"]
