from __future__ import annotations

from django.db import models
from django.utils import timezone

from apps.accounts.models.people import Organization, Role, User
from apps.core.db.fields import LowercaseEmailField
from apps.core.ids import uuid7
from apps.core.names import name_of


class InvitationStatus(models.TextChoices):
    PENDING = "pending"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    REVOKED = "revoked"


class Invitation(models.Model):
    """An address may become a member. Of the secret in its link only the SHA-256 is kept; each letter has a new one."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="invitations")
    email = LowercaseEmailField("e-mail", max_length=254)
    role = models.CharField(max_length=20, choices=Role.choices, default=Role.MEMBER)
    status = models.CharField(max_length=20, choices=InvitationStatus.choices, default=InvitationStatus.PENDING)
    token_hash = models.CharField(max_length=64, unique=True, editable=False)
    invited_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    expires_at = models.DateTimeField()
    sent_at = models.DateTimeField()
    sent_count = models.PositiveIntegerField(default=1)
    accepted_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    closed_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = (
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="invitation_role"),
            models.CheckConstraint(condition=models.Q(status__in=InvitationStatus.values), name="invitation_status"),
            models.CheckConstraint(
                condition=models.Q(status="pending", closed_at=None)
                | (~models.Q(status="pending") & models.Q(closed_at__isnull=False)),
                name="invitation_closed_when_not_pending",
            ),
            models.UniqueConstraint(
                fields=("organization", "email"),
                condition=models.Q(status="pending"),
                name="invitation_one_pending_per_address",
            ),
        )
        indexes = (models.Index(fields=("email",), condition=models.Q(status="pending"), name="invitation_pending"),)

    def __str__(self) -> str:
        return f"{self.email} to {name_of(self, 'organization')} as {self.role}"

    @property
    def is_open(self) -> bool:
        return self.status == InvitationStatus.PENDING and self.expires_at > timezone.now()
