"""What the app of projects tells those above it."""

from __future__ import annotations

from django.dispatch import Signal

project_deleted = Signal()
"""Sent inside the transaction that deletes a project, before its row goes, with `project`. A receiver that raises keeps it."""
