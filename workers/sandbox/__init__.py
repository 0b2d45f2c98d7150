"""Where code of users runs, if it runs at all."""

from __future__ import annotations

from workers.sandbox.choice import chosen
from workers.sandbox.port import Limits, Sandbox, SandboxRefused, SandboxRequest, SandboxResult
from workers.sandbox.refusing import RefusingSandbox

__all__ = ["Limits", "RefusingSandbox", "Sandbox", "SandboxRefused", "SandboxRequest", "SandboxResult", "chosen"]
