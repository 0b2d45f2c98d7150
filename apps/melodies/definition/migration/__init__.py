"""From the older forms of the language to those of version 2, without a change of meaning.

All older forms still run as they are: nothing has to be migrated. A document that is migrated twice is changed once.
"""

from __future__ import annotations

from .changes import Change, find_changes
from .documents import Migrated, NotMigratedError, migrate

__all__ = ["Change", "Migrated", "NotMigratedError", "find_changes", "migrate"]
