"""What drf-spectacular cannot see by itself: problem documents, and the header of idempotent requests."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.openapi import AutoSchema
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

    def get_override_parameters(self) -> list[Any]:
        parameters = list(super().get_override_parameters())
        if self.method == "POST" and getattr(self.view, "idempotent", False):
            parameters.append(IDEMPOTENCY_KEY)
        return parameters


def add_problems(result: dict[str, Any], generator: Any, request: Any, public: Any) -> dict[str, Any]:
    """For POSTPROCESSING_HOOKS: whatever is not described otherwise is a problem document."""
    components = result.setdefault("components", {})
    components.setdefault("schemas", {})["Problem"] = PROBLEM
    components.setdefault("responses", {})["Problem"] = {
        "description": "It did not work; the body says why.",
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for operations in result.get("paths", {}).values():
        for operation in operations.values():
            if isinstance(operation, dict) and "responses" in operation:
                operation["responses"].setdefault("default", {"$ref": "#/components/responses/Problem"})
    return result
