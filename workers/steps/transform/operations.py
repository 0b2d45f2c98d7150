"""The fields of each operation.

Where the data is a map, `field` may name the list inside it that is meant; the outcome then takes that list's place. With
`as` the outcome is put under that name instead.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, Field, ValidationInfo, model_validator

from apps.melodies.definition.expressions import ExpressionError, compile_condition, may_hold_templates
from workers.contract import StepFailed
from workers.steps.fields import OrTemplate, Params, is_rendered, require
from workers.steps.transform.formulas import check_formula
from workers.steps.transform.jsonpath import check_path

Number = Annotated[int, Field(ge=1, le=20), OrTemplate()]


AggregateFunction = Literal[
    "sum",
    "average",
    "count",
    "max",
    "min",
    "first",
    "last",
    "unique",
    "count_distinct",
    "std_dev",
    "variance",
]

_CALL = re.compile(r"\s*(\w+)\s*(?:\(\s*([^()]*?)\s*\))?\s*")


def _readable(check: Callable[[Any], object], *, templated: bool = False) -> AfterValidator:
    """Refuse what `check` cannot read, while the document is validated. Templates wait until they are filled in."""

    def validated(value: Any, info: ValidationInfo) -> Any:
        if templated and isinstance(value, str) and may_hold_templates(value) and not is_rendered(info):
            return value
        try:
            check(value)
        except (ExpressionError, StepFailed) as error:
            require(condition=False, message=str(error))
        return value

    return AfterValidator(validated)


def aggregation(text: str) -> tuple[str, str | None]:
    """`sum(price)` → ("sum", "price"); `count()` → ("count", None)."""
    found = _CALL.fullmatch(text)
    names = get_args(AggregateFunction)
    if found is None or found.group(1) not in names:
        message = f"{text[:60]!r} is not one of {', '.join(names)} with a field: `sum(price)`"
        raise StepFailed(message, code="bad_params")
    return found.group(1), found.group(2) or None


Condition = Annotated[Any, _readable(compile_condition)]
Formula = Annotated[Any, _readable(check_formula)]
Aggregation = Annotated[str, _readable(aggregation, templated=True)]
Path = Annotated[str, _readable(check_path)]


class BaseOperation(Params):
    """What all operations share."""

    field: str | None = Field(None, description="A field of the items, or the name of the list when the data is a map.")
    as_: str | None = Field(None, alias="as", description="Put the outcome under this name of a map.")


class Filter(BaseOperation):
    """Keep the items for which a condition holds."""

    operation: Literal["filter"]
    condition: Condition = Field(
        description="A condition; the item's fields by name, the item itself as `item` or `value`."
    )


class Map(BaseOperation):
    """Change each item."""

    operation: Literal["map"]
    mapping: dict[str, Any] | None = Field(
        None, description="With `field`: new values by the text of the old. Without: fields to merge into each item."
    )
    expression: Formula = Field(
        None,
        description="The new item, or with `field` the new value: an expression, `{name: item.name}`, a map of expressions, "
        "or `uppercase` and `lowercase` for a field.",
    )

    @model_validator(mode="after")
    def _one_way(self) -> Map:
        require(
            (self.mapping is None) != (self.expression is None), "map needs `mapping` or `expression`, and not both"
        )
        return self


class Aggregate(BaseOperation):
    """Make one value of many."""

    operation: Literal["aggregate"]
    function: Annotated[AggregateFunction, OrTemplate()] = Field("sum", description="How.")
    value_field: str | None = Field(None, description="The field whose values are taken.")
    group_by: str | None = Field(None, description="One value for each value of this field.")


class Join(BaseOperation):
    """Merge each item with the first item of another list that has the same key."""

    operation: Literal["join"]
    right_source: Any = Field(description="The other list: a path, a template, `previous_response:STEP` or a list.")
    join_key: str = Field(description="The key's field in the other list.")
    left_field: str | None = Field(None, description="The key's field in this list; `join_key` when left out.")
    join_type: Annotated[Literal["left", "right", "inner", "outer"], OrTemplate()] = Field(
        "left", description="Which items without a partner are kept."
    )


class GroupBy(BaseOperation):
    """A map from each value of a field to the items that have it."""

    operation: Literal["group_by"]
    key: str | None = Field(None, description="The field to group by.")
    aggregate: dict[str, Aggregation] | None = Field(
        None, description='Values for each group instead of its items: `{total: "sum(price)", orders: "count()"}`.'
    )

    @model_validator(mode="after")
    def _has_key(self) -> GroupBy:
        require(bool(self.field or self.key), "group_by needs `key` (or `field`), the field to group by")
        return self


class Sort(BaseOperation):
    """Order items; equal ones keep their order, those without the field come last."""

    operation: Literal["sort"]
    by: str | None = Field(None, description="The field, or several with commas: `team,name`.")
    order: Annotated[Literal["asc", "desc"], OrTemplate()] = Field("asc", description="Direction.")


class Extract(BaseOperation):
    """Pick values by a path."""

    operation: Literal["extract"]
    path: Path = Field(
        description="A JSONPath: `$.orders[*].id`, `$..name`, `$.orders[?(@.total > 9)]`, `$.list[0:3]`."
    )


class Unique(BaseOperation):
    """Keep the first of equal items."""

    operation: Literal["unique"]
    by: str | None = Field(None, description="Equal means: equal in this field.")


class Flatten(BaseOperation):
    """Replace lists inside the list by their items."""

    operation: Literal["flatten"]
    depth: Number = Field(1, description="How many levels.")


Operation = Annotated[
    Filter | Map | Aggregate | Join | GroupBy | Sort | Extract | Unique | Flatten, Field(discriminator="operation")
]
