"""What calls of deployments are signed with."""

from __future__ import annotations

from django.utils.crypto import salted_hmac

from apps.agents.models import Deployment


def deployment_key(deployment: Deployment) -> str:
    """Whoever has the server's secret key can make it; it is kept nowhere."""
    return salted_hmac("symphony.agents.deployment", str(deployment.pk), algorithm="sha256").hexdigest()


__all__ = ["deployment_key"]
