"""The functions of the language. Names are written in snake_case in their modules; camelCase works as well."""

from __future__ import annotations

from apps.melodies.definition.expressions import list_functions, number_functions, text_functions, time_functions
from apps.melodies.definition.expressions.function_table import FUNCTIONS, PER_ITEM_USAGE, Function

MODULES = (number_functions, list_functions, text_functions, time_functions)
"""Importing them fills the table."""

__all__ = ["FUNCTIONS", "MODULES", "PER_ITEM_USAGE", "Function"]
