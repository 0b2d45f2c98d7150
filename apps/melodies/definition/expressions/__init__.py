"""The expression language of melodies: templates, conditions, data sources. Pure: it knows values, not databases.

>>> compile_expression("{{steps.a.result.count > 3}}").evaluate(Scope(steps={"a": {"count": 5}}))
True
"""

from __future__ import annotations

from apps.melodies.definition.expressions.conditions import Condition, compile_condition
from apps.melodies.definition.expressions.environment import expand_environment
from apps.melodies.definition.expressions.errors import ExpressionError
from apps.melodies.definition.expressions.expression import Expression, compile_expression
from apps.melodies.definition.expressions.limits import Allowance
from apps.melodies.definition.expressions.references import References
from apps.melodies.definition.expressions.scope import MISSING, Scope
from apps.melodies.definition.expressions.sources import Source, compile_source
from apps.melodies.definition.expressions.templates import Template, compile_template
from apps.melodies.definition.expressions.tokens import may_hold_templates
from apps.melodies.definition.expressions.values import to_text, truthy

__all__ = [
    "MISSING",
    "Allowance",
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
    "expand_environment",
    "may_hold_templates",
    "to_text",
    "truthy",
]
