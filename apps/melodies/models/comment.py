"""What people say about melodies to each other."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from apps.accounts.models import Organization
from apps.core.ids import uuid7
from apps.core.names import name_of
from apps.melodies.models.melody import Melody

LONGEST_COMMENT: Final = 10_000


class MelodyComment(models.Model):
    """On a melody, or on a step of it; or (`parent`) an answer to one of these.

    A step is remembered by its id and by its path, the names that lead to it: rows are made anew by imports, a rename
    keeps the id. No foreign key, then: the comment stays when the step goes. Threads have one level; what is resolved is
    a thread. Of a deleted comment with answers the row stays, without its text. When a melody goes, the database takes
    what was said about it along; its constraints are of two columns, see the migration.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    melody = models.ForeignKey(Melody, on_delete=models.DO_NOTHING, db_constraint=False, related_name="comments")
    step_id = models.UUIDField(null=True, blank=True)
    step_path: models.Field[list[str], list[str]] = ArrayField(models.TextField(), default=list, blank=True)
    parent = models.ForeignKey(
        "self", on_delete=models.DO_NOTHING, db_constraint=False, null=True, blank=True, related_name="replies"
    )
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    body = models.TextField(max_length=LONGEST_COMMENT, blank=True)
    resolved_at = models.DateTimeField(null=True, blank=True)
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    edited_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("id",)
        constraints = (
            models.CheckConstraint(
                condition=Q(parent__isnull=True) | Q(resolved_at__isnull=True), name="comment_threads_are_resolved"
            ),
            models.CheckConstraint(
                condition=Q(deleted_at__isnull=True, body__gt="") | Q(deleted_at__isnull=False, body=""),
                name="comment_says_something",
            ),
            models.CheckConstraint(
                condition=Q(step_id__isnull=True, step_path=[]) | Q(step_id__isnull=False, step_path__len__gt=0),
                name="comment_step_by_id_and_path",
            ),
            # What foreign keys of two columns point to: an answer is in the thread's melody, a mention in its organization.
            models.UniqueConstraint(fields=("melody", "id"), name="comment_of_melody"),
            models.UniqueConstraint(fields=("organization", "id"), name="comment_of_organization"),
        )

    def __str__(self) -> str:
        return self.body[:80]


class CommentMention(models.Model):
    """Somebody who was named in a comment, and whether they have seen it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="+")
    comment = models.ForeignKey(
        MelodyComment, on_delete=models.DO_NOTHING, db_constraint=False, related_name="mentions"
    )
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="mentions")
    seen_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("-id",)
        constraints = (models.UniqueConstraint(fields=("comment", "user"), name="mention_once"),)
        indexes = (models.Index(fields=("user", "-id"), name="mention_of_user"),)

    def __str__(self) -> str:
        return f"{name_of(self, 'user')} in {self.comment_id}"
