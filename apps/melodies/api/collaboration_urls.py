"""Templates, comments and mentions; to be included under `api/v1/`."""

from __future__ import annotations

from apps.core.api.routes import route
from apps.melodies.api.comment_views import (
    CommentListView,
    CommentReopenView,
    CommentResolveView,
    CommentView,
    MentionListView,
    MentionsSeenView,
    MentionView,
)
from apps.melodies.api.template_views import TemplateInstantiateView, TemplateListView, TemplateView

urlpatterns = [
    *route("templates/", TemplateListView, "melody-templates"),
    *route("templates/<uuid:template_id>/", TemplateView, "melody-template"),
    *route("templates/<uuid:template_id>/instantiate/", TemplateInstantiateView, "melody-template-instantiate"),
    *route("melodies/<uuid:melody_id>/comments/", CommentListView, "melody-comments"),
    *route("comments/<uuid:comment_id>/", CommentView, "comment"),
    *route("comments/<uuid:comment_id>/resolve/", CommentResolveView, "comment-resolve"),
    *route("comments/<uuid:comment_id>/reopen/", CommentReopenView, "comment-reopen"),
    *route("mentions/", MentionListView, "mentions"),
    *route("mentions/seen/", MentionsSeenView, "mentions-seen"),
    *route("mentions/<uuid:mention_id>/", MentionView, "mention"),
]
