"""To be included under `api/v1/`."""

from __future__ import annotations

from django.db.transaction import non_atomic_requests
from django.urls import path

from apps.core.api.routes import route
from apps.melodies.api.agents import AgentN8nView, AgentWorkflowListView
from apps.melodies.api.graph_views import ExportView, GraphImportView, GraphPublishView, GraphView
from apps.melodies.api.library_views import BulkView, ForkView
from apps.melodies.api.n8n import N8nImportView
from apps.melodies.api.schema_views import MelodySchemaView
from apps.melodies.api.version_views import VersionDiffView, VersionListView, VersionRestoreView, VersionView
from apps.melodies.api.views import MelodyDocumentView, MelodyListView, MelodyView, ValidateView

urlpatterns = [
    *route("melodies/", MelodyListView, "melodies"),
    *route("melodies/bulk/", BulkView, "melodies-bulk"),
    *route("melodies/validate/", ValidateView, "melody-validate"),
    *route("melodies/import/n8n/", N8nImportView, "melody-import-n8n"),
    *route("agents/<uuid:agent_id>/workflows/", AgentWorkflowListView, "agent-workflows"),
    *route("agents/<uuid:agent_id>/workflows/n8n/", AgentN8nView, "agent-workflows-n8n"),
    *route("melodies/<uuid:melody_id>/", MelodyView, "melody"),
    *route("melodies/<uuid:melody_id>/document/", MelodyDocumentView, "melody-document"),
    *route("melodies/<uuid:melody_id>/export/", ExportView, "melody-export"),
    *route("melodies/<uuid:melody_id>/fork/", ForkView, "melody-fork"),
    *route("melodies/<uuid:melody_id>/graph/", GraphView, "melody-graph"),
    *route("melodies/<uuid:melody_id>/graph/import/", GraphImportView, "melody-graph-import"),
    *route("melodies/<uuid:melody_id>/graph/publish/", GraphPublishView, "melody-graph-publish"),
    *route("melodies/<uuid:melody_id>/versions/", VersionListView, "melody-versions"),
    *route("melodies/<uuid:melody_id>/versions/<str:version>/", VersionView, "melody-version"),
    *route(
        "melodies/<uuid:melody_id>/versions/<str:version>/diff/<str:other>/", VersionDiffView, "melody-version-diff"
    ),
    *route("melodies/<uuid:melody_id>/versions/<str:version>/restore/", VersionRestoreView, "melody-version-restore"),
    # It needs no database, and shall not wait for one.
    path("schema/melody.json", non_atomic_requests(MelodySchemaView.as_view()), name="melody-schema"),
]
