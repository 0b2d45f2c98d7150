"""The one settings file. What differs from place to place is an environment variable, read by `symphony.env`.

Long tables that differ nowhere stand beside it: `symphony.api`, `symphony.logs`, `symphony.signing_in`.
"""

from __future__ import annotations

import os
import secrets
from datetime import timedelta
from pathlib import Path
from typing import Any

import dj_database_url
from csp.constants import NONE, SELF
from django.core.exceptions import ImproperlyConfigured

from apps.core.middleware.address import trusted_proxies
from apps.executions.routes import BUILT_IN
from symphony import api, logs, queues, signing_in
from symphony.email import email_settings, public_url
from symphony.env import environment
from symphony.observability.access import networks
from symphony.version import version

BASE_DIR = Path(__file__).resolve().parent.parent
ENV, SYMPHONY_HOME = environment(BASE_DIR)

# -- who this process is -------------------------------------------------------------------------------------------
SYMPHONY_ROLE = ENV.choice("SYMPHONY_ROLE", ("web", "worker", "owner"), "web")
DEBUG = ENV.flag("SYMPHONY_DEBUG", default=False)
SECRET_KEY_GIVEN = ENV.secret("SYMPHONY_SECRET_KEY")
# Commands that sign nothing run without a key; `symphony.checks` warns, and a restart ends every session.
SECRET_KEY = SECRET_KEY_GIVEN or secrets.token_urlsafe(48)
# What secrets of projects are sealed with, newest first; see apps/projects/keyring.py.
SYMPHONY_SECRET_KEYS = ENV.keys("SYMPHONY_SECRET_KEYS")
ALLOWED_HOSTS = ENV.items("SYMPHONY_ALLOWED_HOSTS", ("127.0.0.1", "localhost", "[::1]"))
CSRF_TRUSTED_ORIGINS = ENV.items("SYMPHONY_TRUSTED_ORIGINS")
HTTPS = ENV.flag("SYMPHONY_HTTPS", default=False)

INSTALLED_APPS = [
    "apps.core.admin_config.SymphonyAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_celery_results",
    "corsheaders",
    "csp",
    "pgtrigger",
    "pghistory",
    "oauth2_provider",
    "apps.core",
    "apps.accounts",
    "apps.signin",
    "apps.billing",
    "apps.projects",
    "apps.spending",
    "apps.agents",
    "apps.melodies",
    "apps.executions",
    "apps.triggers",
    "apps.audit",
    "workers",
    "symphony",
]

# Whose origins may use the API from a browser; with none, CORS is off.
SYMPHONY_CORS_ORIGINS = ENV.items("SYMPHONY_CORS_ORIGINS")

# All of it runs on ASGI too without a thread of its own, so that live streams hold none.
MIDDLEWARE = [
    "apps.core.middleware.requests.request_origin",
    "django.middleware.security.SecurityMiddleware",
    "apps.core.middleware.headers.security_headers",
    "apps.core.middleware.headers.ContentPolicyMiddleware",
    *(["corsheaders.middleware.CorsMiddleware"] if SYMPHONY_CORS_ORIGINS else []),
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "symphony.urls"
WSGI_APPLICATION = "symphony.wsgi.application"
ASGI_APPLICATION = "symphony.asgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]


# -- database ------------------------------------------------------------------------------------------------------
SYMPHONY_DATABASE_POOL = ENV.integer("SYMPHONY_DATABASE_POOL", 0)
SYMPHONY_PREPARED_STATEMENTS = ENV.flag("SYMPHONY_PREPARED_STATEMENTS", default=True)


def database(role: str) -> dict[str, Any]:
    """The connection of a role: its own login where one is given, else the owner's."""
    own = {"web": "WEB_DATABASE_URL", "worker": "WORKER_DATABASE_URL"}.get(role, "DATABASE_URL")
    variable = own if ENV.secret(own) else "DATABASE_URL"
    url = ENV.secret(variable)
    if url is None:
        return {"ENGINE": "symphony.nodatabase", "NAME": "none", "ATOMIC_REQUESTS": True}
    try:
        config: dict[str, Any] = dict(dj_database_url.parse(url))
    except ValueError:
        raise ImproperlyConfigured(
            f"{variable} is not a database URL (postgresql://user:password@host:port/name)."
        ) from None
    if config.get("ENGINE") != "django.db.backends.postgresql":
        raise ImproperlyConfigured(f"{variable} must be a postgresql:// URL: Symphony runs on PostgreSQL only.")
    options = {"application_name": f"symphony-{role}", "connect_timeout": 10, **config.get("OPTIONS", {})}
    # A thread that shares a pool gives its connection back after each task; others keep theirs.
    pool = {"ENGINE": "symphony.database", "POOL_SIZE": SYMPHONY_DATABASE_POOL} if SYMPHONY_DATABASE_POOL > 0 else {}
    return config | {
        "ATOMIC_REQUESTS": True,
        "CONN_MAX_AGE": 0 if pool else None,
        # A pool looks itself; a worker asks after an error only (see `symphony.celery`): a question per task costs as much as a claim.
        "CONN_HEALTH_CHECKS": role == "web" and not pool,
        "DISABLE_SERVER_SIDE_CURSORS": False,
        "OPTIONS": options,
        **pool,
    }


DATABASES = {"default": database(SYMPHONY_ROLE)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# -- broker, cache -------------------------------------------------------------------------------------------------
BROKER_URL = ENV.secret("BROKER_URL") or "memory://"
CACHE_URL = ENV.secret("CACHE_URL")
CACHES: dict[str, dict[str, Any]] = {
    "default": (
        {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": CACHE_URL, "KEY_PREFIX": "symphony"}
        if CACHE_URL
        else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    )
}
CELERY_PREFETCH_MULTIPLIER = ENV.integer("SYMPHONY_PREFETCH", 4)
SYMPHONY_VISIBILITY_SECONDS = ENV.integer("SYMPHONY_VISIBILITY_SECONDS", 0)

# -- engine --------------------------------------------------------------------------------------------------------
SYMPHONY_ARTIFACT_DIR = Path(ENV.text("SYMPHONY_ARTIFACT_DIR", str(SYMPHONY_HOME / "artifacts"))).absolute()
SYMPHONY_AUDIT_DIR = Path(ENV.text("SYMPHONY_AUDIT_DIR", str(SYMPHONY_HOME / "audit"))).absolute()
SYMPHONY_WORKSPACE_DIR = Path(ENV.text("SYMPHONY_WORKSPACE_DIR", str(SYMPHONY_HOME / "workspaces"))).absolute()
SYMPHONY_READABLE_ROOTS = [
    Path(root).absolute() for root in ENV.items("SYMPHONY_READABLE_ROOTS", (), separator=os.pathsep)
]
SYMPHONY_MELODY_ENVIRONMENT = ENV.items("SYMPHONY_MELODY_ENVIRONMENT")
SYMPHONY_LEASE_SECONDS = ENV.number("SYMPHONY_LEASE_SECONDS", 60.0)
SYMPHONY_RESEND_SECONDS = ENV.number("SYMPHONY_RESEND_SECONDS", 10.0)
SYMPHONY_SLICE_MS = ENV.number("SYMPHONY_SLICE_MS", 500.0)
SYMPHONY_SWEEP_SECONDS = ENV.number("SYMPHONY_SWEEP_SECONDS", 0.5)
SYMPHONY_MAX_LOST_ATTEMPTS = ENV.integer("SYMPHONY_MAX_LOST_ATTEMPTS", 5)
SYMPHONY_LOSS_DELAY_SECONDS = ENV.number("SYMPHONY_LOSS_DELAY_SECONDS", 1.0)
SYMPHONY_CANCEL_GRACE_SECONDS = ENV.number("SYMPHONY_CANCEL_GRACE_SECONDS", 10.0)
SYMPHONY_MAX_STUCK_SHARE = ENV.number("SYMPHONY_MAX_STUCK_SHARE", 0.5)
SYMPHONY_HTTP_ALLOW_PRIVATE = ENV.items("SYMPHONY_HTTP_ALLOW_PRIVATE")
SYMPHONY_SANDBOX = ENV.text("SYMPHONY_SANDBOX", "refuse")

# -- workers, see docs/workers.md -----------------------------------------------------------------------------------
SYMPHONY_QUEUES = queues.further_queues(ENV.items("SYMPHONY_QUEUES"))
SYMPHONY_QUEUE_NAMES = (*BUILT_IN, *(queue.name for queue in SYMPHONY_QUEUES))
SYMPHONY_CAPABILITIES = queues.capabilities("SYMPHONY_CAPABILITIES", ENV.items("SYMPHONY_CAPABILITIES"))
SYMPHONY_WORKER_CAPABILITIES = queues.capabilities(
    "SYMPHONY_WORKER_CAPABILITIES", ENV.items("SYMPHONY_WORKER_CAPABILITIES")
)
SYMPHONY_VERSION = ENV.text("SYMPHONY_VERSION", version(BASE_DIR))
SYMPHONY_MAX_ROUTES = ENV.integer("SYMPHONY_MAX_ROUTES", 100)
SYMPHONY_DRAIN_SECONDS = ENV.number("SYMPHONY_DRAIN_SECONDS", 25.0)
SYMPHONY_WORKER_BEAT_SECONDS = ENV.number("SYMPHONY_WORKER_BEAT_SECONDS", 2.0)
SYMPHONY_WORKER_GONE_SECONDS = ENV.number("SYMPHONY_WORKER_GONE_SECONDS", 15.0)
SYMPHONY_WORKERS_REMEMBERED_DAYS = ENV.number("SYMPHONY_WORKERS_REMEMBERED_DAYS", 7.0)
SYMPHONY_RECYCLE_MESSAGES = ENV.integer("SYMPHONY_RECYCLE_MESSAGES", 0)
SYMPHONY_RECYCLE_MB = ENV.integer("SYMPHONY_RECYCLE_MB", 450)

# -- artifact store; see docs/store.md ----------------------------------------------------------------------------
# `file:///folder` or `s3://bucket/prefix?endpoint=…`; without it the folder SYMPHONY_ARTIFACT_DIR.
SYMPHONY_ARTIFACTS_URL = ENV.raw("SYMPHONY_ARTIFACTS_URL")
SYMPHONY_ARTIFACTS_COMPRESSION = ENV.choice("SYMPHONY_ARTIFACTS_COMPRESSION", ("zstd", "none"), "zstd")
SYMPHONY_ARTIFACTS_GRACE_SECONDS = ENV.number("SYMPHONY_ARTIFACTS_GRACE_SECONDS", 24 * 3600.0)
SYMPHONY_S3_ACCESS_KEY_ID = ENV.secret("SYMPHONY_S3_ACCESS_KEY_ID")
SYMPHONY_S3_SECRET_ACCESS_KEY = ENV.secret("SYMPHONY_S3_SECRET_ACCESS_KEY")
SYMPHONY_S3_TIMEOUT_SECONDS = ENV.number("SYMPHONY_S3_TIMEOUT_SECONDS", 20.0)
SYMPHONY_S3_ATTEMPTS = ENV.integer("SYMPHONY_S3_ATTEMPTS", 4)

# -- triggers ------------------------------------------------------------------------------------------------------
SYMPHONY_TRIGGER_SECONDS = ENV.number("SYMPHONY_TRIGGER_SECONDS", 2.0)
SYMPHONY_FIRING_DAYS = ENV.integer("SYMPHONY_FIRING_DAYS", 30)
SYMPHONY_HOOK_TOLERANCE_SECONDS = ENV.integer("SYMPHONY_HOOK_TOLERANCE_SECONDS", 300)
SYMPHONY_HOOK_MAX_BYTES = ENV.integer("SYMPHONY_HOOK_MAX_BYTES", 256 * 1024)
SYMPHONY_HOOK_PER_MINUTE = ENV.integer("SYMPHONY_HOOK_PER_MINUTE", 600)
SYMPHONY_OCCASIONS_PER_MINUTE = ENV.integer("SYMPHONY_OCCASIONS_PER_MINUTE", 6_000)
SYMPHONY_FIRINGS_WAITING_MAX = max(1, ENV.integer("SYMPHONY_FIRINGS_WAITING_MAX", 10_000))
SYMPHONY_TRIGGERS_MAX = ENV.integer("SYMPHONY_TRIGGERS_MAX", 2_000)

# -- agents --------------------------------------------------------------------------------------------------------
# Whose graphs run here: Python modules with everything below them. There is no sandbox around them.
SYMPHONY_AGENT_MODULES = ENV.items("SYMPHONY_AGENT_MODULES")
SYMPHONY_AGENT_PROCESSES = ENV.integer("SYMPHONY_AGENT_PROCESSES", 20)

# -- models --------------------------------------------------------------------------------------------------------
SYMPHONY_MODEL_PROVIDERS = ENV.choice("SYMPHONY_MODEL_PROVIDERS", ("auto", "mock", "live"), "auto")
SYMPHONY_MODEL_KEYS = {"anthropic": ENV.secret("ANTHROPIC_API_KEY"), "gemini": ENV.secret("GEMINI_API_KEY")}
SYMPHONY_MODEL_URLS = {
    "anthropic": ENV.raw("SYMPHONY_ANTHROPIC_BASE_URL"),
    "gemini": ENV.raw("SYMPHONY_GEMINI_BASE_URL"),
}
SYMPHONY_PRICES_FILE = Path(ENV.text("SYMPHONY_PRICES_FILE", str(BASE_DIR / "workers" / "models" / "prices.yaml")))
SYMPHONY_CALLS_THREADS = ENV.integer("SYMPHONY_CALLS_THREADS", 200)
SYMPHONY_MOCK_DELAY_MS = ENV.integer("SYMPHONY_MOCK_DELAY_MS", 0)

# -- people --------------------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "login"
SESSION_COOKIE_AGE = int(timedelta(days=7).total_seconds())
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS and not DEBUG
CSRF_COOKIE_SAMESITE = "Lax"
# Browsers take a cookie of such a name from this very host by HTTPS only: no neighbour can plant one.
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = (
    ("__Host-sessionid", "__Host-csrftoken") if SESSION_COOKIE_SECURE else ("sessionid", "csrftoken")
)
SECURE_SSL_REDIRECT = HTTPS and not DEBUG
SECURE_REDIRECT_EXEMPT = [r"^livez$", r"^readyz$", r"^metrics$"]
SECURE_HSTS_SECONDS = int(timedelta(days=365).total_seconds()) if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS and ENV.flag("SYMPHONY_HSTS_SUBDOMAINS", default=True)
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}
CORS_ALLOWED_ORIGINS = SYMPHONY_CORS_ORIGINS
CORS_URLS_REGEX = r"^/api/.*$"
CORS_ALLOW_CREDENTIALS = False
CORS_ALLOW_HEADERS = (
    "accept",
    "authorization",
    "content-type",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "last-event-id",
    "x-request-id",
)
CORS_EXPOSE_HEADERS = (
    "content-disposition",
    "etag",
    "idempotent-replayed",
    "location",
    "ratelimit",
    "ratelimit-policy",
    "retry-after",
    "x-request-id",
)
CORS_PREFLIGHT_MAX_AGE = 600
# Editors take their code back on a loopback address, and that is http by RFC 8252; see docs/signing-in.md.
SILENCED_SYSTEM_CHECKS = ["oauth2_provider.W008"]
SYMPHONY_TRUSTED_PROXIES = trusted_proxies(ENV.items("SYMPHONY_TRUSTED_PROXIES"))

# -- signing in: here what varies, in symphony/signing_in.py what follows from it ------------------------------------
SYMPHONY_TOKEN_DAYS = ENV.integer("SYMPHONY_TOKEN_DAYS", 90)
SYMPHONY_TOKEN_MAX_DAYS = ENV.integer("SYMPHONY_TOKEN_MAX_DAYS", 0)
SYMPHONY_SESSION_DAYS = ENV.integer("SYMPHONY_SESSION_DAYS", 30)
SYMPHONY_VERIFIED_ONLY = ENV.flag("SYMPHONY_VERIFIED_ONLY", default=False)
SYMPHONY_MFA = ENV.flag("SYMPHONY_MFA", default=False)
SYMPHONY_SOCIAL_SIGNUP = ENV.flag("SYMPHONY_SOCIAL_SIGNUP", default=False)
SYMPHONY_SOCIAL = {
    "github": (ENV.raw("SYMPHONY_SOCIAL_GITHUB_CLIENT_ID"), ENV.secret("SYMPHONY_SOCIAL_GITHUB_SECRET")),
    "google": (ENV.raw("SYMPHONY_SOCIAL_GOOGLE_CLIENT_ID"), ENV.secret("SYMPHONY_SOCIAL_GOOGLE_SECRET")),
}
AUTHENTICATION_BACKENDS = ["apps.signin.backends.GuardedBackend"]
SIMPLE_JWT = signing_in.access_tokens(SECRET_KEY)
OAUTH2_PROVIDER = signing_in.oauth2(SYMPHONY_SESSION_DAYS)
ALLAUTH = signing_in.Allauth(mfa=SYMPHONY_MFA, social=SYMPHONY_SOCIAL)
INSTALLED_APPS += ALLAUTH.apps
MIDDLEWARE += ALLAUTH.middleware
globals().update(ALLAUTH.settings)

# -- API -----------------------------------------------------------------------------------------------------------
REST_FRAMEWORK, SPECTACULAR_SETTINGS = api.REST_FRAMEWORK, api.SPECTACULAR_SETTINGS
DATA_UPLOAD_MAX_MEMORY_SIZE = ENV.integer("SYMPHONY_MAX_BODY_BYTES", 32 * 1024 * 1024)

# -- the rest ------------------------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "/static/"
# Served from the apps' own folders, so that nothing has to be collected before the first start.
WHITENOISE_USE_FINDERS = True
WHITENOISE_MAX_AGE = 0 if DEBUG else 3600

# -- letters to people; see docs/accounts.md -----------------------------------------------------------------------
SYMPHONY_SIGN_UP = ENV.flag("SYMPHONY_SIGN_UP", default=False)
# Links in letters begin with it: never with the Host header, which is whoever asks.
SYMPHONY_PUBLIC_URL = public_url(ENV.text("SYMPHONY_PUBLIC_URL", "http://127.0.0.1:8000"))
DEFAULT_FROM_EMAIL = ENV.text("SYMPHONY_EMAIL_FROM", "Symphony <symphony@localhost>")
globals().update(email_settings(ENV.secret("SYMPHONY_EMAIL_URL") or "console:"))

# -- billing -------------------------------------------------------------------------------------------------------
SYMPHONY_PAYMENTS = ENV.choice("SYMPHONY_PAYMENTS", ("manual", "stripe"), "manual")
# What an organization without a subscription has. Whoever takes no money gives everything; see docs/billing.md.
SYMPHONY_DEFAULT_TIER = ENV.choice(
    "SYMPHONY_DEFAULT_TIER",
    ("free", "basic", "pro", "enterprise"),
    "enterprise" if SYMPHONY_PAYMENTS == "manual" else "free",
)
SYMPHONY_BILLING_APPROVAL = ENV.flag("SYMPHONY_BILLING_APPROVAL", default=True)
SYMPHONY_BILLING_GRACE_DAYS = ENV.integer("SYMPHONY_BILLING_GRACE_DAYS", 14)
SYMPHONY_BILLING_RETURN_URL = ENV.text("SYMPHONY_BILLING_RETURN_URL", f"{SYMPHONY_PUBLIC_URL}/")
SYMPHONY_STRIPE_API_KEY = ENV.secret("SYMPHONY_STRIPE_API_KEY")
# Several while one is being replaced: a signature by any of them is good.
SYMPHONY_STRIPE_WEBHOOK_SECRETS = (ENV.secret("SYMPHONY_STRIPE_WEBHOOK_SECRET") or "").replace(",", " ").split()
SYMPHONY_STRIPE_BASE_URL = ENV.raw("SYMPHONY_STRIPE_BASE_URL")
# "off", or a factor to all limits of requests.
SYMPHONY_RATE_LIMITS = 0.0 if ENV.raw("SYMPHONY_RATE_LIMITS") == "off" else ENV.number("SYMPHONY_RATE_LIMITS", 1.0)

# -- observability; see docs/observability.md ----------------------------------------------------------------------
# The web shows metrics to whoever has the token or is at an allowed address: to nobody if neither is set.
SYMPHONY_METRICS_TOKEN = ENV.secret("SYMPHONY_METRICS_TOKEN")
SYMPHONY_METRICS_ALLOW = networks(ENV.items("SYMPHONY_METRICS_ALLOW"))
# Workers and sweeps have a port of their own for metrics and health; 0: none.
SYMPHONY_METRICS_PORT = ENV.integer("SYMPHONY_METRICS_PORT", 0)
SYMPHONY_METRICS_HOST = ENV.text("SYMPHONY_METRICS_HOST", "127.0.0.1")
SYMPHONY_METRICS_TENANTS = ENV.flag("SYMPHONY_METRICS_TENANTS", default=False)
SYMPHONY_HEALTH_DIR = Path(ENV.text("SYMPHONY_HEALTH_DIR", str(SYMPHONY_HOME / "health"))).absolute()
# One trace per run goes to this collector (OTLP over HTTP); without it nothing of it is even loaded.
SYMPHONY_TRACES_ENDPOINT = ENV.raw("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") or ENV.raw("OTEL_EXPORTER_OTLP_ENDPOINT")
SYMPHONY_TRACES_RATIO = ENV.number("SYMPHONY_TRACES_RATIO", 1.0)

LOGGING = logs.logging(
    style=ENV.choice("SYMPHONY_LOG_FORMAT", logs.STYLES, "text"),
    level=ENV.text("SYMPHONY_LOG_LEVEL", "INFO").upper(),
)

# --- Whose turn it is -------------------------------------------------------------------------------------------------
SYMPHONY_AGEING_SECONDS = ENV.number("SYMPHONY_AGEING_SECONDS", 60.0)
"""How long a run has to wait to go before one that came later with a priority higher by one."""
SYMPHONY_POOL_IDLE_SECONDS = ENV.number("SYMPHONY_POOL_IDLE_SECONDS", 300.0)
"""How long a pool nobody uses stays ready, and then cooling, before it counts as unloaded."""
