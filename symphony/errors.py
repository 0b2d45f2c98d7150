"""What goes wrong while the stack is started or kept running."""

from __future__ import annotations


class StackError(Exception):
    """A start-up problem a person can mend; the message is one sentence that says how."""
