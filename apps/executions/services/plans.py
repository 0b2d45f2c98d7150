"""Storing the plan of a version."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import connection

from apps.melodies.models import MelodyVersion

_PLAN_COLUMNS: Mapping[str, str] = {
    "node": "int",
    "name": "text",
    "kind": "text",
    "queue": "text",
    "inline": "boolean",
    "parent": "int",
    "depth": "smallint",
    "params": "jsonb",
    "condition": "jsonb",
    "successors": "int[]",
    "edge_on": "smallint[]",
    "open": "int",
    "need": "int",
    "wants": "int",
    "tolerates": "boolean",
    "handled": "boolean",
    "ends": "boolean",
    "compensates": "boolean",
    "exclusive": "text",
    "reads": "jsonb",
    "variables": "text[]",
    "options": "jsonb",
    "bodies": "jsonb",
    "rank": "float8",
    "ahead": "jsonb",
    "stripes": "int[]",
    "requires": "text[]",
}


_PLAN_BATCH = 1000
"""Nodes of one statement: as fast as more of them, and the text of a batch stays below a megabyte or so of the web's memory."""


def store_plan(*, version: MelodyVersion, nodes: Iterable[Mapping[str, Any]]) -> None:
    """Store a version's plan, in batches; the keys of a node are the columns of `PlanNode`."""
    columns = ", ".join(f'"{name}"' for name in _PLAN_COLUMNS)
    types = ", ".join(f'"{name}" {kind}' for name, kind in _PLAN_COLUMNS.items())
    # json, not jsonb: the batch is read once, column by column.
    sql = (
        f"INSERT INTO executions_plannode (organization_id, version_id, {columns}) "
        f"SELECT %s, %s, {columns} FROM json_to_recordset(%s) AS r({types})"
    )
    with connection.cursor() as cursor:
        for batch in _batches(nodes, _PLAN_BATCH):
            cursor.execute(sql, [version.organization_id, version.id, json.dumps(batch)])


def _batches(nodes: Iterable[Mapping[str, Any]], size: int) -> Iterable[list[Mapping[str, Any]]]:
    batch: list[Mapping[str, Any]] = []
    for node in nodes:
        batch.append(node)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
