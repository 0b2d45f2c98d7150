"""Secrets in a call: filled in at the last moment, and kept out of everything that is recorded."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from urllib.parse import quote, quote_plus

from workers.contract import StepFailed
from workers.steps.fields import require

_PLACEHOLDER = re.compile(r"\{\{\s*secrets\.([A-Za-z_][A-Za-z0-9_]*)\s*\}\}")
_SHORTEST = 4
"""Shorter secrets are found in any text by chance; nothing is gained by blotting them out."""
HIDDEN = "***"


def check_placeholders(text: str, field: str) -> None:
    """Refuse templates other than secrets: these fields are not rendered like others."""
    require("{{" not in _PLACEHOLDER.sub("", text), f"`{field}` may hold {{{{secrets.NAME}}}}, but no other template")


class Secrets:
    """The secrets of one call. Knows what it gave out, so that it can be blotted out of what comes back."""

    def __init__(self, find: Callable[[str], str | None]) -> None:
        self._find = find
        self._known: dict[str, str] = {}

    def fill(self, text: str) -> str:
        """The text with its secrets in place."""
        return _PLACEHOLDER.sub(lambda found: self._value(found[1]), text)

    def _value(self, name: str) -> str:
        if name not in self._known:
            value = self._find(name)
            if value is None:
                raise StepFailed(
                    f"There is no secret {name}; add it to the project or the organization.",
                    code="secret_missing",
                    final=True,
                )
            self._known[name] = value
        return self._known[name]

    @property
    def any_given(self) -> bool:
        """Whether the call holds any."""
        return bool(self._known)

    def also(self, text: str) -> str:
        """Treat a text made of secrets as one itself."""
        self._known[f"{len(self._known)}"] = text
        return text

    def _forms(self) -> list[str]:
        """Each secret in the forms in which it may come back, the longest first."""
        forms: set[str] = set()
        for value in self._known.values():
            if len(value) >= _SHORTEST:
                forms |= {value, json.dumps(value)[1:-1], quote(value, safe=""), quote_plus(value)}
                forms.add(base64.b64encode(value.encode()).decode())
        return sorted(forms, key=len, reverse=True)

    def hidden_in(self, text: str) -> str:
        """The text with every secret blotted out."""
        for form in self._forms():
            text = text.replace(form, HIDDEN)
        return text

    def hidden_in_bytes(self, data: bytes) -> bytes:
        """The bytes with every secret blotted out."""
        for form in self._forms():
            data = data.replace(form.encode(), HIDDEN.encode())
        return data
