"""What the app of agents tells those above it."""

from __future__ import annotations

from django.dispatch import Signal

agent_deleting = Signal()
"""Sent inside the transaction that deletes an agent, before its row goes, with `agent`. A receiver that raises keeps it."""
