"""What the app of melodies tells those above it."""

from __future__ import annotations

from django.dispatch import Signal

version_published = Signal()
"""Sent inside the transaction that stores a version, with `version` (MelodyVersion) and `definition` (Definition).
A receiver that raises undoes the version."""

melodies_deleting = Signal()
"""Sent inside the transaction that deletes melodies, before it does, with `melody_ids` (a list). A receiver that keeps what
must not be lost raises `MelodyInUse`; one that keeps rows no foreign key leads to removes them."""
