"""The `config` of a `pipeline` step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from workers.steps.fields import OrTemplate, Params, TemplatedBool

Positive = Annotated[int, Field(ge=1), OrTemplate()]
Seconds = Annotated[float, Field(gt=0), OrTemplate()]


class NestedConfig(Params):
    """How a nested melody runs. Fields that say they have no effect are there for older documents."""

    model_config = ConfigDict(extra="forbid")

    inherit_context: TemplatedBool = Field(
        False, description="The melody starts with this one's variables, and without `inputs` also has its inputs."
    )
    max_depth: Positive | None = Field(None, description="How deep melodies may nest, counted from the run itself: 10.")
    max_total_steps: Positive | None = Field(
        None, description="How many steps the run may have with those of this melody."
    )
    timeout_seconds: Seconds | None = Field(None, description="As the step's own `timeout_seconds`.")
    max_retries: Annotated[int, Field(ge=0), OrTemplate()] | None = Field(
        None, description="As the step's own `retry`."
    )
    retry_on: list[str] | str | None = Field(None, description="As the step's own `retry_on`.")
    continue_on_error: TemplatedBool = Field(
        False, description="When it fails, the step completes with `{success: false, error, results}`."
    )
    capture_errors: TemplatedBool = Field(False, description="The same.")
    fallback_value: Any = Field(None, description="What comes out when the melody fails, in place of the error.")
    cache_enabled: TemplatedBool | None = Field(None, description="As the step's own `cache`.")
    cache_pipeline: TemplatedBool | None = Field(None, description="The same.")
    cache_ttl: Seconds | None = Field(None, description="Seconds a cached result is good for.")
    inherit_providers: Any = Field(None, description="No effect: models are configured for the installation.")
    inherit_functions: Any = Field(None, description="No effect.")
    workspace_dir: Any = Field(None, description="No effect: the run's own folder is shared.")
    workspace_enabled: Any = Field(None, description="No effect.")
    reuse_workspace: Any = Field(None, description="No effect.")
    cleanup_on_error: Any = Field(None, description="No effect.")
    cleanup_on_success: Any = Field(None, description="No effect.")
    checkpoint_enabled: Any = Field(None, description="No effect: every step is recorded.")
    checkpoint_frequency: Any = Field(None, description="No effect.")
    checkpoint_dir: Any = Field(None, description="No effect.")
    memory_limit_mb: Any = Field(None, description="No effect.")
    enable_tracing: Any = Field(None, description="No effect: events are always recorded.")
    trace_level: Any = Field(None, description="No effect.")
    trace_metadata: Any = Field(None, description="No effect.")
    collect_metrics: Any = Field(None, description="No effect.")
    metrics: Any = Field(None, description="No effect.")
    lazy_load: Any = Field(None, description="No effect.")
    pool_size: Any = Field(None, description="No effect.")


def common_fields(written: Mapping[str, Any]) -> dict[str, Any]:
    """What the `config` of a step says that every step may say: its timeout, retries and cache. Templates, and what is wrong
    anyhow, do not count: these are read before anything has a value."""
    config = written.get("config")
    if not isinstance(config, Mapping):
        return {}
    fields: dict[str, Any] = {}
    if _is_number(config.get("timeout_seconds")) and "timeout" not in written:
        fields["timeout_seconds"] = config["timeout_seconds"]
    if not any(name in written for name in ("retry", "retry_on_error", "max_retries", "retry_on")):
        if _is_number(config.get("max_retries")):
            fields["max_retries"] = config["max_retries"]
        if isinstance(config.get("retry_on"), str | list):
            fields["retry_on"] = config["retry_on"]
    if config.get("cache_enabled") is True or config.get("cache_pipeline") is True:
        ttl = config.get("cache_ttl")
        fields["cache"] = {"ttl": ttl} if _is_number(ttl) else True
    return fields


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value >= 0
