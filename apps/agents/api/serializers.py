from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.reverse import reverse

from apps.agents import queries
from apps.agents.frameworks import LARGEST_SOURCE
from apps.agents.models import (
    AGENT_STATUSES,
    CONTAINER_TIERS,
    DEPLOYMENT_STATUSES,
    ISOLATIONS,
    Agent,
    AgentType,
    AgentVersion,
    ContainerResources,
    Deployment,
    Desired,
    Framework,
    Health,
    IntegrationStatus,
    MarketplaceIntegration,
)
from apps.agents.snapshots import Snapshot, SnapshotBrokenError

OWNER_TYPES = [("user", "user"), ("organization", "organization")]
BUMPS = [("major", "major"), ("minor", "minor"), ("patch", "patch")]
RUNTIMES = [("local", "local")]

_URI = {"type": "string", "format": "uri"}
_LINKS = ("versions", "deployments", "marketplace", "workflows", "executions")
_ROUTES = {
    "versions": "agent-versions",
    "deployments": "agent-deployments",
    "marketplace": "agent-marketplace",
    "workflows": "agent-workflows",
    "executions": "agent-executions",
}


class ResourcesSerializer(serializers.ModelSerializer[ContainerResources]):
    """What the container may use: as the organization's tier says."""

    subscription_tier = serializers.ChoiceField(choices=CONTAINER_TIERS, read_only=True)
    network_isolation = serializers.ChoiceField(choices=ISOLATIONS, read_only=True)

    class Meta:
        model = ContainerResources
        fields = ("subscription_tier", "cpu_limit", "memory_limit_mb", "network_isolation", "updated_at")
        read_only_fields = fields


class IntegrationSerializer(serializers.ModelSerializer[MarketplaceIntegration]):
    status = serializers.ChoiceField(choices=IntegrationStatus.choices, read_only=True)

    class Meta:
        model = MarketplaceIntegration
        fields = ("marketplace_name", "marketplace_agent_id", "status", "published_at", "unpublished_at",
                  "usage_metrics", "created_at", "updated_at")  # fmt: skip
        read_only_fields = fields


class AgentSerializer(serializers.ModelSerializer[Agent]):
    organization = serializers.UUIDField(source="organization_id", read_only=True)
    owner_type = serializers.ChoiceField(choices=OWNER_TYPES, source="organization.owner_type", read_only=True)
    owner = serializers.SerializerMethodField(help_text="The user of a personal organization, else the organization.")
    project = serializers.UUIDField(source="project_id", read_only=True, allow_null=True)
    framework = serializers.ChoiceField(choices=Framework.choices, read_only=True)
    agent_type = serializers.ChoiceField(choices=AgentType.choices, read_only=True)
    status = serializers.ChoiceField(choices=AGENT_STATUSES, read_only=True)
    resources = serializers.SerializerMethodField()
    marketplace = serializers.SerializerMethodField(help_text="Null while it was never published.")
    url = serializers.SerializerMethodField()
    links = serializers.SerializerMethodField()

    class Meta:
        model = Agent
        fields = ("id", "name", "slug", "description", "organization", "owner_type", "owner", "project", "framework",
                  "agent_type", "status", "version", "deployed_at", "container_id", "resource_limits", "metadata",
                  "resources", "marketplace", "created_at", "updated_at", "url", "links")  # fmt: skip
        read_only_fields = fields

    def get_owner(self, agent: Agent) -> UUID:
        organization = agent.organization
        owner: UUID | None = organization.owner_user_id if organization.is_personal else None
        return owner or organization.pk

    @extend_schema_field(ResourcesSerializer)
    def get_resources(self, agent: Agent) -> dict[str, Any]:
        return dict(ResourcesSerializer(agent.resources).data)

    @extend_schema_field(IntegrationSerializer(allow_null=True))
    def get_marketplace(self, agent: Agent) -> dict[str, Any] | None:
        record: MarketplaceIntegration | None = getattr(agent, "integration", None)
        return None if record is None else dict(IntegrationSerializer(record).data)

    @extend_schema_field(_URI)
    def get_url(self, agent: Agent) -> str:
        return reverse("agent", [agent.pk], request=self.context["request"])

    @extend_schema_field({"type": "object", "properties": dict.fromkeys(_LINKS, _URI), "required": list(_LINKS)})
    def get_links(self, agent: Agent) -> dict[str, str]:
        request = self.context["request"]
        return {name: reverse(_ROUTES[name], [agent.pk], request=request) for name in _LINKS}


class _Strict(serializers.Serializer[Any]):
    """A field nobody knows is an error: it is a slip, or something that is changed elsewhere."""

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        known = ", ".join(self.fields)
        errors = {
            str(name)[:100]: f"There is no such field here; there are: {known}."
            for name in self.initial_data
            if name not in self.fields
        }
        if errors:
            raise serializers.ValidationError(errors)
        return attrs


_DESCRIPTION: dict[str, Any] = {"max_length": 20_000, "required": False, "allow_blank": True}


class AgentChange(_Strict):
    """What may be changed of an agent at any time. What it is made of changes by publishing a version."""

    name = serializers.CharField(max_length=255, required=False)
    slug = serializers.SlugField(max_length=120, required=False)
    description = serializers.CharField(**_DESCRIPTION)
    project = serializers.UUIDField(allow_null=True, required=False, help_text="Null takes it out of its project.")
    resource_limits = serializers.JSONField(
        required=False, help_text="`cpu_limit` and `memory_limit_mb`: less than the tier allows, never more."
    )
    metadata = serializers.JSONField(required=False, help_text="An object; at most 64 KB.")


class AgentInput(AgentChange):
    name = serializers.CharField(max_length=255)
    framework = serializers.ChoiceField(choices=Framework.choices)
    agent_type = serializers.ChoiceField(choices=AgentType.choices, default=AgentType.CODE)
    config = serializers.JSONField(
        required=False,
        help_text="What the agent is made of: `graph` (module:attribute, for langgraph) or `endpoint` (an address that "
        "speaks the adapter contract, with the name of its `secret`), `recursion_limit`, `configurable`, and whatever "
        "the framework itself wants to know.",
    )
    source = serializers.CharField(  # type: ignore[assignment]  # a field
        max_length=LARGEST_SOURCE, required=False, allow_blank=True, trim_whitespace=False,
        help_text="Of an agent of type code. It is kept and shown, never run here.",
    )  # fmt: skip


class AgentVersionSerializer(serializers.ModelSerializer[AgentVersion]):
    version = serializers.CharField(source="number", read_only=True)
    archived = serializers.SerializerMethodField(
        help_text="Beyond the last ten: kept packed, and deleted after a year."
    )

    class Meta:
        model = AgentVersion
        fields = ("id", "version", "sha256", "change_summary", "archived", "created_at")
        read_only_fields = fields

    def get_archived(self, version: AgentVersion) -> bool:
        return version.archived_at is not None


class AgentVersionDetailSerializer(AgentVersionSerializer):
    config = serializers.SerializerMethodField()
    source = serializers.SerializerMethodField()  # type: ignore[assignment]  # a field
    readable = serializers.SerializerMethodField(help_text="False when what was archived cannot be read any more.")

    class Meta:
        model = AgentVersion
        fields = (*AgentVersionSerializer.Meta.fields, "config", "source", "readable")
        read_only_fields = fields

    def to_representation(self, instance: AgentVersion) -> dict[str, Any]:
        try:
            self._held = queries.snapshot_of(instance)
            self._readable = True
        except SnapshotBrokenError:
            self._held, self._readable = Snapshot({}), False
        return dict(super().to_representation(instance))

    @extend_schema_field({"type": "object", "additionalProperties": True})
    def get_config(self, version: AgentVersion) -> dict[str, Any]:
        return dict(self._held.config)

    def get_source(self, version: AgentVersion) -> str:
        return self._held.source

    def get_readable(self, version: AgentVersion) -> bool:
        return self._readable


class AgentVersionInput(_Strict):
    config = serializers.JSONField()
    source = serializers.CharField(  # type: ignore[assignment]  # a field
        max_length=LARGEST_SOURCE, required=False, allow_blank=True, trim_whitespace=False, default=""
    )
    change_summary = serializers.CharField(max_length=1000, required=False, allow_blank=True, default="")
    version = serializers.CharField(
        max_length=20, required=False, help_text="MAJOR.MINOR.PATCH, greater than the latest; or leave it to `bump`."
    )
    bump = serializers.ChoiceField(choices=BUMPS, default="patch", help_text="Which part of the version is raised.")


class DeploymentSerializer(serializers.ModelSerializer[Deployment]):
    agent = serializers.UUIDField(source="agent_id", read_only=True)
    version = serializers.CharField(source="version.number", read_only=True)
    runtime = serializers.ChoiceField(choices=RUNTIMES, read_only=True)
    desired = serializers.ChoiceField(choices=Desired.choices, read_only=True)
    status = serializers.ChoiceField(choices=DEPLOYMENT_STATUSES, read_only=True)
    health = serializers.ChoiceField(choices=Health.choices, read_only=True)
    url = serializers.SerializerMethodField()

    class Meta:
        model = Deployment
        fields = ("id", "agent", "version", "runtime", "desired", "status", "container_id", "health",
                  "health_checked_at", "started_at", "stopped_at", "restart_count", "error_message", "created_at",
                  "updated_at", "url")  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(_URI)
    def get_url(self, deployment: Deployment) -> str:
        return reverse("deployment", [deployment.pk], request=self.context["request"])


class DeploymentInput(_Strict):
    version = serializers.CharField(max_length=20, required=False, help_text="The latest if not given.")
    runtime = serializers.ChoiceField(choices=RUNTIMES, default="local")


class DeploymentLogsSerializer(serializers.ModelSerializer[Deployment]):
    class Meta:
        model = Deployment
        fields = ("logs",)
        read_only_fields = fields


class PublishInput(_Strict):
    marketplace_name = serializers.CharField(max_length=50, required=False)
