"""Who is signed in, from where, and by what: one row per sign-in of the website or of a browser."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils import timezone

from apps.accounts.models import User
from apps.core.ids import uuid7


class SessionEnd(models.TextChoices):
    """Why a session is over before its time."""

    SIGNED_OUT = "signed_out"
    REVOKED = "revoked"
    REUSED = "reused"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a reason
    REPLACED = "replaced"


class SignInSession(models.Model):
    """One sign-in: a family of refresh tokens (website), or the session of a browser (`browser_key` set).

    `generation` counts the rotations of the family's refresh token; `advanced_at` is when the last one was.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sign_in_sessions")
    scopes = models.JSONField(default=list, blank=True)
    device = models.CharField(max_length=200, blank=True)
    address = models.GenericIPAddressField(null=True, blank=True)
    browser_key = models.CharField(max_length=64, null=True, blank=True, unique=True, editable=False)
    generation = models.PositiveIntegerField(default=0, editable=False)
    advanced_at = models.DateTimeField(default=timezone.now, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    last_used_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField(db_index=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    end_reason = models.CharField(max_length=20, blank=True, choices=SessionEnd.choices)

    class Meta:
        ordering = ("-last_used_at", "-id")
        verbose_name = "session"
        indexes = (models.Index(fields=("user", "-last_used_at"), name="signin_session_of_user"),)
        constraints = (
            models.UniqueConstraint(fields=("id", "user"), name="signin_session_and_user"),
            models.CheckConstraint(
                condition=models.Q(end_reason__in=["", *SessionEnd.values]), name="signin_session_end_reason"
            ),
            models.CheckConstraint(
                condition=models.Q(ended_at=None, end_reason="")
                | (models.Q(ended_at__isnull=False) & ~models.Q(end_reason="")),
                name="signin_session_ends_for_a_reason",
            ),
        )

    def __str__(self) -> str:
        return f"{self.device or 'unknown device'} since {self.created_at:%Y-%m-%d %H:%M}"

    @property
    def kind(self) -> str:
        return "browser" if self.browser_key is not None else "website"

    @property
    def is_usable(self) -> bool:
        return self.ended_at is None and self.expires_at > timezone.now()


class RefreshToken(models.Model):
    """A refresh token that was given out. Only its SHA-256 is kept; used ones stay, so that a second use is noticed."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    session = models.ForeignKey(SignInSession, on_delete=models.CASCADE, related_name="refresh_tokens")
    # Held equal to the session's by a foreign key over both: row-level security asks each row for its person.
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    hash = models.CharField(max_length=64, unique=True, editable=False)
    generation = models.PositiveIntegerField(editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-generation", "-id")

    def __str__(self) -> str:
        return f"generation {self.generation} of {self.session_id}"

    def __repr__(self) -> str:
        return f"<RefreshToken {self.pk}>"

    def save(self, *args: Any, **kwargs: Any) -> None:
        self.user_id = self.session.user_id
        super().save(*args, **kwargs)
