"""Pages by position, not by number: stable while rows come and go, and as fast on page 1,000 as on the first."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Sequence
from contextlib import suppress
from copy import copy
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db.models import Field, Q, QuerySet
from rest_framework import pagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from apps.core.errors import Invalid

_LONGEST_CURSOR: Final = 4096
_LARGEST_SIZE: Final = 999_999_999


class CursorPagination(pagination.CursorPagination):
    """`{"results": [...], "next": url | null}`.

    A view sets `cursor_ordering` (fields or annotations, "-" for descending; newest first by default), or lists a filter
    backend with `get_ordering`. Unlike its base, it compares all ordering fields and the primary key: rows of one bulk insert
    share their time stamp, and none of them may be skipped or shown twice.

    A view that knows how to find the first `most` rows of an ordered queryset faster than the planner does says so with
    `narrowed(queryset, most)`.
    """

    page_size = 100
    max_page_size = 1000
    page_size_query_param = "page_size"
    page_size_query_description = "How many results a page has: 100 if not given, 1000 if more are asked for."
    cursor_query_description = "Where the page starts, as `next` of the page before says."
    ordering: str | list[str] | tuple[str, ...] = ("-id",)
    template = None

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        self.ordering = getattr(view, "cursor_ordering", self.ordering)
        self.keys = _keys(queryset, self.get_ordering(request, queryset, view))
        self.url = request.build_absolute_uri()
        size = self.get_page_size(request)
        if position := self._position(request):
            queryset = queryset.filter(_after(self.keys, position))
        queryset = queryset.order_by(*_names(self.keys))
        if (narrowed := getattr(view, "narrowed", None)) is not None:
            queryset = narrowed(queryset, size + 1)
        rows = list(queryset[: size + 1])
        self.has_next = len(rows) > size
        self.page: list[Any] = rows[:size]
        return self.page

    def get_page_size(self, request: Request) -> int:
        text = request.query_params.get(self.page_size_query_param)
        if text is None:
            return int(self.page_size)
        if not (text.isascii() and text.isdigit() and len(text) <= len(str(_LARGEST_SIZE)) and int(text) > 0):
            message = f"page_size is a whole number from 1 to {_LARGEST_SIZE:,}; a page has at most {self.max_page_size} results."
            raise _invalid("page_size", message)
        return min(int(text), self.max_page_size)

    def get_next_link(self) -> str | None:
        if not self.has_next:
            return None
        texts = [_names(self.keys), [_text(field, self.page[-1]) for field, _ in self.keys]]
        token = urlsafe_b64encode(json.dumps(texts).encode()).decode().rstrip("=")
        return str(replace_query_param(self.url, self.cursor_query_param, token))

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"results": data, "next": self.get_next_link()})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "object",
            "required": ["results", "next"],
            "properties": {
                "results": schema,
                "next": {
                    "type": ["string", "null"],
                    "format": "uri",
                    "description": "Where the next page is; null on the last.",
                },
            },
        }

    def _position(self, request: Request) -> list[Any] | None:
        token = request.query_params.get(self.cursor_query_param)
        if token is None:
            return None
        with suppress(ValueError, TypeError, ValidationError, RecursionError):
            names, texts = json.loads(urlsafe_b64decode(token[:_LONGEST_CURSOR] + "=" * (-len(token) % 4)))
            if names == _names(self.keys):
                return [_value(field, text) for (field, _), text in zip(self.keys, texts, strict=True)]
        raise _invalid("cursor", "This cursor is not from this list in this order; start again without it.")


Key = tuple["Field[Any, Any]", bool]


def _keys(queryset: QuerySet[Any], ordering: Sequence[str]) -> list[Key]:
    """Fields with "descending?", ending in the primary key, which no two rows share."""
    meta = queryset.model._meta  # noqa: SLF001 - public API, for all its name
    names = [(name.lstrip("-"), name.startswith("-")) for name in ordering]
    computed = queryset.query.annotations
    keys: list[Key] = []
    for name, down in names:
        field = (
            meta.pk if name == "pk" else _computed(name, computed[name]) if name in computed else meta.get_field(name)
        )
        keys.append((field, down))
    if all(field is not meta.pk for field, _ in keys):
        keys.append((meta.pk, keys[-1][1] if keys else True))
    return keys


def _computed(name: str, expression: Any) -> Field[Any, Any]:
    """A field for an annotation: what reads its value from a row, and back from a text."""
    field: Field[Any, Any] = copy(expression.output_field)
    field.name = field.attname = name
    return field


def _names(keys: Sequence[Key]) -> list[str]:
    return [f"-{field.name}" if down else field.name for field, down in keys]


def _text(field: Field[Any, Any], row: Any) -> str | None:
    return None if field.value_from_object(row) is None else str(field.value_to_string(row))


def _value(field: Field[Any, Any], text: Any) -> Any:
    if text is None and field.null:
        return None
    if not isinstance(text, str) or "\0" in text:
        raise ValueError("not a position")
    return field.to_python(text)


def _after(keys: Sequence[Key], position: Sequence[Any]) -> Q:
    """Rows beyond `position`, as PostgreSQL sorts: null comes after every value."""
    found = Q(pk__in=[])
    equal_so_far = Q()
    for (field, down), value in zip(keys, position, strict=True):
        found |= equal_so_far & _beyond(field, value, down=down)
        equal_so_far &= Q(**{f"{field.name}__isnull": True} if value is None else {field.name: value})
    (first, down), value = keys[0], position[0]
    if value is None or first.null:
        return found
    # Says nothing new, but lets an index on the first field find the start of the page.
    return Q(**{f"{first.name}__{'lte' if down else 'gte'}": value}) & found


def _beyond(field: Field[Any, Any], value: Any, *, down: bool) -> Q:
    if value is None:
        return Q(**{f"{field.name}__isnull": False}) if down else Q(pk__in=[])
    if down:
        return Q(**{f"{field.name}__lt": value})
    beyond = Q(**{f"{field.name}__gt": value})
    return beyond | Q(**{f"{field.name}__isnull": True}) if field.null else beyond


def _invalid(parameter: str, message: str) -> Invalid:
    return Invalid(message, errors=[{"code": "invalid_parameter", "message": message, "pointer": f"?{parameter}"}])
