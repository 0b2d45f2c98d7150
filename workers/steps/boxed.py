"""What `python` and `shell` steps share: their limits, the files that go in and come out, and their result."""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic
from typing import Annotated, Any

from pydantic import ConfigDict, Field

from workers.contract import StepContext, StepFailed, TimedOut
from workers.sandbox import Limits, SandboxRefused, SandboxRequest, SandboxResult, chosen
from workers.steps.fields import OrTemplate, Params, TemplatedBool
from workers.steps.files.jail import Jail, parts_of
from workers.steps.files.types import artifact_type, content_type

LONGEST_RUN = 3600.0
LARGEST_FILE = 64 << 20


class Boxed(Params):
    """Fields of both kinds."""

    model_config = ConfigDict(extra="forbid")

    stdin: str = Field("", description="What it reads from its standard input.")
    env: dict[str, str] = Field(default_factory=dict, description="Its environment variables; there are no others.")
    files: list[str] = Field(default_factory=list, description="Files of the workspace that are there when it starts.")
    collect: list[str] = Field(
        default_factory=list, description="Files it makes that come back to the workspace, as globs; kept as artifacts."
    )
    memory_mb: Annotated[int, Field(ge=16, le=16_384), OrTemplate()] = Field(256, description="Memory it may use.")
    fail_on_exit: TemplatedBool = Field(True, description="An exit code other than 0 fails the step.")


def run_boxed(params: Boxed, step: StepContext, request: dict[str, Any]) -> dict[str, Any]:
    """Run a request in the sandbox of this installation; the result of the step."""
    asked = SandboxRequest(
        organization_id=step.workflow.organization_id,
        stdin=params.stdin,
        environment=params.env,
        files=_files(params, step),
        collect=tuple(params.collect),
        limits=_limits(params, step),
        cancelled=step.cancelled,
        **request,
    )
    sandbox = chosen()
    if step.engine is not None:
        step.engine.release_database()
    try:
        answer = sandbox.run(asked)
    except SandboxRefused as refused:
        raise StepFailed(str(refused), code=refused.code, final=True) from refused
    if answer.timed_out and step.deadline is not None:
        raise TimedOut(step.name)
    if answer.timed_out:
        raise StepFailed(f"It ran longer than {asked.limits.seconds:g} s.", code="timeout")
    _keep(answer.files, step)
    return _result(params, answer)


def _files(params: Boxed, step: StepContext) -> dict[str, bytes]:
    if not params.files:
        return {}
    with Jail(step.workspace) as jail:
        return {path: jail.read(parts_of(path), LARGEST_FILE) for path in params.files}


def _keep(files: Mapping[str, bytes], step: StepContext) -> None:
    """What came back, into the workspace and among the artifacts; paths are checked as any others."""
    if not files:
        return
    with Jail(step.workspace) as jail:
        for path, data in files.items():
            parts = parts_of(path)
            jail.write(parts, data)
            name = "/".join(parts)
            step.keep(name, data, content_type=content_type(name), artifact_type=artifact_type(name))


def _limits(params: Boxed, step: StepContext) -> Limits:
    safety = step.workflow.section("safety")
    domains = safety.get("allowed_domains")
    left = LONGEST_RUN if step.deadline is None else max(0.1, min(LONGEST_RUN, step.deadline - monotonic()))
    return Limits(
        seconds=left,
        memory_mb=params.memory_mb,
        network=safety.get("allow_network") is True,
        domains=tuple(str(domain) for domain in domains) if isinstance(domains, list) else None,
    )


def _result(params: Boxed, answer: SandboxResult) -> dict[str, Any]:
    result: dict[str, Any] = {
        "success": answer.exit_code == 0,
        "exit_code": answer.exit_code,
        "stdout": answer.stdout,
        "stderr": answer.stderr,
        "value": answer.value,
        "files": sorted(answer.files),
        "truncated": answer.truncated,
        "duration_ms": round(answer.seconds * 1000),
    }
    if answer.exit_code != 0 and params.fail_on_exit:
        last = answer.stderr.strip().splitlines()[-1:] or ["it said nothing"]
        raise StepFailed(f"Exit code {answer.exit_code}: {last[0][:500]}", code="exit_code", details=result)
    return result
