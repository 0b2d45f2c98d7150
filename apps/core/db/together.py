"""Migration operations that share one rendering of the models.

Django renders every related model anew after each operation, and running the SQL is a small part of that time. Here the
state of the models goes from before the first operation to after the last in one step; the SQL stays one by one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations import (
    AddConstraint,
    AddField,
    AddIndex,
    CreateModel,
    RemoveConstraint,
    RemoveIndex,
)
from django.db.migrations.operations.base import Operation, OperationCategory
from django.db.migrations.state import ProjectState

# AlterField compares the models before and after, RemoveField takes away what an earlier index is made of, and whatever
# is not Django's own may look at anything: they all stay alone. A subclass is not its parent either.
_KINDS: Final = (AddConstraint, AddField, AddIndex, CreateModel, RemoveConstraint, RemoveIndex)


class Together(Operation):
    """One after another for the database, at once for the models. `together` says which operations bear that."""

    category = OperationCategory.ALTERATION
    serialization_expand_args = ["operations"]

    def __init__(self, operations: Sequence[Operation]) -> None:
        self.operations = list(operations)

    def deconstruct(self) -> tuple[str, list[Any], dict[str, Any]]:
        return type(self).__name__, [], {"operations": self.operations}

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        rendered = state.__dict__.pop("apps", None)
        for operation in self.operations:
            operation.state_forwards(app_label, state)
        if rendered is None:
            return
        state.__dict__["apps"] = rendered
        changed = dict.fromkeys((app_label, _model(operation)) for operation in self.operations)
        # A new relation shows at its other end too, and at what that end is related to.
        state.reload_models(list(changed), delay=not any(map(_may_relate, self.operations)))

    def database_forwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        for operation in self.operations:
            _tell(operation, schema_editor)
            operation.database_forwards(app_label, schema_editor, from_state, to_state)

    def database_backwards(
        self, app_label: str, schema_editor: BaseDatabaseSchemaEditor, from_state: ProjectState, to_state: ProjectState
    ) -> None:
        for operation in reversed(self.operations):
            _tell(operation, schema_editor)
            # A constraint is dropped by the model it goes back to, which may lack the fields that came with it.
            towards = from_state if isinstance(operation, AddConstraint) else to_state
            operation.database_backwards(app_label, schema_editor, from_state, towards)

    def describe(self) -> str:
        return "; ".join(operation.describe() for operation in self.operations)

    def references_model(self, name: str, app_label: str) -> bool:
        return any(operation.references_model(name, app_label) for operation in self.operations)

    def references_field(self, model_name: str, name: str, app_label: str) -> bool:
        return any(operation.references_field(model_name, name, app_label) for operation in self.operations)


def together(operations: Sequence[Operation]) -> list[Operation]:
    """The same operations in the same order, neighbours as one wherever their SQL stays what it is one by one."""
    groups: list[list[Operation]] = []
    for operation in operations:
        if groups and _joins(operation, groups[-1]):
            groups[-1].append(operation)
        else:
            groups.append([operation])
    return [group[0] if len(group) == 1 else Together(group) for group in groups]


def _joins(operation: Operation, group: Sequence[Operation]) -> bool:
    if type(operation) not in _KINDS or type(group[-1]) not in _KINDS:
        return False
    return not any(_builds_on(operation, earlier) for earlier in group)


def _builds_on(operation: Operation, earlier: Operation) -> bool:
    """A table would be made with the change in it already; an index is removed by what is known before the group."""
    if isinstance(earlier, CreateModel):
        return _model(operation) == earlier.name_lower
    name = _index_name(operation)
    return name is not None and name == _index_name(earlier)


def _model(operation: Operation) -> str:
    name: str = operation.name if isinstance(operation, CreateModel) else operation.model_name  # type: ignore[attr-defined]
    return name.lower()


def _index_name(operation: Operation) -> str | None:
    """Of an index or a constraint: the database has one list of names for both."""
    match operation:
        case AddIndex():
            return operation.index.name
        case AddConstraint():
            return operation.constraint.name
        case RemoveIndex() | RemoveConstraint():
            return operation.name
    return None


def _may_relate(operation: Operation) -> bool:
    return isinstance(operation, CreateModel) or (isinstance(operation, AddField) and operation.field.is_relation)


def _tell(operation: Operation, schema_editor: BaseDatabaseSchemaEditor) -> None:
    """`sqlmigrate` says what each statement is for, as it would of the operations one by one."""
    if schema_editor.collect_sql:
        schema_editor.collected_sql.append(f"-- {operation.describe()}")


__all__ = ["Together", "together"]
