"""What an editor sends and gets of a graph."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from rest_framework import serializers

from apps.melodies.api.parsers import SentDocument
from apps.melodies.api.serializers import ProblemSerializer
from apps.melodies.definition import InvalidDocument, parse
from apps.melodies.definition.pointers import child
from apps.melodies.definition.rows import HEIGHT, INPUT, OUTPUT, WIDTH, ConnectionRow, Graph, StepRow
from apps.melodies.errors import GraphInvalid
from apps.melodies.graphs import MelodyRows
from apps.melodies.models import LONGEST_LABEL, ConnectionOrigin

Name = Annotated[str, Field(min_length=1, max_length=LONGEST_LABEL)]
Label = Annotated[str, Field(max_length=LONGEST_LABEL)]
Place = Annotated[float, Field(allow_inf_nan=False)]
Index = Annotated[int, Field(ge=0, lt=2**31)]
_MOST_SHOWN: Final = 1_000


class _Sent(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)


class SentStep(_Sent):
    id: Name
    name: Name
    type: Name
    enabled: bool = True
    config: dict[str, Any] = Field(default_factory=dict)
    parent_step: Name | None = None
    body: Label = ""
    label: Label = ""
    order_index: Index | None = None
    position_x: Place = 0.0
    position_y: Place = 0.0
    width: Annotated[Place, Field(gt=0)] = WIDTH
    height: Annotated[Place, Field(gt=0)] = HEIGHT


class SentConnection(_Sent):
    from_step: Name
    to_step: Name
    from_output: Name | None = None
    to_input: Name = INPUT
    origin: Literal["connection", "dependency"] = "connection"
    order_index: Index | None = None
    extra: dict[str, Any] = Field(default_factory=dict)
    path_data: Any = None


class SentGraph(_Sent):
    workflow: dict[str, Any] | None = None
    beside: dict[str, Any] | None = None
    steps: list[SentStep]
    connections: list[SentConnection] = Field(default_factory=list)


def sent_graph(sent: SentDocument, current: Graph) -> Graph:
    """The rows of a request. Fields of the workflow that were not sent stay as they are."""
    try:
        body = SentGraph.model_validate(_value(sent))
    except ValidationError as error:
        raise GraphInvalid("Some rows are not as they should be.", errors=_complaints(error)) from None
    steps = [
        StepRow(
            step.id, step.name, step.type, step.config, step.enabled, step.parent_step, step.body, step.label,
            index if step.order_index is None else step.order_index,
            step.position_x, step.position_y, step.width, step.height,
        )
        for index, step in enumerate(body.steps)
    ]  # fmt: skip
    connections = [_connection(edge, index) for index, edge in enumerate(body.connections)]
    workflow = current.workflow if body.workflow is None else body.workflow
    return Graph(workflow, steps, connections, current.beside if body.beside is None else body.beside)


def _value(sent: SentDocument) -> Any:
    """The body's JSON, held to the same bounds as a document."""
    try:
        parsed = parse(sent.source, media="json")
        problems = list(parsed.problems)
        value = parsed.value
    except InvalidDocument as invalid:
        problems, value = invalid.problems, None
    if problems:
        told = [{"code": problem.code, "message": problem.message, "pointer": problem.pointer} for problem in problems]
        raise GraphInvalid("The body is not JSON that can be read.", errors=told)
    return value


def _connection(edge: SentConnection, index: int) -> ConnectionRow:
    usual = OUTPUT if edge.origin == "connection" else "success"
    return ConnectionRow(
        edge.from_step, edge.to_step, edge.from_output or usual, edge.to_input, edge.origin,
        index if edge.order_index is None else edge.order_index, edge.extra, edge.path_data,
    )  # fmt: skip


def _complaints(error: ValidationError) -> list[dict[str, Any]]:
    found = []
    for detail in error.errors(include_url=False, include_context=False, include_input=False)[:_MOST_SHOWN]:
        pointer = ""
        for part in detail["loc"]:
            pointer = child(pointer, part)
        message = detail["msg"].removeprefix("Input should be ")
        found.append({"code": detail["type"], "message": f"This should be {message}.", "pointer": pointer})
    return found


def graph_body(rows: MelodyRows) -> dict[str, Any]:
    return {
        "revision": rows.revision,
        "version": rows.version.number,
        "changed": rows.changed,
        "behind": rows.behind,
        "workflow": rows.graph.workflow,
        "beside": rows.graph.beside,
        "steps": [
            {
                "id": row.id, "name": row.name, "type": row.type, "enabled": row.enabled, "config": row.config,
                "parent_step": row.parent, "body": row.body, "label": row.label, "order_index": row.order_index,
                "position_x": row.position_x, "position_y": row.position_y, "width": row.width, "height": row.height,
            }
            for row in rows.graph.steps
        ],
        "connections": [
            {
                "from_step": edge.from_step, "to_step": edge.to_step, "from_output": edge.from_output,
                "to_input": edge.to_input, "origin": edge.origin, "order_index": edge.order_index, "extra": edge.extra,
                "path_data": edge.path_data,
            }
            for edge in rows.graph.connections
        ],
    }  # fmt: skip


# -- for the OpenAPI document --------------------------------------------------------------------------------------
class StepRowSerializer(serializers.Serializer[Any]):
    id = serializers.CharField(help_text="A UUID; of a new step any text, which gets one.")
    name = serializers.CharField(max_length=LONGEST_LABEL)
    type = serializers.CharField(max_length=LONGEST_LABEL)
    enabled = serializers.BooleanField(default=True)
    config = serializers.DictField(default=dict, help_text="All other fields of the step, but for steps inside it.")
    parent_step = serializers.CharField(allow_null=True, default=None, help_text="The id of the step around it.")
    body = serializers.CharField(default="", allow_blank=True, help_text="The field of that step it stands in.")
    label = serializers.CharField(  # type: ignore[assignment]  # a field
        default="", allow_blank=True, help_text="Its key there: a case of a switch."
    )
    order_index = serializers.IntegerField(min_value=0, required=False, help_text="Its place in its list of steps.")
    position_x = serializers.FloatField(default=0)
    position_y = serializers.FloatField(default=0)
    width = serializers.FloatField(default=WIDTH)
    height = serializers.FloatField(default=HEIGHT)


class ConnectionRowSerializer(serializers.Serializer[Any]):
    from_step = serializers.CharField()
    to_step = serializers.CharField(help_text="A step of the same list.")
    from_output = serializers.CharField(
        required=False,
        help_text="A port; of a dependency the outcome that is waited for: success, failure, skipped, done.",
    )
    to_input = serializers.CharField(default=INPUT)
    origin = serializers.ChoiceField(
        choices=ConnectionOrigin.choices,
        default="connection",
        help_text="Where it is written: in `connections`, or in the `depends_on` of the step it leads to.",
    )
    order_index = serializers.IntegerField(min_value=0, required=False)
    extra = serializers.DictField(default=dict, help_text="How it was written; send back what you got.")
    path_data = serializers.JSONField(allow_null=True, default=None, help_text="Of the editor: how the line is drawn.")


class SentGraphSerializer(serializers.Serializer[Any]):
    workflow = serializers.DictField(required=False, help_text="Fields of the workflow but its steps and connections.")
    beside = serializers.DictField(required=False, help_text="What stands in the document beside `workflow`.")
    steps = StepRowSerializer(many=True)
    connections = ConnectionRowSerializer(many=True, required=False)


class MelodyGraphSerializer(SentGraphSerializer):
    revision = serializers.IntegerField(help_text="Counts the changes; 0 while nobody has stored any. Also the ETag.")
    version = serializers.IntegerField(help_text="The version these rows are of, or were before they were changed.")
    changed = serializers.BooleanField(help_text="Whether they differ from that version.")
    behind = serializers.BooleanField(help_text="Whether a later version was published since.")
    problems = ProblemSerializer(
        many=True, required=False, help_text="After a PUT: what keeps it from being published."
    )
