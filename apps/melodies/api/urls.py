"""To be included under `api/v1/`."""

from __future__ import annotations

from django.db.transaction import non_atomic_requests
from django.urls import path

from apps.core.api.routes import route
from apps.melodies.api.graph_views import ExportView, GraphImportView, GraphPublishView, GraphView
from apps.melodies.api.schema_views import MelodySchemaView
from apps.melodies.api.views import (
    MelodyDocumentView,
    MelodyListView,
    MelodyView,
    ValidateView,
    VersionListView,
    VersionView,
)

urlpatterns = [
    *route("melodies/", MelodyListView, "melodies"),
    *route("melodies/validate/", ValidateView, "melody-validate"),
    *route("melodies/<uuid:melody_id>/", MelodyView, "melody"),
    *route("melodies/<uuid:melody_id>/document/", MelodyDocumentView, "melody-document"),
    *route("melodies/<uuid:melody_id>/export/", ExportView, "melody-export"),
    *route("melodies/<uuid:melody_id>/graph/", GraphView, "melody-graph"),
    *route("melodies/<uuid:melody_id>/graph/import/", GraphImportView, "melody-graph-import"),
    *route("melodies/<uuid:melody_id>/graph/publish/", GraphPublishView, "melody-graph-publish"),
    *route("melodies/<uuid:melody_id>/versions/", VersionListView, "melody-versions"),
    *route("melodies/<uuid:melody_id>/versions/<int:number>/", VersionView, "melody-version"),
    # It needs no database, and shall not wait for one.
    path("schema/melody.json", non_atomic_requests(MelodySchemaView.as_view()), name="melody-schema"),
]
