"""What may be read of templates, comments and mentions, and by whom.

Each query names its user beside row-level security, so that it also holds for a database role that bypasses that.
"""

from __future__ import annotations

from uuid import UUID

from django.db.models import Count, Prefetch, Q, QuerySet

from apps.accounts import queries as accounts
from apps.accounts.models import User
from apps.melodies.errors import CommentNotFound, MentionNotFound, TemplateNotFound
from apps.melodies.models import CommentMention, Melody, MelodyComment, MelodyTemplate
from apps.projects import queries as projects


def templates(*, actor: User) -> QuerySet[MelodyTemplate]:
    """Those of the actor's organizations, and those that came with the product; without their documents."""
    mine = Q(organization__in=accounts.organizations(actor=actor))
    return MelodyTemplate.objects.filter(mine | Q(organization__isnull=True)).defer("document")


def template_for(*, actor: User, template_id: UUID) -> MelodyTemplate:
    """With its document."""
    found = templates(actor=actor).defer(None).select_related("organization").filter(pk=template_id).first()
    if found is None:
        raise TemplateNotFound
    return found


def comments(*, actor: User, melody: Melody) -> QuerySet[MelodyComment]:
    """Those of a melody the actor can see, oldest first, each with who wrote it and who is named."""
    return _with_people(_readable(actor).filter(melody=melody))


def comment_for(*, actor: User, comment_id: UUID) -> MelodyComment:
    found = (
        _with_people(_readable(actor).filter(pk=comment_id))
        .select_related("author", "resolved_by", "parent", "melody__organization", "melody__project")
        .first()
    )
    if found is None:
        raise CommentNotFound
    return found


def mentions(*, actor: User) -> QuerySet[CommentMention]:
    """The actor's own, in melodies they can (still) see."""
    return (
        CommentMention.objects.filter(user=actor, organization__in=accounts.organizations(actor=actor))
        .filter(projects.visible(actor, through="comment__melody__project"))
        .select_related("comment__author", "comment__melody")
    )


def mention_for(*, actor: User, mention_id: UUID) -> CommentMention:
    found = mentions(actor=actor).filter(pk=mention_id).first()
    if found is None:
        raise MentionNotFound
    return found


def _readable(actor: User) -> QuerySet[MelodyComment]:
    return MelodyComment.objects.filter(organization__in=accounts.organizations(actor=actor)).filter(
        projects.visible(actor, through="melody__project")
    )


def _with_people(found: QuerySet[MelodyComment]) -> QuerySet[MelodyComment]:
    named = CommentMention.objects.select_related("user").order_by("id")
    return (
        found.select_related("author", "resolved_by")
        .prefetch_related(Prefetch("mentions", queryset=named))
        .annotate(reply_count=Count("replies"))
    )
