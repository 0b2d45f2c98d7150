"""What lists of melodies can be narrowed down by, and ordered by."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import django_filters
from django.db.models import QuerySet
from rest_framework.filters import OrderingFilter
from rest_framework.request import Request

from apps.core.errors import Invalid
from apps.melodies.models import CreationSource, Melody, MelodyStatus, PricingTier
from apps.melodies.searching import LONGEST_SEARCH, search
from apps.melodies.tags import MOST_TAGS, TagError, normal_tags

SEARCH = "search"


class _Words(django_filters.BaseInFilter, django_filters.CharFilter):  # type: ignore[misc]  # the package has no types
    """Several, divided by commas."""


class MelodyFilter(django_filters.FilterSet):  # type: ignore[misc]  # the package has no types
    search = django_filters.CharFilter(
        method="find",
        max_length=LONGEST_SEARCH,
        label='Words in name, description, tags and names of steps: review -draft "two words". The best come first, '
        "with what matches in `highlight`; names that look like it where nothing matches.",
    )
    name = django_filters.CharFilter(lookup_expr="icontains", label="Part of the name, upper or lower case.")
    status = django_filters.ChoiceFilter(choices=MelodyStatus.choices)
    path = django_filters.CharFilter(label="The whole path.")
    has_path = django_filters.TypedChoiceFilter(
        choices=[("true", "true"), ("false", "false")],
        coerce=lambda word: word == "true",
        field_name="path",
        lookup_expr="isnull",
        exclude=True,
        label="Whether a `pipeline_file` can find it.",
    )
    project = django_filters.UUIDFilter(field_name="project_id", label="The id of a project.")
    organization = django_filters.CharFilter(method="of_organization", label="Slug or id of an organization.")
    tag = _Words(method="with_tags", label="Tags it has, all of them: review,nightly.")
    creation_source = django_filters.ChoiceFilter(choices=CreationSource.choices)
    pricing_tier = django_filters.ChoiceFilter(choices=PricingTier.choices)
    created_by = django_filters.UUIDFilter(field_name="created_by_id", label="The id of a user.")
    parent = django_filters.UUIDFilter(field_name="parent_id", label="The id of the melody it is a fork of.")
    updated_after = django_filters.IsoDateTimeFilter(field_name="updated_at", lookup_expr="gte")
    updated_before = django_filters.IsoDateTimeFilter(field_name="updated_at", lookup_expr="lt")

    class Meta:
        model = Melody
        fields: Sequence[str] = ()

    def filter_queryset(self, queryset: QuerySet[Melody]) -> QuerySet[Melody]:
        """Searching last: what is ranked is bounded, and shall be what the other filters leave."""
        text = self.form.cleaned_data.pop(SEARCH, "")
        found = super().filter_queryset(queryset)
        self.form.cleaned_data[SEARCH] = text
        return self.find(found, SEARCH, text) if text else found

    def find(self, found: QuerySet[Melody], _name: str, text: str) -> QuerySet[Melody]:
        return search(found, text)

    def of_organization(self, found: QuerySet[Melody], _name: str, reference: str) -> QuerySet[Melody]:
        try:
            return found.filter(organization_id=UUID(reference))
        except ValueError:
            return found.filter(organization__slug=reference)

    def with_tags(self, found: QuerySet[Melody], _name: str, tags: Sequence[str]) -> QuerySet[Melody]:
        try:
            wanted = normal_tags(tags[: MOST_TAGS + 1])
        except TagError as error:
            message = str(error)
            raise Invalid(message, errors=[{"code": "invalid_tags", "message": message, "pointer": "?tag"}]) from None
        return found.filter(tags__contains=wanted)


class MelodyOrdering(OrderingFilter):
    """The best first where something is searched, unless another order is asked for."""

    def get_ordering(self, request: Request, queryset: QuerySet[Any], view: Any) -> Sequence[str]:
        fields = [name.strip() for name in request.query_params.get(self.ordering_param, "").split(",")]
        wanted: list[str] = self.remove_invalid_fields(queryset, fields, view, request)
        return wanted or (("-score", "-id") if "score" in queryset.query.annotations else ("-id",))
