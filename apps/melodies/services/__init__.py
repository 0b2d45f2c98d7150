"""The only writers of melodies and versions. Call them while acting as the actor (a request does)."""

from __future__ import annotations

from apps.melodies.services.agents import ImportedMelody, assign_agent, create_workflow, import_n8n, read_n8n
from apps.melodies.services.bulk import MOST_AT_ONCE, BulkAction, BulkResult, change_melodies, moderate
from apps.melodies.services.documents import (
    Media,
    check_document,
    create_melody,
    lint_document,
    may_write,
    publish_at,
    publish_version,
    restore_version,
)
from apps.melodies.services.editing import UNCHANGED, Unchanged, change_melody, delete_melodies
from apps.melodies.services.forks import fork_melody
from apps.melodies.services.rows import import_document, publish_graph, save_graph

__all__ = [
    "MOST_AT_ONCE",
    "UNCHANGED",
    "BulkAction",
    "BulkResult",
    "ImportedMelody",
    "Media",
    "Unchanged",
    "assign_agent",
    "change_melodies",
    "change_melody",
    "check_document",
    "create_melody",
    "create_workflow",
    "delete_melodies",
    "fork_melody",
    "import_document",
    "import_n8n",
    "lint_document",
    "may_write",
    "moderate",
    "publish_at",
    "publish_graph",
    "publish_version",
    "read_n8n",
    "restore_version",
    "save_graph",
]
