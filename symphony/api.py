"""What the API is made of: settings of REST framework and of the schema, none of which differs from place to place."""

from __future__ import annotations

from typing import Any, Final

REST_FRAMEWORK: Final[dict[str, Any]] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "apps.accounts.api.authentication.TokenAuthentication",
        "apps.signin.api.authentication.AccessTokenAuthentication",
        "apps.signin.api.authentication.EditorAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_THROTTLE_CLASSES": ["apps.billing.api.throttling.PlanThrottle"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["apps.core.api.parsers.BoundedJSONParser"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "apps.core.api.pagination.CursorPagination",
    "DEFAULT_SCHEMA_CLASS": "apps.core.api.schema.SymphonyAutoSchema",
    "EXCEPTION_HANDLER": "apps.core.api.exceptions.problem_handler",
    "PAGE_SIZE": 100,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS: Final[dict[str, Any]] = {
    "TITLE": "Symphony",
    "DESCRIPTION": "Workflow engine and central data service behind the Symphony IDE.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "apps.core.api.schema.add_problems",
    ],
    "ENUM_NAME_OVERRIDES": {
        "Role": "apps.accounts.models.Role",
        "ProjectAccessMode": "apps.projects.models.ProjectAccessMode",
        "MelodyStatus": "apps.melodies.models.MelodyStatus",
        "SubscriptionTier": "apps.accounts.models.SubscriptionTier",
        "SubscriptionStatus": "apps.billing.models.SubscriptionStatus",
        "InvoiceStatus": "apps.billing.models.InvoiceStatus",
        "AgentStatus": "apps.agents.models.AGENT_STATUSES",
        "DeploymentStatus": "apps.agents.models.DEPLOYMENT_STATUSES",
        "VersionBump": "apps.agents.api.serializers.BUMPS",
        "ExecutionStatus": "apps.executions.api.serializers.EXECUTION_STATUSES",
        "TaskStatus": "apps.executions.api.serializers.TASK_STATUSES",
        "PoolKind": "apps.executions.models.PoolKind",
        "TriggerKind": "apps.triggers.api.serializers.KINDS",
        "TriggerState": "apps.triggers.api.serializers.TRIGGER_STATES",
        "FiringState": "apps.triggers.api.serializers.FIRING_STATES",
        "FiringSource": "apps.triggers.api.serializers.SOURCES",
        "BackfillState": "apps.triggers.api.serializers.BACKFILL_STATES",
    },
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
}
