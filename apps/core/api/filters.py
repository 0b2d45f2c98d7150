"""Filters of lists that more than one app uses."""

from __future__ import annotations

from typing import Any

import django_filters
from django import forms


class _TrueOrFalseField(forms.NullBooleanField):
    # The usual widget takes every word it does not know for nothing.
    widget = forms.TextInput

    def to_python(self, value: Any) -> bool | None:  # type: ignore[override]  # its stub forgets null
        found = super().to_python(value.lower() if isinstance(value, str) else value)
        if found is None and value not in self.empty_values:
            raise forms.ValidationError("It is true or false.", code="invalid")
        return found


class TrueOrFalseFilter(django_filters.BooleanFilter):  # type: ignore[misc]  # the package has no types
    """A word that is neither is refused: a list of everything would look like the one that was asked for."""

    field_class = _TrueOrFalseField


__all__ = ["TrueOrFalseFilter"]
