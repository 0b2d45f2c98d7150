"""Types that the parameter models of the step kinds share.

A model is used twice: on the document as written, where any number or flag may still be a template, and on the
rendered values just before the step runs, where it may not.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from apps.melodies.definition.expressions import may_hold_templates

_RENDERED = {"rendered": True}

Model = TypeVar("Model", bound=BaseModel)


class Params(BaseModel):
    """Base of all parameter models: an unknown field is an error, never ignored."""

    model_config = ConfigDict(extra="forbid")


def validate_rendered(model: type[Model], values: Mapping[str, Any]) -> Model:
    """The parameters a step runs with. Templates are no longer accepted in place of numbers, and bodies may be absent."""
    return model.model_validate(dict(values), context=_RENDERED)


def is_rendered(info: ValidationInfo) -> bool:
    """True when this validation is the one after rendering."""
    return bool(info.context and info.context.get("rendered"))


def require(condition: object, message: str) -> None:
    """Refuse the model being validated. The message tells people what to change."""
    if not condition:
        raise PydanticCustomError("step_params", "{reason}", {"reason": message})


class OrTemplate:
    """Marks a type whose value may be written as a template: `Annotated[int, Field(ge=1), OrTemplate()]`."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        inner = handler(source)

        def check(value: Any, valid: core_schema.ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
            if isinstance(value, str) and may_hold_templates(value) and not is_rendered(info):
                return value
            return valid(value)

        return core_schema.with_info_wrap_validator_function(check, inner)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [handler(schema), {"type": "string", "pattern": r"\{\{|\$\{", "description": "a template"}]}


TemplatedBool = Annotated[bool, OrTemplate()]
