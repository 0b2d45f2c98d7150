"""What drf-spectacular cannot see by itself: problem documents, and the header of idempotent requests."""

from __future__ import annotations

import inspect
from typing import Any, Final

from django.core.exceptions import ImproperlyConfigured
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import get_doc
from drf_spectacular.utils import OpenApiParameter

from apps.core.api.problems import MEDIA_TYPE

IDEMPOTENCY_KEY: Final = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="Any text of your choice, new for each new request. Sent again with the same body, the request has no "
    "second effect: the first response comes back, with `Idempotent-Replayed: true`.",
)

_TEXT: Final = {"type": "string"}
PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "description": "A problem document (RFC 9457). `code` is stable; `detail` is for people.",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": _TEXT,
        "code": _TEXT,
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["code", "message", "pointer"],
                "properties": {
                    "code": _TEXT,
                    "message": _TEXT,
                    "pointer": {"type": "string", "description": "Where: a JSON pointer into the document sent."},
                    "line": {"type": ["integer", "null"]},
                    "column": {"type": ["integer", "null"]},
                    "suggestion": {"type": ["string", "null"]},
                },
            },
        },
    },
}


class SymphonyAutoSchema(AutoSchema):
    """For DEFAULT_SCHEMA_CLASS."""

    def get_description(self) -> str:  # type: ignore[override]
        """What the view says of itself. What the classes it is made of say is meant for who writes views."""
        handler = getattr(self.view, str(self.method).lower(), None)
        return get_doc(handler) or inspect.cleandoc(type(self.view).__doc__ or "")

    def get_override_parameters(self) -> list[Any]:
        parameters = list(super().get_override_parameters())
        if self.method == "POST" and getattr(self.view, "idempotent", False):
            parameters.append(IDEMPOTENCY_KEY)
        return parameters


def add_problems(result: dict[str, Any], generator: Any, request: Any, public: Any) -> dict[str, Any]:
    """For POSTPROCESSING_HOOKS: whatever is not described otherwise is a problem document."""
    components = result.setdefault("components", {})
    if "Problem" in components.setdefault("schemas", {}):
        raise ImproperlyConfigured("Problem is the document of an error: a serializer needs another component_name.")
    _say_anything_once(components["schemas"])
    components["schemas"]["Problem"] = PROBLEM
    components.setdefault("responses", {})["Problem"] = {
        "description": "It did not work; the body says why.",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for operations in result.get("paths", {}).values():
        for operation in operations.values():
            if isinstance(operation, dict) and "responses" in operation:
                operation["responses"].setdefault("default", {"$ref": "#/components/responses/Problem"})
    return result


def _say_anything_once(schema: Any) -> None:
    """ "Anything, or null" would be wrong for null, which both of them allow."""
    if isinstance(schema, dict):
        if schema.get("oneOf") == [{}, {"type": "null"}]:
            del schema["oneOf"]
        for inner in schema.values():
            _say_anything_once(inner)
    elif isinstance(schema, list):
        for inner in schema:
            _say_anything_once(inner)
