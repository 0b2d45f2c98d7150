from __future__ import annotations

import django_filters
from django.db.models import Q, QuerySet

from apps.agents.models import AGENT_STATUSES, DEPLOYMENT_STATUSES, Agent, AgentType, Deployment, Framework

_LONGEST_SEARCH = 200


class AgentFilter(django_filters.FilterSet):  # type: ignore[misc]  # the package has no types
    search = django_filters.CharFilter(
        method="containing", max_length=_LONGEST_SEARCH, label="Part of name, slug or description, upper or lower case."
    )
    name = django_filters.CharFilter(
        lookup_expr="icontains", max_length=_LONGEST_SEARCH, label="Part of the name, upper or lower case."
    )
    slug = django_filters.CharFilter(max_length=120, label="The whole slug.")
    framework = django_filters.ChoiceFilter(choices=Framework.choices)
    agent_type = django_filters.ChoiceFilter(choices=AgentType.choices)
    status = django_filters.ChoiceFilter(choices=AGENT_STATUSES)
    organization = django_filters.UUIDFilter(field_name="organization_id", label="The id of an organization.")
    project = django_filters.UUIDFilter(field_name="project_id", label="The id of a project.")

    class Meta:
        model = Agent
        fields = ("search", "name", "slug", "framework", "agent_type", "status", "organization", "project")

    def containing(self, found: QuerySet[Agent], name: str, text: str) -> QuerySet[Agent]:
        return found.filter(Q(name__icontains=text) | Q(slug__icontains=text) | Q(description__icontains=text))


class DeploymentFilter(django_filters.FilterSet):  # type: ignore[misc]  # the package has no types
    status = django_filters.ChoiceFilter(choices=DEPLOYMENT_STATUSES)

    class Meta:
        model = Deployment
        fields = ("status",)
