"""What melodies do when something happens to projects and people."""

from __future__ import annotations

from typing import Any

from django.dispatch import receiver

from apps.accounts.events import person_erasing, personal_data_requested
from apps.accounts.models import Organization, User
from apps.melodies.models import CommentMention, Melody, MelodyComment, MelodyTemplate, MelodyVersion
from apps.melodies.services.editing import delete_unused
from apps.projects.errors import ProjectInUse
from apps.projects.events import project_deleted
from apps.projects.models import Project, ProjectAccessMode


@receiver(project_deleted)
def keep_melodies_hidden(project: Project, **_: Any) -> None:
    """Melodies outlive their project. Those of a restricted one would come to be seen by everybody."""
    if project.access == ProjectAccessMode.RESTRICTED and Melody.objects.filter(project=project).exists():
        raise ProjectInUse


@receiver(personal_data_requested)
def tell_comments(user: User, **_: Any) -> tuple[str, Any]:
    """What they have said, where they are named, and the templates they have made."""
    said = MelodyComment.objects.filter(author=user).order_by("id")
    named = CommentMention.objects.filter(user=user).order_by("id")
    templates = MelodyTemplate.objects.filter(created_by=user).defer("document").order_by("id")
    return "comments_and_templates", {
        "comments": [
            {
                "id": str(comment.pk),
                "melody": str(comment.melody_id),
                "body": comment.body,
                "created_at": comment.created_at.isoformat(),
            }
            for comment in said
        ],
        "mentions": [
            {"comment": str(mention.comment_id), "created_at": mention.created_at.isoformat()} for mention in named
        ],
        "templates": [{"id": str(template.pk), "name": template.name} for template in templates],
    }


@receiver(person_erasing)
def forget_mentions(user: User, **_: Any) -> str:
    CommentMention.objects.filter(user=user).delete()
    return (
        "Comments you wrote on melodies stay, without your name: they are part of conversations of the organization. "
        "Delete those that shall not before you erase your account."
    )


@receiver(personal_data_requested)
def tell_melodies(user: User, **_: Any) -> tuple[str, Any]:
    """Melodies they have made, and versions they have published, as far as they may see them today."""
    made = Melody.objects.filter(created_by=user).order_by("id")
    published = MelodyVersion.objects.filter(created_by=user).order_by("id")
    return "melodies", {
        "created": list(
            made.values("id", "organization_id", "name", "description", "status", "path", "tags", "created_at")
        ),
        "published": list(
            published.values("id", "melody_id", "number", "semver", "change_summary", "sha256", "created_at")
        ),
    }


@receiver(person_erasing)
def delete_own_melodies(user: User, personal_organization: Organization | None, **_: Any) -> list[str]:
    """Those of the personal organization go, but for those that runs need; others belong to who they were made for."""
    kept = ["Melodies you made for an organization stay there, without your name."]
    if personal_organization is None:
        return kept
    needed = delete_unused(actor=user, organization=personal_organization)
    if needed:
        kept.append(f"{needed} melodies of your own stay, archived, as long as their runs are kept.")
    return kept
