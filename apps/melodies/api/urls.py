"""To be included under `api/v1/`."""

from __future__ import annotations

from apps.melodies.api.routes import route
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
    *route("melodies/<uuid:melody_id>/versions/", VersionListView, "melody-versions"),
    *route("melodies/<uuid:melody_id>/versions/<int:number>/", VersionView, "melody-version"),
]
