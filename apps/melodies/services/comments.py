"""The only writers of comments and mentions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apps.accounts import mail
from apps.accounts.errors import invalid
from apps.accounts.models import Membership, User
from apps.accounts.permissions import Action
from apps.core.errors import Forbidden
from apps.core.trail import leave_trace
from apps.melodies import graphs
from apps.melodies.definition.rows import StepPath, paths
from apps.melodies.errors import CommentGone, StepUnknown
from apps.melodies.mentions import mentioned
from apps.melodies.models import LONGEST_COMMENT, CommentMention, Melody, MelodyComment
from apps.melodies.permissions import require_for
from apps.projects import queries as projects

MENTION_LETTER = "melodies/mail/mention.txt"


@dataclass(frozen=True, slots=True)
class StepPlace:
    """A step by the id of its row and by its path."""

    id: UUID
    path: tuple[str, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return names_of(self.path)


def names_of(path: Sequence[str]) -> tuple[str, ...]:
    """Of a path, which says field and label of each list too, the names of the steps alone."""
    return tuple(path[2::3])


def step_place(melody: Melody, *, step_id: UUID | None = None, names: Sequence[str] = ()) -> StepPlace:
    """Where a step of the melody is, by its id or by the names that lead to it."""
    found: dict[str, StepPath] = paths(graphs.rows_of(melody).graph.steps)
    if step_id is not None:
        path = found.get(str(step_id))
        if path is None:
            raise _unknown_step("/step", "The melody has no step with this id.")
        return StepPlace(step_id, path)
    meant = [(row, path) for row, path in found.items() if names_of(path) == tuple(names)]
    if len(meant) != 1:
        why = (
            "no step with this path"
            if not meant
            else f"{len(meant)} steps with this path; give the id of one as `step`"
        )
        raise _unknown_step("/step_path", f"The melody has {why}.")
    return StepPlace(UUID(meant[0][0]), meant[0][1])


def add_comment(
    *, actor: User, melody: Melody, body: str, step: StepPlace | None = None, parent: MelodyComment | None = None
) -> MelodyComment:
    """Say something about a melody, a step of it (`step`), or to what was said (`parent`): an answer to an answer belongs
    to the same thread. Whoever reads the melody may."""
    require_for(actor=actor, melody=melody, action=Action.READ)
    root = _thread(melody, parent)
    comment = MelodyComment(
        organization_id=melody.organization_id,
        melody=melody,
        parent=root,
        author=actor,
        body=_checked_body(body),
        step_id=step.id if step else root.step_id if root else None,
        step_path=list(step.path) if step else root.step_path if root else [],
    )
    with transaction.atomic():
        comment.save(force_insert=True)
        _mention(comment, names=mentioned(comment.body))
        leave_trace("comment.added", actor=actor, organization=melody.organization, target=comment)
    return comment


def edit_comment(*, actor: User, comment: MelodyComment, body: str) -> MelodyComment:
    """Its author's alone. Who is named anew is told; who is no longer named forgets it."""
    require_for(actor=actor, melody=comment.melody, action=Action.READ)
    _check_there(comment)
    if comment.author_id != actor.pk:
        raise Forbidden("Only its author may change a comment; an admin may delete it.")
    body = _checked_body(body)
    if body == comment.body:
        return comment
    comment.body, comment.edited_at = body, timezone.now()
    with transaction.atomic():
        comment.save(update_fields=["body", "edited_at"])
        names = mentioned(body)
        comment.mentions.exclude(user__username__in=names).delete()
        _mention(comment, names=names)
        leave_trace("comment.edited", actor=actor, organization=comment.melody.organization, target=comment)
    return comment


def delete_comment(*, actor: User, comment: MelodyComment) -> None:
    """One's own, or (an admin) anybody's. With answers to it, its place stays, without text."""
    mine = comment.author_id == actor.pk
    require_for(actor=actor, melody=comment.melody, action=Action.READ if mine else Action.ADMINISTER)
    _check_there(comment)
    with transaction.atomic():
        leave_trace("comment.deleted", actor=actor, organization=comment.melody.organization, target=comment)
        locked = MelodyComment.objects.select_for_update(of=("self",)).get(pk=comment.pk)
        if not locked.replies.exists():
            locked.delete()
            return
        locked.mentions.all().delete()
        locked.body, locked.deleted_at = "", timezone.now()
        locked.save(update_fields=["body", "deleted_at"])


def resolve_thread(*, actor: User, comment: MelodyComment, resolved: bool) -> MelodyComment:
    """By who may write the melody, and by who has begun the thread. `comment` may be any of the thread."""
    root = comment.parent or comment
    mine = root.author_id == actor.pk
    require_for(actor=actor, melody=comment.melody, action=Action.READ if mine else Action.WRITE)
    if (root.resolved_at is not None) == resolved:
        return root
    root.resolved_at, root.resolved_by = (timezone.now(), actor) if resolved else (None, None)
    with transaction.atomic():
        root.save(update_fields=["resolved_at", "resolved_by"])
        action = "comment.resolved" if resolved else "comment.reopened"
        leave_trace(action, actor=actor, organization=comment.melody.organization, target=root)
    return root


def mark_seen(*, actor: User, mentions: Collection[UUID] | None = None, seen: bool = True) -> int:
    """One's own mentions: these, or all. How many were not so before."""
    found = CommentMention.objects.filter(user=actor, seen_at__isnull=seen)
    if mentions is not None:
        found = found.filter(pk__in=mentions)
    return found.update(seen_at=timezone.now() if seen else None)


def _thread(melody: Melody, parent: MelodyComment | None) -> MelodyComment | None:
    if parent is None:
        return None
    root = parent.parent or parent
    if root.melody_id != melody.pk:
        raise invalid("/parent", "comment_elsewhere", "The melody has no such comment.")
    if root.deleted_at is not None and parent.deleted_at is not None:
        raise invalid("/parent", "comment_gone", "This comment was deleted; begin a new thread.")
    return root


def _mention(comment: MelodyComment, *, names: Sequence[str]) -> None:
    """Rows and letters for members who are named, can see the melody, and are not its author or told already."""
    if not names:
        return
    melody = comment.melody
    members = list(
        Membership.objects.filter(organization=melody.organization_id, user__username__in=names, user__is_active=True)
        .exclude(user=comment.author_id)
        .exclude(user__in=comment.mentions.values("user"))
        .select_related("user")
    )
    if melody.project is not None:
        roles = projects.roles_of(project=melody.project, memberships=members)
        members = [member for member in members if roles[member.user_id] is not None]
    CommentMention.objects.bulk_create(
        CommentMention(organization_id=comment.organization_id, comment=comment, user=member.user) for member in members
    )
    for member in members:
        _write_to(member.user, comment)


def _write_to(user: User, comment: MelodyComment) -> None:
    notifications: Any = user.preferences.get("notifications")
    if isinstance(notifications, dict) and notifications.get("mentions") is False:
        return
    mail.send(
        to=user.email,
        template=MENTION_LETTER,
        context={
            "author": comment.author.get_full_name(),
            "melody": comment.melody.name,
            "words": comment.body,
            "link": mail.public_url(f"/api/v1/comments/{comment.pk}/"),
        },
    )


def _checked_body(body: str) -> str:
    body = body.strip()
    if not body:
        raise invalid("/body", "required", "A comment says something.")
    if len(body) > LONGEST_COMMENT:
        raise invalid("/body", "too_long", f"A comment has at most {LONGEST_COMMENT:,} characters.")
    return body


def _check_there(comment: MelodyComment) -> None:
    if comment.deleted_at is not None:
        raise CommentGone


def _unknown_step(pointer: str, message: str) -> StepUnknown:
    return StepUnknown(message, errors=[{"code": StepUnknown.code, "message": message, "pointer": pointer}])
