from __future__ import annotations

from typing import Any

from django.db import models


class LowercaseEmailField(models.EmailField):
    """An e-mail address, lower-cased wherever it enters: forms, saves and look-ups alike."""

    def to_python(self, value: Any) -> Any:
        value = super().to_python(value)
        return value.strip().lower() if isinstance(value, str) else value

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        return value.lower() if isinstance(value, str) else value
