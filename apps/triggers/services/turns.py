"""Whose turn it is: what waits is taken in rounds, one of each organization in each, however much one of them has waiting.

The organizations are found by hopping from one to the next in an index, so that a round costs what it takes, not what waits.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from django.conf import settings
from django.db import connection

_WAITING: Final = "state = 'pending' AND ready_at IS NOT NULL"
_ORGANIZATIONS: Final = """
WITH RECURSIVE organizations (id) AS (
  (SELECT organization_id FROM {table} WHERE {waiting} ORDER BY organization_id LIMIT 1)
  UNION ALL
  SELECT (SELECT w.organization_id FROM {table} w WHERE {waiting} AND w.organization_id > o.id
          ORDER BY w.organization_id LIMIT 1)
  FROM organizations o WHERE o.id IS NOT NULL
)
"""
_FIRINGS: Final = (
    _ORGANIZATIONS.format(table="triggers_firing", waiting=_WAITING)
    + f"""
SELECT w.id, o.id FROM organizations o
CROSS JOIN LATERAL (
  SELECT f.id, f.ready_at, row_number() OVER (ORDER BY f.ready_at, f.id) AS turn FROM triggers_firing f
  WHERE f.organization_id = o.id AND f.{_WAITING} AND f.ready_at <= %(now)s
  ORDER BY f.ready_at, f.id LIMIT %(each)s
) w ORDER BY w.turn, w.ready_at, w.id LIMIT %(most)s
"""
)
# Who has no room for what an event would start keeps the event until there is some.
_EVENTS: Final = (
    _ORGANIZATIONS.format(table="triggers_namedevent", waiting="matched IS NULL")
    + f"""
SELECT w.id FROM organizations o
CROSS JOIN LATERAL (
  SELECT e.id, row_number() OVER (ORDER BY e.id) AS turn FROM triggers_namedevent e
  WHERE e.organization_id = o.id AND e.matched IS NULL ORDER BY e.id LIMIT %(each)s
) w
WHERE NOT EXISTS (SELECT FROM triggers_firing f WHERE f.organization_id = o.id AND f.{_WAITING} OFFSET %(room)s - 1)
ORDER BY w.turn, w.id LIMIT %(most)s
"""
)


def ready_firings(*, now: datetime, each: int, most: int) -> list[tuple[UUID, UUID]]:
    """Firings that may be looked at, with their organizations: at most `each` of one, at most `most` in all."""
    with connection.cursor() as cursor:
        cursor.execute(_FIRINGS, {"now": now, "each": each, "most": most})
        return list(cursor.fetchall())


def new_events(*, each: int, most: int) -> list[UUID]:
    """Events that nobody was told of yet."""
    with connection.cursor() as cursor:
        cursor.execute(_EVENTS, {"each": each, "most": most, "room": settings.SYMPHONY_FIRINGS_WAITING_MAX})
        return [identifier for (identifier,) in cursor.fetchall()]


__all__ = ["new_events", "ready_firings"]
