"""The expression language of melodies: templates, conditions, data sources. Pure: it knows values, not databases.

>>> compile_expression("{{steps.a.result.count > 3}}").evaluate(Scope(steps={"a": {"count": 5}}))
True
"""

from __future__ import annotations

from apps.melodies.definition.expressions.conditions import Condition, compile_condition
from apps.melodies.definition.expressions.errors import ExpressionError
from apps.melodies.definition.expressions.expression import Expression, compile_expression
from apps.melodies.definition.expressions.references import References
from apps.melodies.definition.expressions.scope import MISSING, Scope
from apps.melodies.definition.expressions.sources import Source, compile_source
from apps.melodies.definition.expressions.templates import Template, compile_template
from apps.melodies.definition.expressions.values import to_text, truthy

__all__ = [
    "MISSING",
    "Condition",
    "Expression",
    "ExpressionError",
    "References",
    "Scope",
    "Source",
    "Template",
    "compile_condition",
    "compile_expression",
    "compile_source",
    "compile_template",
    "to_text",
    "truthy",
]
