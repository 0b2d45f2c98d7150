"""Which row a path parameter means: found by the kind of object, so that a new route needs no word here.

`/melodies/{melody_id}/versions/{number}/` is a Melody by the name of the parameter, then, by the word before it, the
kind of version that belongs to a melody, by its `number`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Final
from uuid import UUID

from django.apps import apps
from django.core.exceptions import FieldDoesNotExist
from django.db import models

from tests.isolation.filling import Filling

_PARAMETER: Final = re.compile(r"\{(\w+)\}")
_SEMVER: Final = re.compile(r"\d+\.\d+\.\d+")
_WORDS: Final = re.compile(r"[A-Z][a-z0-9]*")
# Where the names say something else than the models do.
_SAME: Final = {"member": "membership"}
_KIND: Final = "melody"
_MEANT: Final[dict[str, Callable[[Filling], tuple[models.Model, str] | str]]] = {
    "/api/v1/agents/{agent_id}/versions/{number}/#number": lambda filling: (
        filling.row(apps.get_model("agents", "AgentVersion")),
        "number",
    ),
    "kind": lambda _: _KIND,
    "public_id": lambda filling: (_webhook(filling), "public_id"),
    "connection_id": lambda filling: (_connection(filling), "pk"),
    "object_id": lambda filling: (filling.row(apps.get_model("melodies", "Melody")), "pk"),
    "other": lambda filling: (filling.row(apps.get_model("melodies", "MelodyVersion")), "number"),
}
_ATTRIBUTES: Final = {"version": "number"}


class Unknown(AssertionError):
    """A route has a parameter that nothing here can fill."""


def filled(path: str, filling: Filling) -> dict[str, Any]:
    """Values for the parameters of a path, of rows that belong together. To be called as somebody who sees them."""
    values: dict[str, Any] = {}
    above: list[models.Model] = []
    words = path.strip("/").split("/")
    for place, word in enumerate(words):
        for parameter in _PARAMETER.findall(word):
            meant = _row(path, parameter, words[:place], above, filling)
            if isinstance(meant, str):
                values[parameter] = meant
                continue
            row, attribute = meant
            values[parameter] = getattr(row, attribute)
            above.append(row)
    return values


def never(value: Any) -> Any:
    """Of the same form, and nobody's."""
    if value == _KIND:
        return value
    if isinstance(value, UUID):
        return UUID("01900000-0000-7000-8000-00000000dead")
    if isinstance(value, int):
        return 999_999
    return "99.99.99" if _SEMVER.fullmatch(str(value)) else f"{value}".upper()[:3] + "_NOBODY_S"


def known_ids(filling: Filling, name: str) -> str | None:
    """For a property or query parameter that is named after a kind of row: the key of hers."""
    wanted = name.removesuffix("_id").removesuffix("_ids").replace("_", "")
    for model in _candidates([wanted]):
        if isinstance(model._meta.pk, models.UUIDField) and (row := filling.found(model)):
            return str(row.pk)
    return None


def _webhook(filling: Filling) -> models.Model:
    model = apps.get_model("triggers", "Trigger")
    found = filling.ours(model).filter(kind="webhook").first()
    return found or filling.made(model, kind="webhook", name="hook", public_id="nightingale_hook")


def _connection(filling: Filling) -> models.Model:
    """A program that holds a token of hers."""
    token: Any = filling.row(apps.get_model("oauth2_provider", "RefreshToken"))
    found: models.Model = token.application
    return found


def _row(
    path: str, parameter: str, before: list[str], above: list[models.Model], filling: Filling
) -> tuple[models.Model, str] | str:
    if meant := _MEANT.get(f"{path}#{parameter}") or _MEANT.get(parameter):
        return meant(filling)
    segment = next((word for word in reversed(before) if not word.startswith("{")), "")
    own = parameter.removesuffix("_id").removesuffix("_pk").replace("_", "")
    for model in _candidates([own, _singular(segment)], above):
        attribute = "pk" if parameter.endswith(("id", "pk")) else _ATTRIBUTES.get(parameter, parameter)
        if not _has(model, attribute):
            continue
        row = _below(above, model, filling) or filling.row(model)
        return row, attribute
    raise Unknown(
        f"{path}: nothing in the cast is a {{{parameter}}}; say in tests/isolation/addresses.py what it means"
    )


def _candidates(names: Iterable[str], above: list[models.Model] | None = None) -> list[type[models.Model]]:
    """Models of this name or with this last word, those first that belong to what the path named last."""
    nearest = type(above[-1]) if above else None
    ours = [model for model in apps.get_models() if model.__module__.startswith("apps.") and not model._meta.proxy]
    found: list[type[models.Model]] = []
    for name in filter(None, names):
        wanted = _SAME.get(name, name)
        named = [model for model in ours if wanted in _endings(model)]
        found += sorted(
            named,
            key=lambda model: (
                nearest is None or not _refers(model, nearest),
                model._meta.model_name != wanted,
                model.__name__,
            ),
        )
    return found


def _endings(model: type[models.Model]) -> set[str]:
    words = [word.lower() for word in _WORDS.findall(model.__name__)]
    return {"".join(words[start:]) for start in range(len(words))}


def _below(above: list[models.Model], model: type[models.Model], filling: Filling) -> models.Model | None:
    for row in reversed(above):
        for name in _refers(model, type(row)):
            found = filling.ours(model).filter(**{name: row}).order_by("pk").first()
            if found is not None:
                return found
    return None


def _refers(model: type[models.Model], target: type[models.Model]) -> list[str]:
    return [field.name for field in model._meta.concrete_fields if field.is_relation and field.related_model is target]


def _singular(word: str) -> str:
    word = word.replace("-", "").replace("_", "")
    return word[:-3] + "y" if word.endswith("ies") else word.removesuffix("s")


def _has(model: type[models.Model], attribute: str) -> bool:
    if attribute == "pk":
        return True
    try:
        return bool(model._meta.get_field(attribute).concrete)
    except FieldDoesNotExist:
        return False
