"""Comments and mentions, over HTTP."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import django_filters
from django.db.models import Q, QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from apps.accounts.api.authentication import actor_of
from apps.accounts.api.idempotency import IdempotentMixin
from apps.accounts.api.scopes import require_administer
from apps.accounts.api.serializers import MemberUserSerializer
from apps.accounts.errors import invalid
from apps.accounts.models import User
from apps.core.api.filters import TrueOrFalseFilter
from apps.core.api.views import TenantAPIView
from apps.melodies import collaboration, queries
from apps.melodies.models import LONGEST_COMMENT, CommentMention, Melody, MelodyComment
from apps.melodies.services import comments as services
from apps.melodies.services.comments import StepPlace

_MOST_STEPS_DEEP = 64
_MOST_AT_ONCE = 1_000


class CommentedStepSerializer(serializers.Serializer[MelodyComment]):
    """The step as it was when the comment was written; its id stays while it keeps its name or its row."""

    id = serializers.UUIDField(source="step_id", read_only=True)
    path = serializers.SerializerMethodField(help_text="The names that lead to it, its own last.")

    @extend_schema_field(serializers.ListField(child=serializers.CharField()))
    def get_path(self, comment: MelodyComment) -> list[str]:
        return list(services.names_of(comment.step_path))


class CommentSerializer(serializers.ModelSerializer[MelodyComment]):
    melody = serializers.UUIDField(source="melody_id", read_only=True)
    step = serializers.SerializerMethodField()
    parent = serializers.UUIDField(  # type: ignore[assignment]  # a field
        source="parent_id", read_only=True, allow_null=True, help_text="The thread's first."
    )
    author = MemberUserSerializer(read_only=True)
    body = serializers.CharField(
        read_only=True, help_text="Markdown as it was written; it may hold anything. Empty if deleted."
    )
    deleted = serializers.SerializerMethodField()
    resolved = serializers.SerializerMethodField(help_text="Of a thread's first comment.")
    resolved_by = MemberUserSerializer(read_only=True, allow_null=True)
    mentions = serializers.SerializerMethodField()
    reply_count = serializers.SerializerMethodField()
    url = serializers.SerializerMethodField()

    class Meta:
        model = MelodyComment
        fields = ("id", "melody", "step", "parent", "author", "body", "mentions", "reply_count", "resolved", "resolved_by",
                  "resolved_at", "edited_at", "deleted", "created_at", "url")  # fmt: skip
        read_only_fields = fields

    @extend_schema_field(CommentedStepSerializer(allow_null=True))
    def get_step(self, comment: MelodyComment) -> dict[str, Any] | None:
        return dict(CommentedStepSerializer(comment).data) if comment.step_id is not None else None

    def get_deleted(self, comment: MelodyComment) -> bool:
        return comment.deleted_at is not None

    def get_resolved(self, comment: MelodyComment) -> bool:
        return comment.resolved_at is not None

    @extend_schema_field(MemberUserSerializer(many=True))
    def get_mentions(self, comment: MelodyComment) -> list[dict[str, Any]]:
        return [dict(MemberUserSerializer(mention.user).data) for mention in comment.mentions.all()]

    def get_reply_count(self, comment: MelodyComment) -> int:
        return int(getattr(comment, "reply_count", 0))

    def get_url(self, comment: MelodyComment) -> str:
        return reverse("comment", [comment.pk], request=self.context["request"])


class CommentInput(serializers.Serializer[Any]):
    body = serializers.CharField(max_length=LONGEST_COMMENT, help_text="Markdown; @username names a member.")
    parent = serializers.UUIDField(  # type: ignore[assignment]  # a field
        required=False, allow_null=True, help_text="The comment this is an answer to."
    )
    step = serializers.UUIDField(required=False, allow_null=True, help_text="The id of a step, as the graph has it.")
    step_path = serializers.ListField(
        child=serializers.CharField(max_length=200, trim_whitespace=False),
        required=False,
        max_length=_MOST_STEPS_DEEP,
        help_text="Or the names that lead to it: those of the steps around it, then its own.",
    )


class CommentChange(serializers.Serializer[Any]):
    body = serializers.CharField(max_length=LONGEST_COMMENT)


class CommentFilter(django_filters.FilterSet):  # type: ignore[misc]  # the package has no types
    step = django_filters.UUIDFilter(
        method="of_step",
        label="The id of a step: what was said about it, also when it had another id at the same place.",
    )
    on_melody = TrueOrFalseFilter(
        field_name="step_id", lookup_expr="isnull", label="Only about the melody as a whole, or only about steps."
    )
    resolved = TrueOrFalseFilter(method="in_threads", label="In threads that are resolved, or are not.")
    author = django_filters.UUIDFilter(field_name="author_id", label="The id of a user.")
    thread = django_filters.UUIDFilter(method="of_thread", label="The id of a thread's first comment.")

    class Meta:
        model = MelodyComment
        fields = ("step", "on_melody", "resolved", "author", "thread")

    def of_step(self, found: QuerySet[MelodyComment], name: str, step: UUID) -> QuerySet[MelodyComment]:
        paths = found.filter(step_id=step).order_by("-id").values_list("step_path", flat=True)[:1]
        return found.filter(Q(step_id=step) | Q(step_path__in=list(paths)))

    def in_threads(self, found: QuerySet[MelodyComment], name: str, resolved: bool) -> QuerySet[MelodyComment]:  # noqa: FBT001 - the package's
        settled = Q(resolved_at__isnull=False) | Q(parent__resolved_at__isnull=False)
        return found.filter(settled if resolved else ~settled)

    def of_thread(self, found: QuerySet[MelodyComment], name: str, root: UUID) -> QuerySet[MelodyComment]:
        return found.filter(Q(pk=root) | Q(parent_id=root))


class CommentListView(IdempotentMixin, TenantAPIView, ListAPIView[MelodyComment]):
    serializer_class = CommentSerializer
    queryset = MelodyComment.objects.none()
    filterset_class = CommentFilter
    cursor_ordering = ("id",)

    def melody(self) -> Melody:
        return queries.melody_for(actor=actor_of(self.request), melody_id=self.kwargs["melody_id"])

    def get_queryset(self) -> QuerySet[MelodyComment]:
        return collaboration.comments(actor=actor_of(self.request), melody=self.melody())

    @extend_schema(
        operation_id="comments_list",
        summary="Comments on a melody",
        description="On its steps too, oldest first.",
        tags=["comments"],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="comments_create",
        summary="Comment on a melody or a step",
        description="Whoever reads the melody may, viewers too. Members of the organization who are named by @username "
        "find it among their mentions, and get a letter.",
        tags=["comments"],
        request=CommentInput,
        responses={201: CommentSerializer},
    )
    def post(self, request: Request, melody_id: UUID) -> Response:
        actor, melody = actor_of(request), self.melody()
        sent = CommentInput(data=request.data)
        sent.is_valid(raise_exception=True)
        comment = services.add_comment(
            actor=actor,
            melody=melody,
            body=sent.validated_data["body"],
            step=_step(melody, sent.validated_data),
            parent=_parent(actor, melody, sent.validated_data.get("parent")),
        )
        comment = collaboration.comment_for(actor=actor, comment_id=comment.pk)
        data = self.get_serializer(comment).data
        return Response(data, status=status.HTTP_201_CREATED, headers={"Location": data["url"]})


def _step(melody: Melody, given: dict[str, Any]) -> StepPlace | None:
    step_id, names = given.get("step"), given.get("step_path", [])
    if step_id is None and not names:
        return None
    if step_id is not None and names:
        raise invalid("/step_path", "one_of", "Send either `step` or `step_path`.")
    if given.get("parent") is not None:
        raise invalid("/step", "with_parent", "An answer is about what its thread is about; leave the step out.")
    return services.step_place(melody, step_id=step_id, names=names)


def _parent(actor: User, melody: Melody, parent_id: UUID | None) -> MelodyComment | None:
    if parent_id is None:
        return None
    found = collaboration.comments(actor=actor, melody=melody).select_related("parent").filter(pk=parent_id).first()
    if found is None:
        raise invalid("/parent", "no_such_comment", "The melody has no such comment.")
    return found


class OneCommentView(TenantAPIView, GenericAPIView[MelodyComment]):
    serializer_class = CommentSerializer
    queryset = MelodyComment.objects.none()

    def comment(self) -> MelodyComment:
        return collaboration.comment_for(actor=actor_of(self.request), comment_id=self.kwargs["comment_id"])

    def answer(self) -> Response:
        """As it is by now, with those who are named."""
        return Response(self.get_serializer(self.comment()).data)


class CommentView(OneCommentView):
    @extend_schema(operation_id="comments_get", summary="One comment", tags=["comments"])
    def get(self, request: Request, comment_id: UUID) -> Response:
        return self.answer()

    @extend_schema(
        operation_id="comments_change",
        summary="Change what one has said",
        description="`edited_at` tells the others.",
        tags=["comments"],
        request=CommentChange,
    )
    def patch(self, request: Request, comment_id: UUID) -> Response:
        comment = self.comment()
        sent = CommentChange(data=request.data)
        sent.is_valid(raise_exception=True)
        services.edit_comment(actor=actor_of(request), comment=comment, body=sent.validated_data["body"])
        return self.answer()

    @extend_schema(
        operation_id="comments_delete",
        summary="Delete a comment",
        description="One's own; admins may delete anybody's. Of one with answers the place stays, without its text.",
        tags=["comments"],
        request=None,
        responses={204: None},
    )
    def delete(self, request: Request, comment_id: UUID) -> Response:
        actor, comment = actor_of(request), self.comment()
        if comment.author_id != actor.pk:
            require_administer(request)
        services.delete_comment(actor=actor, comment=comment)
        return Response(status=status.HTTP_204_NO_CONTENT)


class _ThreadView(OneCommentView):
    def settle(self, *, resolved: bool) -> Response:
        root = services.resolve_thread(actor=actor_of(self.request), comment=self.comment(), resolved=resolved)
        self.kwargs["comment_id"] = root.pk
        return self.answer()


class CommentResolveView(IdempotentMixin, _ThreadView):
    @extend_schema(
        operation_id="comments_resolve",
        summary="Resolve a thread",
        description="Gives the thread's first comment. By who may change the melody, and by who began the thread.",
        tags=["comments"],
        request=None,
        responses={200: CommentSerializer},
    )
    def post(self, request: Request, comment_id: UUID) -> Response:
        return self.settle(resolved=True)


class CommentReopenView(IdempotentMixin, _ThreadView):
    @extend_schema(
        operation_id="comments_reopen",
        summary="Open a thread again",
        tags=["comments"],
        request=None,
        responses={200: CommentSerializer},
    )
    def post(self, request: Request, comment_id: UUID) -> Response:
        return self.settle(resolved=False)


class MentionSerializer(serializers.ModelSerializer[CommentMention]):
    comment = serializers.UUIDField(source="comment_id", read_only=True)
    melody = serializers.UUIDField(source="comment.melody_id", read_only=True)
    melody_name = serializers.CharField(source="comment.melody.name", read_only=True)
    author = MemberUserSerializer(source="comment.author", read_only=True)
    body = serializers.CharField(source="comment.body", read_only=True)
    seen = serializers.SerializerMethodField()

    class Meta:
        model = CommentMention
        fields = ("id", "comment", "melody", "melody_name", "author", "body", "seen", "seen_at", "created_at")
        read_only_fields = fields

    def get_seen(self, mention: CommentMention) -> bool:
        return mention.seen_at is not None


class MentionChange(serializers.Serializer[Any]):
    seen = serializers.BooleanField()


class MentionsSeenInput(serializers.Serializer[Any]):
    mentions = serializers.ListField(
        child=serializers.UUIDField(), required=False, max_length=_MOST_AT_ONCE, help_text="All, if not given."
    )


class MentionsSeenSerializer(serializers.Serializer[Any]):
    changed = serializers.IntegerField(read_only=True, help_text="How many had not been seen before.")


class MentionFilter(django_filters.FilterSet):  # type: ignore[misc]  # the package has no types
    seen = TrueOrFalseFilter(field_name="seen_at", lookup_expr="isnull", exclude=True)
    melody = django_filters.UUIDFilter(field_name="comment__melody_id", label="The id of a melody.")

    class Meta:
        model = CommentMention
        fields = ("seen", "melody")


class MentionListView(TenantAPIView, ListAPIView[CommentMention]):
    serializer_class = MentionSerializer
    queryset = CommentMention.objects.none()
    filterset_class = MentionFilter

    def get_queryset(self) -> QuerySet[CommentMention]:
        return collaboration.mentions(actor=actor_of(self.request))

    @extend_schema(
        operation_id="mentions_list", summary="Where I was mentioned", description="Newest first.", tags=["comments"]
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class MentionView(TenantAPIView, GenericAPIView[CommentMention]):
    serializer_class = MentionSerializer
    queryset = CommentMention.objects.none()

    @extend_schema(
        operation_id="mentions_change",
        summary="Say that I have seen it",
        description="Or, with `seen: false`, not yet.",
        tags=["comments"],
        request=MentionChange,
    )
    def patch(self, request: Request, mention_id: UUID) -> Response:
        actor = actor_of(request)
        mention = collaboration.mention_for(actor=actor, mention_id=mention_id)
        sent = MentionChange(data=request.data)
        sent.is_valid(raise_exception=True)
        services.mark_seen(actor=actor, mentions=[mention.pk], seen=sent.validated_data["seen"])
        mention.refresh_from_db(fields=["seen_at"])
        return Response(self.get_serializer(mention).data)


class MentionsSeenView(IdempotentMixin, TenantAPIView, GenericAPIView[CommentMention]):
    serializer_class = MentionsSeenSerializer
    queryset = CommentMention.objects.none()

    @extend_schema(
        operation_id="mentions_seen",
        summary="Say that I have seen them",
        tags=["comments"],
        request=MentionsSeenInput,
        responses={200: MentionsSeenSerializer},
    )
    def post(self, request: Request) -> Response:
        sent = MentionsSeenInput(data=request.data)
        sent.is_valid(raise_exception=True)
        changed = services.mark_seen(actor=actor_of(request), mentions=sent.validated_data.get("mentions"))
        return Response({"changed": changed})
