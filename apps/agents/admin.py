"""Agents for a support person: to look at, and to stop or restart what runs. History is not edited."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from apps.accounts.models import User
from apps.agents import services
from apps.agents.models import Agent, AgentVersion, ContainerResources, Deployment, MarketplaceIntegration
from apps.core.errors import SymphonyError


class _ReadOnly:
    """Nothing is added, changed or deleted by hand."""

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class ResourcesInline(_ReadOnly, admin.StackedInline):
    model = ContainerResources
    fields = ("subscription_tier", "cpu_limit", "memory_limit_mb", "network_isolation", "updated_at")
    readonly_fields = fields


class IntegrationInline(_ReadOnly, admin.StackedInline):
    model = MarketplaceIntegration
    fields = ("marketplace_name", "marketplace_agent_id", "status", "published_at", "unpublished_at", "usage_metrics")
    readonly_fields = fields


class VersionInline(_ReadOnly, admin.TabularInline):
    model = AgentVersion
    fields = ("number", "sha256", "change_summary", "created_by", "created_at", "archived_at")
    readonly_fields = fields
    show_change_link = True
    extra = 0

    def get_queryset(self, request: HttpRequest) -> QuerySet[AgentVersion]:
        return super().get_queryset(request).defer("config", "source", "archive").select_related("created_by")


@admin.register(Agent)
class AgentAdmin(_ReadOnly, admin.ModelAdmin):
    list_display = ("name", "organization", "framework", "agent_type", "status", "version", "deployed_at", "updated_at")
    list_filter = ("status", "framework", "agent_type", "updated_at")
    list_select_related = ("organization",)
    search_fields = ("name", "slug", "description", "organization__name", "=id", "=container_id")
    fields = ("id", "name", "slug", "description", "organization", "project", "framework", "agent_type", "status",
              "version", "deployed_at", "container_id", "resource_limits", "metadata", "created_by", "created_at",
              "updated_at")  # fmt: skip
    inlines = (ResourcesInline, IntegrationInline, VersionInline)
    show_full_result_count = False


@admin.register(AgentVersion)
class AgentVersionAdmin(_ReadOnly, admin.ModelAdmin):
    list_display = ("number", "agent", "organization", "change_summary", "created_by", "created_at", "archived_at")
    list_filter = ("created_at", "archived_at")
    list_select_related = ("agent", "organization", "created_by")
    search_fields = ("agent__name", "agent__slug", "=sha256")
    ordering = ("-id",)
    fields = ("id", "number", "agent", "organization", "config", "source", "sha256", "change_summary", "created_by",
              "created_at", "archived_at")  # fmt: skip
    readonly_fields = ("number",)
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[AgentVersion]:
        found: QuerySet[AgentVersion] = super().get_queryset(request)
        match = request.resolver_match
        listed = match is not None and (match.url_name or "").endswith("_changelist")
        return found.defer("config", "source", "archive") if listed else found


@admin.register(Deployment)
class DeploymentAdmin(_ReadOnly, admin.ModelAdmin):
    list_display = ("id", "agent", "organization", "version", "runtime", "desired", "status", "health", "restart_count",
                    "started_at")  # fmt: skip
    list_filter = ("status", "desired", "health", "runtime", "created_at")
    list_select_related = ("agent", "organization", "version")
    search_fields = ("=id", "agent__name", "agent__slug", "organization__name", "=container_id")
    fields = ("id", "agent", "organization", "version", "runtime", "desired", "restart_requested", "status",
              "container_id", "address", "health", "health_checked_at", "started_at", "stopped_at", "restart_count",
              "error_message", "runner", "lease_until", "created_by", "created_at", "logs")  # fmt: skip
    actions = ("stop", "restart")
    show_full_result_count = False

    def get_queryset(self, request: HttpRequest) -> QuerySet[Deployment]:
        found: QuerySet[Deployment] = super().get_queryset(request)
        match = request.resolver_match
        listed = match is not None and (match.url_name or "").endswith("_changelist")
        held = found.defer("version__config", "version__source", "version__archive", "agent__metadata")
        return held.defer("logs") if listed else held

    def has_operate_permission(self, request: HttpRequest) -> bool:
        return bool(request.user.has_perm("agents.change_deployment"))

    @admin.action(description="Ask to stop", permissions=["operate"])
    def stop(self, request: HttpRequest, chosen: QuerySet[Deployment]) -> None:
        self._ask(request, chosen, services.stop_deployment, "asked to stop")

    @admin.action(description="Start anew", permissions=["operate"])
    def restart(self, request: HttpRequest, chosen: QuerySet[Deployment]) -> None:
        self._ask(request, chosen, services.restart_deployment, "asked to start anew")

    def _ask(self, request: HttpRequest, chosen: QuerySet[Deployment], verb: Any, told: str) -> None:
        assert isinstance(request.user, User)
        done = 0
        for deployment in chosen.select_related("organization"):
            try:
                verb(actor=request.user, deployment=deployment)
                done += 1
            except SymphonyError as error:
                self.message_user(request, f"{deployment}: {error.detail}", messages.ERROR)
        if done:
            self.message_user(request, f"{done} {told}.", messages.SUCCESS)
