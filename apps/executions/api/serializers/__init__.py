"""Runs and what belongs to them, as the API says and takes it."""

from apps.executions.api.serializers.executions import ExecutionDetailSerializer, ExecutionSerializer
from apps.executions.api.serializers.fields import EXECUTION_STATUSES, MAX_VERSION, TASK_STATUSES
from apps.executions.api.serializers.graphs import EDGE_NAMES, STRIPED, EdgeSerializer, GraphSerializer, NodeSerializer
from apps.executions.api.serializers.inputs import CancelInput, PauseInput, StartInput
from apps.executions.api.serializers.records import ArtifactSerializer, EventSerializer
from apps.executions.api.serializers.tasks import (
    DECISION,
    WAITING_FOR,
    TaskDetailSerializer,
    TaskSerializer,
    told_waiting,
)

__all__ = [
    "DECISION",
    "EDGE_NAMES",
    "EXECUTION_STATUSES",
    "MAX_VERSION",
    "STRIPED",
    "TASK_STATUSES",
    "WAITING_FOR",
    "ArtifactSerializer",
    "CancelInput",
    "EdgeSerializer",
    "EventSerializer",
    "ExecutionDetailSerializer",
    "ExecutionSerializer",
    "GraphSerializer",
    "NodeSerializer",
    "PauseInput",
    "StartInput",
    "TaskDetailSerializer",
    "TaskSerializer",
    "told_waiting",
]
