"""From nodes and edges to the steps of a melody, list by list: the workflow's own, and the body of each loop."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from apps.melodies.definition.n8n import translating
from apps.melodies.definition.n8n.catalogue import LOOPS, ROUTES, TEXTS, TRANSLATIONS, loop_output, part_of
from apps.melodies.definition.n8n.graph import body_of, in_order
from apps.melodies.definition.n8n.model import MOST_ISSUES, Edge, Issue, Node, UntranslatableError, Workflow
from apps.melodies.definition.n8n.notes import note
from apps.melodies.definition.n8n.sources import Reach, Source
from apps.melodies.definition.n8n.texts import literal
from apps.melodies.definition.n8n.translating import Fields, Place, route_variable, variable

DEEPEST: Final = 8
_KEPT: Final = frozenset({"set", "if", "filter", "switch", "merge", "noOp"})


class Assembly:
    """One import under way."""

    def __init__(self, workflow: Workflow) -> None:
        self.workflow = workflow
        self.issues: list[Issue] = list(workflow.issues)
        self.names: dict[str, str] = {}
        self.positions: dict[str, tuple[float, float]] = {}
        self._taken: set[str] = set()
        self._routes: set[str] = set()
        self._conditional: set[str] = set()
        self._main = [edge for edge in workflow.edges if edge.port == "main"]
        self._models = self._sub_nodes()

    def steps(self) -> list[Fields]:
        subordinate = {edge.source for edge in self.workflow.edges if edge.port != "main"}
        top = [
            name for name, node in self.workflow.nodes.items() if part_of(node) != "ignored" and name not in subordinate
        ]
        return self._list(top, {}, loop=None, depth=0)

    def tell(self, node: Node, code: str, message: str, *, warning: bool = False) -> None:
        if len(self.issues) < MOST_ISSUES:
            self.issues.append(Issue(node.name, node.type, code, message, "warning" if warning else "error"))

    def _sub_nodes(self) -> dict[str, list[Node]]:
        """The models of nodes that ask one; of other sub-nodes (tools, memory) it is told that they stay behind."""
        models: dict[str, list[Node]] = {}
        for edge in self.workflow.edges:
            if edge.port == "main":
                continue
            node = self.workflow.nodes[edge.source]
            if edge.port == "ai_languageModel":
                models.setdefault(edge.target, []).append(node)
            else:
                self.tell(
                    node,
                    "sub_node_left_behind",
                    f"A sub-node ({edge.port}) has no counterpart; left out.",
                    warning=True,
                )
        return models

    def _list(
        self, names: Sequence[str], before: Mapping[str, Source], *, loop: str | None, depth: int
    ) -> list[Fields]:
        """The steps of one list. `before` is what the nodes around it give; `loop` is the loop it is the body of."""
        bodies = self._bodies(names, depth)
        own = [name for name in names if not any(name in body for body in bodies.values())]
        members = set(own)
        edges = [
            edge
            for edge in self._main
            if edge.source in members and edge.target in members and self._is_inner(edge, bodies)
        ]
        self._tell_of_lost(members, bodies, loop)
        order, circles = in_order(own, edges)
        for edge in circles:
            self.tell(
                self.workflow.nodes[edge.source],
                "circle",
                f"The edge to {edge.target[:80]!r} closes a circle; left out.",
            )
        edges = [edge for edge in edges if edge not in circles]
        reach = dict(before)
        steps: list[Fields] = []
        for name in order:
            incoming = sorted((edge for edge in edges if edge.target == name), key=lambda edge: edge.input)
            steps += self._node(name, incoming, reach, loop=loop, body=bodies.get(name), depth=depth)
        return steps

    def _bodies(self, names: Sequence[str], depth: int) -> dict[str, set[str]]:
        """Loops of this list with the nodes inside them; a loop within another is the other's business."""
        found: dict[str, set[str]] = {}
        members = set(names)
        edges = [edge for edge in self._main if edge.source in members and edge.target in members]
        for name in names:
            node = self.workflow.nodes[name]
            if node.kind in LOOPS and depth < DEEPEST and not any(name in body for body in found.values()):
                body = body_of(name, loop_output(node), edges) - {name}
                found = {other: inside for other, inside in found.items() if other not in body}
                # What a loop before it has inside stays there.
                found[name] = body - {one for inside in found.values() for one in inside} - set(found)
        return found

    def _is_inner(self, edge: Edge, bodies: Mapping[str, Collection[str]]) -> bool:
        """Not an edge from a loop into its body, and no step back to the loop."""
        return edge.source not in bodies or edge.output != loop_output(self.workflow.nodes[edge.source])

    def _tell_of_lost(self, members: Collection[str], bodies: Mapping[str, Collection[str]], loop: str | None) -> None:
        for edge in self._main:
            home = next((name for name, body in bodies.items() if edge.source in body), None)
            if home is not None and edge.target not in bodies[home] and edge.target != home and edge.target in members:
                self.tell(
                    self.workflow.nodes[edge.source],
                    "leaves_loop",
                    f"The edge to {edge.target[:80]!r} leads out of a loop before its end; left out.",
                )

    # -- one node ----------------------------------------------------------------------------------------------------
    def _node(
        self,
        name: str,
        incoming: Sequence[Edge],
        reach: dict[str, Source],
        *,
        loop: str | None,
        body: Collection[str] | None,
        depth: int,
    ) -> list[Fields]:
        node = self.workflow.nodes[name]
        step = self._name(node)
        inputs = self._inputs(name, incoming, reach, loop)
        given = (
            inputs[0]
            if len(inputs) == 1
            else Source(f"coalesce({', '.join(one.expression for one in inputs)})" if inputs else "inputs")
        )
        place = Place(
            node=node,
            step=step,
            data=Reach(given, reach),
            inputs=[one.expression for one in inputs],
            conditional=any(self._is_conditional(edge) for edge in incoming),
            models=self._models.get(name, ()),
            in_loop=loop is not None,
        )
        if place.conditional:
            self._conditional.add(name)
        edges, gates = self._needs(incoming, step)
        try:
            if body is not None and not node.disabled:
                fields = self._loop(place, sorted(body, key=list(self.workflow.nodes).index), reach, depth)
            else:
                fields = self._translated(place)
        except UntranslatableError as error:
            self.tell(node, "no_counterpart", f"Not translated: {error}.")
            fields = note(node, str(error))
        for issue in place.issues:
            self.tell(node, issue.code, issue.message, warning=True)
        reach[name] = self._source(node, step, fields)
        return [*gates, {"name": step, **fields, **self._settings(node, fields), **edges}]

    def _translated(self, place: Place) -> Fields:
        node = place.node
        if node.disabled:
            place.warn("disabled", "The node was disabled: what comes in is passed on.")
            return translating.passes_on(place)
        if part_of(node) == "trigger":
            return translating.trigger(place)
        translate = TRANSLATIONS.get(node.kind)
        if translate is None:
            raise UntranslatableError(f"nodes of type {node.type[:100]}")
        fields = translate(place)
        if node.kind in ROUTES:
            self._routes.add(node.name)
        return fields

    def _loop(self, place: Place, body: Sequence[str], reach: Mapping[str, Source], depth: int) -> Fields:
        if not body:
            raise UntranslatableError("a loop with nothing in it")
        if place.node.parameters.get("batchSize", 1) not in (1, None):
            place.warn("one_by_one", "Items are looked at one by one, not in batches.")
        steps = self._list(body, reach, loop=place.node.name, depth=depth + 1)
        return {
            "type": "for_loop",
            "iterator": f"{place.step}_item",
            "data_source": place.given,
            "mode": "dag",
            "steps": steps,
        }

    def _inputs(
        self, name: str, incoming: Sequence[Edge], reach: Mapping[str, Source], loop: str | None
    ) -> list[Source]:
        found = [reach[edge.source] for edge in incoming if edge.source in reach]
        if loop is not None and any(edge.source == loop and edge.target == name for edge in self._main):
            found.insert(0, Source(f"loop.{self.names[loop]}_item"))
        return list(dict.fromkeys(found))

    def _is_conditional(self, edge: Edge) -> bool:
        return edge.source in self._routes or edge.source in self._conditional

    def _needs(self, incoming: Sequence[Edge], step: str) -> tuple[Fields, list[Fields]]:
        """`depends_on` and `condition` of a step, and the gates it needs where several ways lead to it."""
        if not incoming:
            return {}, []
        by_source: dict[str, list[Edge]] = {}
        for edge in incoming:
            by_source.setdefault(edge.source, []).append(edge)
        needs: list[Any] = []
        gates: list[Fields] = []
        condition = None
        for source, edges in by_source.items():
            before = self.names[source]
            test = self._test(source, edges)
            if test is not None and len(by_source) > 1:
                before, gate = self._gate(before, test, step)
                gates.append(gate)
            elif test is not None:
                condition = test
            needs.append({"step": before, "on": "failure"} if self._is_failure(edges) else before)
        return {"depends_on": needs, **({"condition": condition} if condition else {})}, gates

    def _test(self, source: str, edges: Sequence[Edge]) -> str | None:
        if source not in self._routes:
            return None
        variable_name = route_variable(self.names[source])
        return " or ".join(f"state.{variable_name} == {number}" for number in sorted({edge.output for edge in edges}))

    def _gate(self, before: str, test: str, step: str) -> tuple[str, Fields]:
        name = self._free(f"{before}_to_{step}")
        return name, {
            "name": name,
            "type": "set_variable",
            "variables": {variable(name): True},
            "depends_on": [before],
            "condition": test,
        }

    def _is_failure(self, edges: Sequence[Edge]) -> bool:
        """The second output of a node that may fail is its error."""
        node = self.workflow.nodes[edges[0].source]
        return (
            node.settings.get("onError") == "continueErrorOutput"
            and node.name not in self._routes
            and all(edge.output == 1 for edge in edges)
        )

    def _settings(self, node: Node, fields: Fields) -> Fields:
        found: Fields = {"description": literal(f"n8n: {node.name}")[:500]}
        if fields.get("enabled") is False:
            return {}
        if node.settings.get("continueOnFail") is True or node.settings.get("onError") == "continueRegularOutput":
            found["continue_on_error"] = True
        tries, pause = node.settings.get("maxTries", 3), node.settings.get("waitBetweenTries", 1000)
        if node.settings.get("retryOnFail") is True and _is_count(tries, 20) and _is_count(pause, 300_000):
            found["retry"] = {"max_attempts": max(tries, 2), "delay_seconds": pause / 1000, "backoff": "constant"}
        return found

    def _source(self, node: Node, step: str, fields: Fields) -> Source:
        """Where what the node gives is found."""
        kind = fields["type"]
        if kind == "set_variable":
            return Source(f"state.{variable(step)}")
        if kind == "for_loop":
            return Source(f"steps.{step}.iterations[*].item")
        fields_of = {"http": ".body", "python": ".value", "signal": ".payload", "data_transform": ".items"}
        return Source(
            f"steps.{step}{fields_of.get(kind, '')}", is_text=kind in ("claude", "gemini") and node.kind in TEXTS
        )

    def _name(self, node: Node) -> str:
        plain = unicodedata.normalize("NFKD", node.name).encode("ascii", "ignore").decode()
        word = re.sub(r"\W+", "_", plain, flags=re.ASCII).strip("_")[:50] or "node"
        name = self._free(word if word[0].isalpha() else f"n_{word}")
        self.names[node.name] = name
        self.positions[name] = node.position
        return name

    def _free(self, word: str) -> str:
        word, number = word[:90], 2
        name = word
        while name.lower() in self._taken:
            name, number = f"{word}_{number}", number + 1
        self._taken.add(name.lower())
        return name


def _is_count(value: Any, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most


__all__ = ["Assembly"]
