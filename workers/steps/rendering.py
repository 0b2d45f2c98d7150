"""From the fields of a step as written to the parameters it runs with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from apps.melodies.definition.expressions import ExpressionError, Scope, compile_template
from apps.melodies.definition.kinds import StepKind
from apps.melodies.definition.references import Role, Roles, roles_of
from workers.steps.contract import StepFailed
from workers.steps.fields import validate_rendered


def prepare(kind: StepKind, params: Mapping[str, Any], scope: Scope) -> BaseModel:
    """Fill in templates and validate once more. Expressions, sources, literals and bodies stay as written."""
    bodies = {body.name for body in kind.bodies}
    roles = roles_of(kind)
    try:
        values = {
            name: value if name in bodies else _rendered(value, roles.get(name), scope) for name, value in params.items()
        }
        return validate_rendered(kind.params, values)
    except ExpressionError as error:
        raise StepFailed(str(error), code="bad_expression") from error
    except ValidationError as error:
        raise StepFailed(_sentence(error), code="bad_params") from error


def _rendered(value: Any, role: Role | Roles | None, scope: Scope) -> Any:
    if isinstance(role, str):
        return value
    if role is None:
        return compile_template(value).render(scope)
    if isinstance(value, Mapping):
        return {key: _rendered(item, role.get(key, role.get("*")), scope) for key, item in value.items()}
    if isinstance(value, list):
        return [_rendered(item, role.get("*"), scope) for item in value]
    return compile_template(value).render(scope)


def _sentence(error: ValidationError) -> str:
    """The first few complaints, each with its place."""
    details = error.errors(include_url=False, include_context=False, include_input=False)
    complaints = [f"{'.'.join(str(part) for part in detail['loc'])}: {detail['msg']}".removeprefix(": ") for detail in details]
    return "; ".join(complaints[:5])
