"""A lineage as a document of the W3C provenance model: PROV-JSON (https://www.w3.org/submissions/prov-json/)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final
from urllib.parse import quote

from apps.executions.lineage import Lineage, Link, Step
from apps.executions.models import Artifact, Execution
from apps.executions.states import TaskStatus

MEDIA_TYPE: Final = "application/json"
_PREFIXES: Final = {
    name: f"urn:symphony:{name}:"
    for name in ("artifact", "result", "task", "run", "version", "worker", "person", "organization")
} | {"symphony": "urn:symphony:terms:"}
_READS: Final = frozenset({"read", "collects"})
"""A step uses the results it reads, and those it collects; of the others it only knows that they have ended."""


def prov_json(lineage: Lineage) -> dict[str, Any]:
    """Steps are activities, artifacts and results entities; workers, the person who started the run and the organization are
    agents; versions are plans."""
    document = _Document()
    document.run(lineage.execution)
    for step in (lineage.made_by, *lineage.made_from, *lineage.made_into):
        document.step(step)
    for link in lineage.links:
        document.link(link)
    for other in lineage.same_bytes:
        document.artifact(other)
        document.relate("alternateOf", alternate1=f"artifact:{lineage.artifact.pk}", alternate2=f"artifact:{other.pk}")
    return document.content


class _Document:
    def __init__(self) -> None:
        self.content: dict[str, Any] = {"prefix": dict(_PREFIXES), "entity": {}, "activity": {}, "agent": {}}
        self._left: dict[str, list[str]] = {}
        self._count = 0

    def relate(self, relation: str, **ends: str) -> None:
        self._count += 1
        told = {f"prov:{name}": value for name, value in ends.items()}
        self.content.setdefault(relation, {})[f"_:r{self._count}"] = told

    def run(self, execution: Execution) -> None:
        run, organization = f"run:{execution.pk}", f"organization:{execution.organization_id}"
        person = f"person:{execution.created_by_id}"
        self.content["activity"][run] = _present(
            {
                "prov:startTime": _time(execution.started_at),
                "prov:endTime": _time(execution.completed_at),
                "symphony:melody": str(execution.melody_id),
                "symphony:status": execution.status,
            }
        )
        self._plan(execution.version_sha256)
        self.content["agent"][organization] = {"prov:type": _name("prov:Organization")}
        self.content["agent"][person] = {"prov:type": _name("prov:Person")}
        self.relate("wasAssociatedWith", activity=run, agent=person, plan=f"version:{execution.version_sha256}")
        self.relate("actedOnBehalfOf", delegate=person, responsible=organization)

    def step(self, step: Step) -> None:
        task, activity = step.task, f"task:{step.task.pk}"
        self.content["activity"][activity] = _present(
            {
                "prov:label": task.name,
                "prov:startTime": _time(task.started_at),
                "prov:endTime": _time(task.completed_at),
                "symphony:kind": task.kind,
                "symphony:status": task.status,
                "symphony:attempt": _whole(task.attempt),
            }
        )
        self.relate("wasStartedBy", activity=activity, starter=f"run:{task.execution_id}")
        self._plan(step.version_sha256)
        if task.worker:
            worker = f"worker:{quote(task.worker, safe='')}"
            self.content["agent"][worker] = {"prov:type": _name("prov:SoftwareAgent"), "prov:label": task.worker}
            self.relate("wasAssociatedWith", activity=activity, agent=worker, plan=f"version:{step.version_sha256}")
        self._left[activity] = list(self._products(step))
        for entity in self._left[activity]:
            self.relate("wasGeneratedBy", entity=entity, activity=activity)

    def link(self, link: Link) -> None:
        task, source = f"task:{link.task}", f"task:{link.source}"
        result = f"result:{link.source}"
        if link.relation == "kept":
            self.relate("wasDerivedFrom", generatedEntity=f"result:{link.task}", usedEntity=result)
        elif link.relation in _READS and result in self.content["entity"]:
            self.relate("used", activity=task, entity=result)
            for entity in self._left.get(task, ()):
                self.relate("wasDerivedFrom", generatedEntity=entity, usedEntity=result, activity=task)
        else:
            self.relate("wasInformedBy", informed=task, informant=source)

    def artifact(self, artifact: Artifact) -> str:
        entity = f"artifact:{artifact.pk}"
        self.content["entity"][entity] = {
            "prov:label": artifact.name,
            "symphony:mediaType": artifact.content_type,
            "symphony:sha256": artifact.content_hash,
            "symphony:bytes": _whole(artifact.size),
        }
        return entity

    def _products(self, step: Step) -> Iterator[str]:
        yield from (self.artifact(artifact) for artifact in step.artifacts)
        if step.task.status == TaskStatus.COMPLETED:
            entity = f"result:{step.task.pk}"
            self.content["entity"][entity] = _present(
                {
                    "prov:label": f"the result of {step.task.name}",
                    "symphony:sha256": step.task.output_ref,
                    "symphony:bytes": None if step.result_size is None else _whole(step.result_size),
                }
            )
            yield entity

    def _plan(self, sha256: str) -> None:
        self.content["entity"][f"version:{sha256}"] = {"prov:type": _name("prov:Plan"), "symphony:sha256": sha256}


def _present(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if value is not None}


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _name(qualified: str) -> dict[str, str]:
    return {"$": qualified, "type": "prov:QUALIFIED_NAME"}


def _whole(number: int) -> dict[str, str]:
    return {"$": str(number), "type": "xsd:long"}
