"""Users, the organizations that own everything, and the keys to them."""

from __future__ import annotations

from apps.accounts.models.invitations import Invitation, InvitationStatus
from apps.accounts.models.keys import ApiToken, IdempotencyKey
from apps.accounts.models.people import Membership, Organization, Role, SubscriptionTier, User, UserManager
from apps.accounts.models.teams import Team, TeamMembership

__all__ = [
    "ApiToken",
    "IdempotencyKey",
    "Invitation",
    "InvitationStatus",
    "Membership",
    "Organization",
    "Role",
    "SubscriptionTier",
    "Team",
    "TeamMembership",
    "User",
    "UserManager",
]
