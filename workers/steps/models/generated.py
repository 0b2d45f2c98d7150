"""`task_generator`: the items that tasks are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from apps.melodies.definition.expressions import ExpressionError, compile_source, compile_template, to_text
from workers.contract import StepContext, StepFailed
from workers.steps.fields import OrTemplate, require
from workers.steps.files.globs import BadPatternError, Glob
from workers.steps.files.jail import Jail, parts_of
from workers.steps.files.rules import rules_of
from workers.steps.models.options import Loose, Positive

MOST_FILES = 10_000


class Generator(Loose):
    """Files of the workspace, or any list; in batches or one by one."""

    type: Annotated[Literal["file_list", "list"], OrTemplate()] = Field("list", description="file_list, or list.")
    pattern: str = Field("**/*", description="Which files: a glob.")
    path: str = Field(".", description="The folder they are in.")
    data_source: Any = Field(None, description="The list: written out, a path or a template.")
    items: Any = Field(None, description="The same as data_source.")
    source: Any = Field(None, description="The same as data_source.")
    batch_size: Positive | None = Field(None, description="So many to a task, as a list.")

    @model_validator(mode="after")
    def _has_items(self) -> Generator:
        listed = any(value is not None for value in (self.data_source, self.items, self.source))
        require(
            listed or self.type != "list", "a task_generator needs `data_source`, or `type: file_list` and a pattern"
        )
        return self


def items_of(generator: Generator, step: StepContext) -> list[Any]:
    """One item for each task. Of files it is `{"files": [...], "file": first, "index": n}`; of other lists the item
    itself, or a list of them with `batch_size`."""
    if generator.type == "file_list":
        size = generator.batch_size or 1
        files = _files(generator, step)
        batches = [files[start : start + size] for start in range(0, len(files), size)]
        return [{"files": batch, "file": batch[0], "index": index} for index, batch in enumerate(batches)]
    items = _listed(generator, step)
    if generator.batch_size is None:
        return items
    size = generator.batch_size
    return [items[start : start + size] for start in range(0, len(items), size)]


def _listed(generator: Generator, step: StepContext) -> list[Any]:
    written = next(item for item in (generator.data_source, generator.items, generator.source) if item is not None)
    try:
        items = compile_source(written).evaluate(step.scope)
    except ExpressionError as error:
        raise StepFailed(f"task_generator of step {step.name!r}: {error}", code="bad_expression", final=True) from error
    if not isinstance(items, list):
        found = "nothing" if items is None else type(items).__name__
        raise StepFailed(f"the task_generator of step {step.name!r} must give a list; it is {found}", code="not_a_list")
    return items


def _files(generator: Generator, step: StepContext) -> list[str]:
    try:
        pattern = Glob(generator.pattern)
    except BadPatternError as error:
        raise StepFailed(str(error), code="bad_params", final=True) from error
    start = parts_of(generator.path)
    found: list[str] = []
    with Jail(step.workspace, rules_of(step.workflow)) as jail:
        for entry in jail.walk(start, enter=lambda entry: not entry.parts[-1].startswith(".")):
            if entry.kind == "file" and pattern.matches(entry.parts[len(start) :]):
                found.append(entry.path)
            if len(found) > MOST_FILES:
                raise StepFailed(f"the pattern matches more than {MOST_FILES} files", code="too_many_files", final=True)
    return found


def item_id(written: Any, loop: Mapping[str, Any], step: StepContext, name: str) -> str:
    """The id of a generated task: the template's `id` filled in, else the item's own id, else its number."""
    index = loop.get("index", 0)
    if isinstance(written, str) and written:
        filled = to_text(compile_template(written).render(replace(step.scope, loop=dict(loop))))
        return filled if "{{" in written else f"{filled}_{index}"
    item = loop.get(name)
    own = item.get("id") if isinstance(item, Mapping) else None
    return str(own) if isinstance(own, str | int) else f"{name}_{index}"
