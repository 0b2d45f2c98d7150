"""What forms of the admin have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib.admin.options import BaseModelAdmin
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import ValidationError
from django.db.models import ForeignKey
from django.forms import ModelChoiceField
from django.http import HttpRequest


class KnownIds(AutocompleteSelect):
    """Django's looks up whatever was sent when it shows a form with its errors, and breaks on what cannot be an id."""

    def optgroups(self, name: str, value: Sequence[Any], attr: Any = None) -> list[Any]:
        return super().optgroups(name, [one for one in value if self._may_be_one(one)], attr)

    def _may_be_one(self, value: Any) -> bool:
        try:
            self.field.target_field.to_python(value)
        except ValidationError:
            return False
        return True


class Autocompleting(BaseModelAdmin):
    """For every admin and inline with `autocomplete_fields`."""

    def formfield_for_foreignkey(
        self, db_field: ForeignKey, request: HttpRequest, **options: Any
    ) -> ModelChoiceField | None:
        if db_field.name in self.get_autocomplete_fields(request):
            options.setdefault("widget", KnownIds(db_field, self.admin_site, using=options.get("using")))
        return super().formfield_for_foreignkey(db_field, request, **options)
