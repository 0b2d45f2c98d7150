"""Rows from SQL written by hand, also as models: where building the same question anew takes longer than answering it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Generic, TypeVar

from django.db import connection, models

Row = TypeVar("Row", bound=models.Model)


def rows_of(sql: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows


class Columns(Generic[Row]):
    """All columns of a model in a SELECT, and rows made of what comes back."""

    def __init__(self, model: type[Row], alias: str) -> None:
        self._model = model
        self._alias = alias

    @cached_property
    def sql(self) -> str:
        return ", ".join(f'{self._alias}."{field.column}"' for field in self._fields)

    @cached_property
    def _fields(self) -> Sequence[models.Field[Any, Any]]:
        return self._model._meta.concrete_fields  # noqa: SLF001 - public by its documentation

    @cached_property
    def _converters(self) -> list[tuple[int, Any]]:
        """Places of the columns whose values Django converts, and how."""
        return [
            (place, convert)
            for place, field in enumerate(self._fields)
            for convert in (*connection.ops.get_db_converters(field.get_col("")), *field.get_db_converters(connection))
        ]

    def __len__(self) -> int:
        return len(self._fields)

    def read(self, values: Sequence[Any]) -> Row:
        row = list(values)
        for place, convert in self._converters:
            row[place] = convert(row[place], None, connection)
        return self._model.from_db(connection.alias, [field.attname for field in self._fields], row)
