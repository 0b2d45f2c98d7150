"""What the app of projects tells those above it."""

from __future__ import annotations

from django.dispatch import Signal

project_deleted = Signal()
"""Sent inside the transaction that deletes a project, before its row goes, with `project`. A receiver that raises keeps it."""

secrets_rotating = Signal()
"""Sent while secrets are sealed with the newest key, to apps that keep sealed values of their own. A receiver seals its own
and returns how many those were, and the names of those that none of the keys opens."""
