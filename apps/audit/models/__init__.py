from __future__ import annotations

from apps.audit.models.history import HISTORIES, TRACKED, RowHistory, Tracked, history_of, rows_of, unaccounted
from apps.audit.models.trail import ActorKind, AuditChain, AuditEntry, AuditSegment

__all__ = [
    "HISTORIES",
    "TRACKED",
    "ActorKind",
    "AuditChain",
    "AuditEntry",
    "AuditSegment",
    "RowHistory",
    "Tracked",
    "history_of",
    "rows_of",
    "unaccounted",
]
