"""To be included under `api/v1/`."""

from __future__ import annotations

from django.urls import path

from apps.core.api.routes import route
from apps.executions.api.agents import AgentExecutionListView
from apps.executions.api.approvals import ApprovalListView, DecisionListView, DecisionView
from apps.executions.api.content import ArtifactContentView
from apps.executions.api.control import CancelView, PauseView, ResumeView
from apps.executions.api.control_again import BulkView, RerunView, ResultView, RetryView, SkipView
from apps.executions.api.explain import ExecutionExplanationView, TaskExplanationView
from apps.executions.api.lineage import LineageView, ProvenanceView, StorageView
from apps.executions.api.pools import PoolListView, PoolView, PriorityView
from apps.executions.api.signals import SignalsView
from apps.executions.api.statistics import StatisticsView
from apps.executions.api.stream import stream_view
from apps.executions.api.views import (
    ArtifactListView,
    ArtifactView,
    EventListView,
    ExecutionListView,
    ExecutionView,
    GraphView,
    MelodyExecutionsView,
    SpendingView,
    TaskListView,
    TaskView,
)
from apps.executions.api.workers import WorkerListView

urlpatterns = [
    *route("melodies/<uuid:melody_id>/executions/", MelodyExecutionsView, "melody-executions"),
    *route("melodies/<uuid:melody_id>/statistics/", StatisticsView, "melody-statistics"),
    *route("agents/<uuid:agent_id>/executions/", AgentExecutionListView, "agent-executions"),
    *route("executions/", ExecutionListView, "executions"),
    *route("executions/bulk/", BulkView, "executions-bulk"),
    *route("executions/<uuid:execution_id>/", ExecutionView, "execution"),
    *route("executions/<uuid:execution_id>/cancel/", CancelView, "execution-cancel"),
    *route("executions/<uuid:execution_id>/pause/", PauseView, "execution-pause"),
    *route("executions/<uuid:execution_id>/resume/", ResumeView, "execution-resume"),
    *route("executions/<uuid:execution_id>/priority/", PriorityView, "execution-priority"),
    *route("executions/<uuid:execution_id>/retry/", RetryView, "execution-retry"),
    *route("executions/<uuid:execution_id>/rerun/", RerunView, "execution-rerun"),
    *route("executions/<uuid:execution_id>/tasks/", TaskListView, "execution-tasks"),
    *route("executions/<uuid:execution_id>/events/", EventListView, "execution-events"),
    *route("executions/<uuid:execution_id>/artifacts/", ArtifactListView, "execution-artifacts"),
    *route("executions/<uuid:execution_id>/graph/", GraphView, "execution-graph"),
    *route("executions/<uuid:execution_id>/signals/", SignalsView, "execution-signals"),
    *route("executions/<uuid:execution_id>/explain/", ExecutionExplanationView, "execution-explain"),
    *route("executions/<uuid:execution_id>/spending/", SpendingView, "execution-spending"),
    path("executions/<uuid:execution_id>/stream", stream_view(), name="execution-stream"),
    path("executions/<uuid:execution_id>/stream/", stream_view(schema=None)),
    *route("organizations/<uuid:organization_id>/pools/", PoolListView, "pools"),
    *route("pools/<uuid:pool_id>/", PoolView, "pool"),
    *route("workers/", WorkerListView, "workers"),
    *route("approvals/", ApprovalListView, "approvals"),
    *route("tasks/<uuid:task_id>/", TaskView, "task"),
    *route("tasks/<uuid:task_id>/explain/", TaskExplanationView, "task-explain"),
    *route("tasks/<uuid:task_id>/skip/", SkipView, "task-skip"),
    *route("tasks/<uuid:task_id>/result/", ResultView, "task-result"),
    *route("tasks/<uuid:task_id>/decision/", DecisionView, "task-decision"),
    *route("tasks/<uuid:task_id>/decisions/", DecisionListView, "task-decisions"),
    *route("artifacts/<uuid:artifact_id>/", ArtifactView, "artifact"),
    *route("artifacts/<uuid:artifact_id>/lineage/", LineageView, "artifact-lineage"),
    *route("artifacts/<uuid:artifact_id>/provenance/", ProvenanceView, "artifact-provenance"),
    *route("organizations/<uuid:organization_id>/storage/", StorageView, "organization-storage"),
    path("artifacts/<uuid:artifact_id>/content", ArtifactContentView.as_view(), name="artifact-content"),
    path("artifacts/<uuid:artifact_id>/content/", ArtifactContentView.as_view(schema=None)),
]
