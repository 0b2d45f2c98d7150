"""The data model as Mermaid diagrams, one for each app, drawn from the models themselves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from django.apps import AppConfig, apps
from django.db import models

BEGIN: Final = "<!-- diagrams: written by `manage.py data_model` -->"
END: Final = "<!-- end of diagrams -->"
_LEFT_OUT: Final = "History"
"""What row history keeps looks like the rows themselves."""


def drawn() -> str:
    """All diagrams, as the document has them between its marks."""
    parts = [f"### {config.label}\n\n```mermaid\n{_diagram(config)}```\n" for config in _ours()]
    return "\n".join([BEGIN, "", *parts, END])


def refreshed(document: str) -> str:
    """The document with its diagrams drawn anew. Raises ValueError when it has no place for them."""
    before, begin, rest = document.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"The document has no lines {BEGIN} and {END} for the diagrams to stand between.")
    return before + drawn() + after


def _ours() -> list[AppConfig]:
    return [config for config in apps.get_app_configs() if config.name.startswith("apps.") and _models(config)]


def _models(config: AppConfig) -> list[type[models.Model]]:
    found = (model for model in config.get_models() if not model._meta.proxy)  # noqa: SLF001 - public, for all its name
    return [model for model in found if not model.__name__.endswith(_LEFT_OUT)]


def _diagram(config: AppConfig) -> str:
    entities = _models(config)
    lines = [line for model in entities for line in _entity(model)]
    lines += [line for model in entities for line in _relations(model)]
    return "".join(f"{line}\n" for line in ["erDiagram", *lines])


def _entity(model: type[models.Model]) -> Iterator[str]:
    yield f"    {model.__name__} {{"
    for field in model._meta.concrete_fields:  # noqa: SLF001
        mark = " PK" if field.primary_key else " FK" if field.is_relation else " UK" if field.unique else ""
        yield f"        {_type(field)} {field.name}{mark}"
    yield "    }"


def _type(field: models.Field[Any, Any]) -> str:
    if field.is_relation and isinstance(field, models.ForeignKey):
        return _type(field.target_field)
    base: models.Field[Any, Any] | None = getattr(field, "base_field", None)
    if base is not None:
        return f"{_type(base)}[]"
    return field.get_internal_type().removesuffix("Field").lower()


def _relations(model: type[models.Model]) -> Iterator[str]:
    for field in model._meta.concrete_fields:  # noqa: SLF001
        if not field.is_relation or not isinstance(field.related_model, type):
            continue
        target = field.related_model._meta.concrete_model or field.related_model  # noqa: SLF001
        one = "|o" if field.null else "||"
        many = "o|" if field.unique else "o{"
        yield f'    {target.__name__} {one}--{many} {model.__name__} : "{field.name}"'
