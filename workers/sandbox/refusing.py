"""The sandbox of an installation that has none."""

from __future__ import annotations

from workers.sandbox.port import SandboxRefused, SandboxRequest, SandboxResult


class RefusingSandbox:
    """Runs nothing, and says what can be done about it."""

    def run(self, request: SandboxRequest) -> SandboxResult:
        raise SandboxRefused(
            f"Steps of type {request.language} need a sandbox, and this installation has none. An operator names one by "
            "SYMPHONY_SANDBOX (docs/operations.md); without it no code of users is run."
        )
