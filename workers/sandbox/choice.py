"""Which sandbox this installation uses."""

from __future__ import annotations

from functools import lru_cache

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from workers.sandbox.port import Sandbox
from workers.sandbox.refusing import RefusingSandbox

NONE = "refuse"


def chosen() -> Sandbox:
    """The sandbox that SYMPHONY_SANDBOX names: `refuse`, or the path of a class, `package.module.Name`."""
    return _made(settings.SYMPHONY_SANDBOX)


@lru_cache(maxsize=4)
def _made(name: str) -> Sandbox:
    if name in ("", NONE):
        return RefusingSandbox()
    try:
        sandbox: Sandbox = import_string(name)()
    except ImportError as error:
        raise ImproperlyConfigured(
            f"SYMPHONY_SANDBOX names no class that can be imported: {name!r}: {error}"
        ) from error
    return sandbox
