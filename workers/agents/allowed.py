"""Which graphs this installation runs: those of modules its operator has named, and no others.

There is no sandbox around an agent: what its author writes runs with all that the worker may do. So the code comes with
the installation, and the config of a version only says which of it is meant.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType
from typing import Any, Final

_FORM: Final = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", re.ASCII)


class NotAllowedError(Exception):
    """The graph is not among those this installation runs, or is not there."""


def find_graph(name: str, allowed: Sequence[str]) -> Any:
    """The object that `module:attribute` names. An allowed module allows what is below it, too."""
    if not _FORM.fullmatch(name):
        raise NotAllowedError(f"{name[:120]!r} names no graph; write module.path:attribute.")
    module_name, _, attribute = name.partition(":")
    if not any(module_name == one or module_name.startswith(f"{one}.") for one in allowed):
        raise NotAllowedError(
            f"The module {module_name} is not allowed here; an operator can allow it by SYMPHONY_AGENT_MODULES."
        )
    if any(part.startswith("_") for part in attribute.split(".")) or module_name.endswith("__"):
        raise NotAllowedError(f"{name[:120]} is private to its module.")
    try:
        found: Any = import_module(module_name)
        for part in attribute.split("."):
            found = getattr(found, part)
            if isinstance(found, ModuleType):
                # What a module imports would be allowed with it; modules are named before the colon.
                raise NotAllowedError(f"{attribute} leads into another module.")
    except ImportError as error:
        raise NotAllowedError(f"The module {module_name} cannot be imported: {error}") from error
    except AttributeError:
        raise NotAllowedError(f"There is no {attribute} in the module {module_name}.") from None
    return found


__all__ = ["NotAllowedError", "find_graph"]
