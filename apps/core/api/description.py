"""The address of the API's own description (OpenAPI)."""

from __future__ import annotations

from threading import Lock
from typing import Any

from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.views import SpectacularAPIView


class _MadeOnce(SchemaGenerator):
    """The same for everybody, and as long as this process lives: making it takes seconds."""

    _lock = Lock()
    _made: dict[Any, Any] = {}

    def get_schema(self, request: Any = None, public: bool = False) -> Any:  # noqa: FBT001, FBT002 - as the base has it
        with self._lock:
            if self.api_version not in self._made:
                self._made[self.api_version] = super().get_schema(request, public)  # type: ignore[no-untyped-call]
        return self._made[self.api_version]


class SchemaView(SpectacularAPIView):
    """The API's own description."""

    generator_class = _MadeOnce
    serve_public = True
