"""The state of a LangGraph thread as JSON, so that a paused graph can go on in another process.

LangGraph's own saver in memory holds it while the graph runs; here its bytes are taken out and put back. Of each namespace
(the graph, and each graph within it) the last checkpoint is kept, with the values and the pending writes it refers to.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any, Final

from langgraph.checkpoint.memory import InMemorySaver

FORMAT: Final = 1


class CheckpointBrokenError(ValueError):
    """What was kept of a thread cannot be read."""


def pack(saver: InMemorySaver, thread_id: str) -> dict[str, Any]:
    """Everything that is needed to go on with the thread."""
    kept = []
    for namespace, checkpoints in saver.storage.get(thread_id, {}).items():
        if not checkpoints:
            continue
        last = max(checkpoints)
        checkpoint, metadata, _ = checkpoints[last]
        versions = saver.serde.loads_typed(checkpoint).get("channel_versions", {})
        values = [
            [channel, version, *_written(saver.blobs[thread_id, namespace, channel, version])]
            for channel, version in versions.items()
            if (thread_id, namespace, channel, version) in saver.blobs
        ]
        writes = [
            [task, index, channel, *_written(value), path]
            for (task, index), (_, channel, value, path) in saver.writes.get((thread_id, namespace, last), {}).items()
        ]
        kept.append(
            {
                "namespace": namespace,
                "id": last,
                "checkpoint": _written(checkpoint),
                "metadata": _written(metadata),
                "values": values,
                "writes": writes,
            }
        )
    return {"format": FORMAT, "thread_id": thread_id, "namespaces": kept}


def unpack(record: Mapping[str, Any]) -> InMemorySaver:
    """A saver that goes on where the other was when it was packed."""
    saver = InMemorySaver()
    try:
        if record["format"] != FORMAT:
            raise CheckpointBrokenError("The checkpoint was kept by another release.")
        thread_id = record["thread_id"]
        for kept in record["namespaces"]:
            namespace, last = kept["namespace"], kept["id"]
            saver.storage[thread_id][namespace][last] = (_read(kept["checkpoint"]), _read(kept["metadata"]), None)
            for channel, version, *value in kept["values"]:
                saver.blobs[thread_id, namespace, channel, version] = _read(value)
            for task, index, channel, kind, data, path in kept["writes"]:
                saver.writes[thread_id, namespace, last][task, index] = (task, channel, _read([kind, data]), path)
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointBrokenError("The checkpoint cannot be read.") from error
    return saver


def _written(typed: tuple[str, bytes]) -> list[str]:
    return [typed[0], base64.b64encode(typed[1]).decode("ascii")]


def _read(pair: Any) -> tuple[str, bytes]:
    kind, data = pair
    return str(kind), base64.b64decode(data, validate=True)


__all__ = ["CheckpointBrokenError", "pack", "unpack"]
