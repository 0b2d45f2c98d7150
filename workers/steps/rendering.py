"""From the fields of a step as written to the parameters it runs with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from apps.melodies.definition.expressions import ExpressionError, Scope, compile_template
from apps.melodies.definition.kinds import StepKind
from apps.melodies.definition.references import Role, Roles, roles_of
from workers.contract import StepFailed
from workers.steps.fields import validate_rendered


def prepare(kind: StepKind, params: Mapping[str, Any], scope: Scope) -> BaseModel:
    """The validated parameters a step runs with."""
    try:
        return validate_rendered(kind.params, render_fields(kind, params, scope))
    except ExpressionError as error:
        raise StepFailed(str(error), code="bad_expression") from error
    except ValidationError as error:
        raise StepFailed(_sentence(error), code="bad_params") from error


def render_fields(kind: StepKind, params: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
    """Fill in templates. Expressions, sources and literals, also those inside other fields, and bodies stay as written."""
    bodies = {body.name for body in kind.bodies}
    roles = roles_of(kind)
    return {
        name: value if name in bodies or not _may_hold_templates(value) else _rendered(value, roles.get(name), scope)
        for name, value in params.items()
    }


def _may_hold_templates(value: Any) -> bool:
    if isinstance(value, str):
        return "{{" in value or "${" in value
    if isinstance(value, Mapping):
        return any(_may_hold_templates(item) for item in value.values())
    return isinstance(value, list) and any(_may_hold_templates(item) for item in value)


def _rendered(value: Any, role: Role | Roles | None, scope: Scope) -> Any:
    if isinstance(role, str):
        return value
    if isinstance(role, Mapping) and isinstance(value, Mapping):
        return {key: _rendered(item, role.get(key, role.get("*")), scope) for key, item in value.items()}
    if isinstance(role, Mapping) and isinstance(value, list):
        return [_rendered(item, role.get("*"), scope) for item in value]
    return compile_template(value).render(scope)


def _sentence(error: ValidationError) -> str:
    """The first few complaints, each with its place."""
    details = error.errors(include_url=False, include_context=False, include_input=False)
    complaints = [
        f"{'.'.join(str(part) for part in detail['loc'])}: {detail['msg']}".removeprefix(": ") for detail in details
    ]
    return "; ".join(complaints[:5])
