"""Agents, their versions, what their containers may use, where they are published, and where they run."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import ClassVar, Final

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.timezone import now

from apps.accounts.models import Organization
from apps.agents.states import AgentStatus, DeploymentStatus
from apps.agents.tiers import ALLOWANCES, ContainerTier, Isolation
from apps.core.ids import uuid7
from apps.core.semver import FIRST, Semver
from apps.projects.models import Project

LONGEST_LOG: Final = 65_536
LARGEST_PART: Final = 99_999
"""Of a version."""
_VERSION: Final = r"^(0|[1-9][0-9]{0,4})\.(0|[1-9][0-9]{0,4})\.(0|[1-9][0-9]{0,4})$"
"""Characters of a deployment's output that are kept: the last ones."""


class Framework(models.TextChoices):
    LANGGRAPH = "langgraph", "LangGraph"
    AGNO = "agno", "Agno"
    CREWAI = "crewai", "CrewAI"
    N8N = "n8n", "n8n"


class AgentType(models.TextChoices):
    VISUAL = "visual"
    CODE = "code"


class IntegrationStatus(models.TextChoices):
    PENDING = "pending"
    PUBLISHED = "published"
    UNPUBLISHED = "unpublished"
    ERROR = "error"


class Desired(models.TextChoices):
    """What a deployment shall become. People write this; the runner writes what it is."""

    RUNNING = "running"
    STOPPED = "stopped"


class Health(models.TextChoices):
    UNKNOWN = "unknown"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"


AGENT_STATUSES: Final = [(status.value, status.value) for status in AgentStatus]
DEPLOYMENT_STATUSES: Final = [(status.value, status.value) for status in DeploymentStatus]
CONTAINER_TIERS: Final = [(tier.value, tier.value) for tier in ContainerTier]
ISOLATIONS: Final = [(isolation.value, isolation.value) for isolation in Isolation]


def _one_of(field: str, values: object, name: str) -> models.CheckConstraint:
    return models.CheckConstraint(condition=Q(**{f"{field}__in": values}), name=name)


class Agent(models.Model):
    """`version` is its latest; `container_id` and `deployed_at` tell of the deployment that runs, or ran last."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="agents")
    project = models.ForeignKey(Project, on_delete=models.SET_NULL, null=True, blank=True, related_name="agents")
    name = models.CharField(max_length=255)
    slug = models.SlugField(max_length=120)
    description = models.TextField(blank=True)
    framework = models.CharField(max_length=50, choices=Framework)
    agent_type = models.CharField(max_length=20, choices=AgentType)
    status = models.CharField(max_length=20, choices=AGENT_STATUSES, default=AgentStatus.DRAFT.value)
    version = models.CharField(max_length=20, default=str(FIRST))
    deployed_at = models.DateTimeField(null=True, blank=True)
    container_id = models.CharField(max_length=255, blank=True)
    resource_limits = models.JSONField(default=dict, blank=True)
    metadata = models.JSONField(default=dict, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["organization", "-id"], name="agent_by_organization"),
            models.Index(fields=["organization", "framework", "-id"], name="agent_by_framework"),
            models.Index(fields=["organization", "status", "-id"], name="agent_by_status"),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["organization", "slug"], name="agent_slug"),
            models.UniqueConstraint(fields=["organization", "id"], name="agent_of_organization"),
            _one_of("framework", Framework.values, "agent_framework"),
            _one_of("agent_type", AgentType.values, "agent_type"),
            _one_of("status", [status.value for status in AgentStatus], "agent_status"),
            models.CheckConstraint(condition=Q(version__regex=_VERSION), name="agent_version_form"),
            models.CheckConstraint(condition=~Q(name=""), name="agent_name_not_empty"),
        ]

    def __str__(self) -> str:
        return self.name


class AgentVersion(models.Model):
    """What an agent was at one moment. Immutable but for this: it may be archived, once, which packs config and source
    into `archive` (see `apps.agents.snapshots`). `sha256` is that of the snapshot, packed or not."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="versions")
    major = models.PositiveIntegerField()
    minor = models.PositiveIntegerField()
    patch = models.PositiveIntegerField()
    config = models.JSONField(default=dict)
    source = models.TextField(blank=True)
    sha256 = models.CharField(max_length=64)
    change_summary = models.CharField(max_length=1000, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(default=now)
    archived_at = models.DateTimeField(null=True, blank=True)
    archive = models.BinaryField(null=True, blank=True)

    class Meta:
        ordering: ClassVar = ["-major", "-minor", "-patch"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["agent", "major", "minor", "patch"], name="agent_version_once"),
            models.UniqueConstraint(fields=["organization", "id"], name="agent_version_of_organization"),
            models.CheckConstraint(
                condition=Q(archived_at__isnull=True, archive__isnull=True)
                | Q(archived_at__isnull=False, archive__isnull=False),
                name="agent_version_archived_whole",
            ),
        ]

    def __str__(self) -> str:
        return str(self.number)

    @property
    def number(self) -> Semver:
        return Semver(self.major, self.minor, self.patch)


class AgentVersionUse(models.Model):
    """That a run has used a version, which is why the version is kept. The run belongs to an app above: no key to it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    version = models.ForeignKey(AgentVersion, on_delete=models.CASCADE, related_name="uses")
    execution_id = models.UUIDField()
    used_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["version", "execution_id"], name="agent_version_use_once")
        ]
        indexes: ClassVar = [models.Index(fields=["execution_id"], name="agent_version_use_by_run")]

    def __str__(self) -> str:
        return f"{self.version_id} by {self.execution_id}"


class ContainerResources(models.Model):
    """What an agent's container may use. A trigger makes it follow the organization's tier."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    agent = models.OneToOneField(Agent, on_delete=models.CASCADE, related_name="resources")
    subscription_tier = models.CharField(max_length=20, choices=CONTAINER_TIERS)
    cpu_limit = models.PositiveIntegerField()
    memory_limit_mb = models.PositiveIntegerField()
    network_isolation = models.CharField(max_length=20, choices=ISOLATIONS)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name = "container resources"
        verbose_name_plural = "container resources"
        constraints: ClassVar = [
            _one_of("subscription_tier", [tier.value for tier in ContainerTier], "container_resources_tier"),
            _one_of("network_isolation", [kind.value for kind in Isolation], "container_resources_isolation"),
            models.CheckConstraint(
                name="check_resource_limits",
                condition=reduce(
                    or_,
                    (
                        Q(subscription_tier=tier.value, cpu_limit=allowed.cpu, memory_limit_mb=allowed.memory_mb)
                        for tier, allowed in ALLOWANCES.items()
                    ),
                ),
            ),
            models.CheckConstraint(
                name="check_network_isolation",
                condition=Q(subscription_tier="enterprise", network_isolation="isolated")
                | Q(subscription_tier__in=["basic", "pro"], network_isolation="shared"),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.cpu_limit} CPU, {self.memory_limit_mb} MB, {self.network_isolation}"


class MarketplaceIntegration(models.Model):
    """That an agent is offered on a marketplace. A record: nobody is called."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    agent = models.OneToOneField(Agent, on_delete=models.CASCADE, related_name="integration")
    marketplace_name = models.CharField(max_length=50, default="hyphrki")
    marketplace_agent_id = models.CharField(max_length=255, blank=True)
    status = models.CharField(max_length=20, choices=IntegrationStatus, default=IntegrationStatus.PENDING)
    published_at = models.DateTimeField(null=True, blank=True)
    unpublished_at = models.DateTimeField(null=True, blank=True)
    usage_metrics = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        indexes: ClassVar = [models.Index(fields=["organization", "status"], name="integration_by_status")]
        constraints: ClassVar = [
            _one_of("status", IntegrationStatus.values, "integration_status"),
            models.CheckConstraint(
                condition=~Q(status="published") | Q(published_at__isnull=False), name="integration_published_when"
            ),
            models.CheckConstraint(
                condition=~Q(status="unpublished") | Q(unpublished_at__isnull=False),
                name="integration_unpublished_when",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.status} on {self.marketplace_name}"


class Deployment(models.Model):
    """One version of an agent, running or to run. `container_id` is the runtime's handle, `address` where it answers.

    People write `desired` and `restart_requested`; everything else is the runner's. `runner` holds the row until
    `lease_until`: when that has passed, the runner is gone and its process with it.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    agent = models.ForeignKey(Agent, on_delete=models.CASCADE, related_name="deployments")
    version = models.ForeignKey(AgentVersion, on_delete=models.RESTRICT, related_name="deployments")
    runtime = models.CharField(max_length=40, default="local")
    desired = models.CharField(max_length=10, choices=Desired, default=Desired.RUNNING)
    restart_requested = models.BooleanField(default=False)
    status = models.CharField(max_length=10, choices=DEPLOYMENT_STATUSES, default=DeploymentStatus.PENDING.value)
    container_id = models.CharField(max_length=255, blank=True)
    address = models.CharField(max_length=255, blank=True)
    health = models.CharField(max_length=10, choices=Health, default=Health.UNKNOWN)
    health_checked_at = models.DateTimeField(null=True, blank=True)
    started_at = models.DateTimeField(null=True, blank=True)
    stopped_at = models.DateTimeField(null=True, blank=True)
    restart_count = models.PositiveIntegerField(default=0)
    failures_in_a_row = models.PositiveIntegerField(default=0)
    next_start_at = models.DateTimeField(null=True, blank=True)
    error_message = models.TextField(blank=True)
    logs = models.TextField(blank=True)
    runner = models.CharField(max_length=120, blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering: ClassVar = ["-id"]
        indexes: ClassVar = [
            models.Index(fields=["agent", "-id"], name="deployment_by_agent"),
            models.Index(
                fields=["status", "id"],
                name="deployment_to_reconcile",
                condition=Q(desired="running") | ~Q(status__in=["stopped", "failed"]),
            ),
        ]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["agent"], condition=Q(desired="running"), name="deployment_one_wanted_per_agent"
            ),
            _one_of("status", [status.value for status in DeploymentStatus], "deployment_status"),
            _one_of("desired", Desired.values, "deployment_desired"),
            _one_of("health", Health.values, "deployment_health"),
        ]

    def __str__(self) -> str:
        return f"{self.runtime} {self.container_id or self.pk}"


__all__ = [
    "AGENT_STATUSES",
    "CONTAINER_TIERS",
    "DEPLOYMENT_STATUSES",
    "LONGEST_LOG",
    "Agent",
    "AgentType",
    "AgentVersion",
    "AgentVersionUse",
    "ContainerResources",
    "Deployment",
    "Desired",
    "Framework",
    "Health",
    "IntegrationStatus",
    "MarketplaceIntegration",
]
