from __future__ import annotations

import importlib
import pkgutil
from collections import Counter
from collections.abc import Iterator

import apps
from apps.core.errors import Conflict, Invalid, SymphonyError


def every_error(base: type[SymphonyError] = SymphonyError) -> Iterator[type[SymphonyError]]:
    yield base
    for child in base.__subclasses__():
        yield from every_error(child)


def load_error_modules() -> None:
    for app in pkgutil.iter_modules(apps.__path__, "apps."):
        for module in pkgutil.iter_modules(importlib.import_module(app.name).__path__, f"{app.name}."):
            if module.name.endswith(".errors"):
                importlib.import_module(module.name)


def test_every_error_has_a_code_of_its_own() -> None:
    load_error_modules()
    # Other test modules may declare errors of their own.
    ours = {error for error in every_error() if error.__module__.startswith(("apps.", "workers."))}
    assert [error for error in ours if "code" not in vars(error)] == []
    assert [code for code, count in Counter(error.code for error in ours).items() if count > 1] == []


def test_every_error_says_what_happened() -> None:
    load_error_modules()
    for error in every_error():
        assert 400 <= error.status < 600
        assert "code" not in vars(error) or error.message().endswith("."), error


def test_the_docstring_is_the_message() -> None:
    class StaleThingError(Conflict):
        """The thing moved on
        while you looked."""

        code = "stale_thing_of_a_test"

    assert str(StaleThingError()) == "The thing moved on while you looked."
    assert StaleThingError("No.", version=3).extra == {"version": 3}


def test_invalid_holds_a_list_of_errors() -> None:
    error = Invalid(errors=({"code": "x", "message": "y", "pointer": "/z"},))
    assert error.errors == [{"code": "x", "message": "y", "pointer": "/z"}]
    assert Invalid().errors == []
