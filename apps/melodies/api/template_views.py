"""Templates, over HTTP."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import django_filters
from django.db.models import Q, QuerySet
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.filters import OrderingFilter
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse

from apps.accounts import queries as accounts
from apps.accounts.api.authentication import actor_of
from apps.accounts.api.idempotency import IdempotentMixin
from apps.accounts.errors import invalid
from apps.accounts.models import User
from apps.core.api.etags import IF_MATCH, check_if_match, etag_of
from apps.core.api.filters import TrueOrFalseFilter
from apps.core.api.views import TenantAPIView
from apps.melodies import collaboration, queries
from apps.melodies.definition.limits import DEFAULT
from apps.melodies.models import (
    LONGEST_CATEGORY,
    LONGEST_ICON,
    LONGEST_TEMPLATE_NAME,
    MelodyTemplate,
    MelodyVersion,
)
from apps.melodies.paths import LONGEST_PATH
from apps.melodies.services import templates as services
from apps.melodies.services.templates import Written
from apps.projects import queries as projects

_ORGANIZATION = OpenApiParameter("organization", str, description="Slug or id; your personal one if not given.")


class TemplateSerializer(serializers.ModelSerializer[MelodyTemplate]):
    organization = serializers.UUIDField(
        source="organization_id", read_only=True, allow_null=True, help_text="Null: it came with the product."
    )
    created_by = serializers.UUIDField(source="created_by_id", read_only=True, allow_null=True)
    default_values = serializers.DictField(
        read_only=True,
        help_text="`variables` and `inputs`: names with `type`, and maybe `description`, `default` and `required`.",
    )
    usage_count = serializers.IntegerField(read_only=True, help_text="How many melodies were made from it.")
    url = serializers.SerializerMethodField()

    class Meta:
        model = MelodyTemplate
        fields: tuple[str, ...] = (
            "id", "name", "description", "category", "icon", "default_values", "usage_count", "organization", "created_by",
            "created_at", "updated_at", "url",
        )  # fmt: skip
        read_only_fields = fields

    def get_url(self, template: MelodyTemplate) -> str:
        return reverse("melody-template", [template.pk], request=self.context["request"])


class TemplateDetailSerializer(TemplateSerializer):
    document = serializers.DictField(read_only=True)

    class Meta:
        model = MelodyTemplate
        fields = (*TemplateSerializer.Meta.fields, "document")
        read_only_fields = fields


class TemplateInput(serializers.Serializer[Any]):
    """What it is a template of comes as `melody` (with `version`), as `document` (an object) or as `source` (YAML)."""

    name = serializers.CharField(max_length=LONGEST_TEMPLATE_NAME)
    description = serializers.CharField(max_length=10_000, required=False, allow_blank=True)
    category = serializers.CharField(max_length=LONGEST_CATEGORY, required=False, allow_blank=True)
    icon = serializers.CharField(
        max_length=LONGEST_ICON, required=False, allow_blank=True, help_text="A name or sign that your editor knows."
    )
    melody = serializers.UUIDField(required=False)
    version = serializers.CharField(
        max_length=40,
        required=False,
        help_text="Of the melody: a number, a semver or latest, which it is if not given.",
    )
    document = serializers.DictField(required=False)
    source = serializers.CharField(  # type: ignore[assignment]  # a field
        max_length=DEFAULT.max_bytes, required=False, trim_whitespace=False, help_text="A melody in YAML."
    )
    default_values = serializers.DictField(
        required=False, help_text="Made of the document's variables and inputs if not given."
    )


class InstantiateInput(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=200, required=False)
    project = serializers.UUIDField(required=False, allow_null=True)
    path = serializers.CharField(max_length=4 * LONGEST_PATH, required=False, allow_null=True, trim_whitespace=False)
    values = serializers.DictField(
        required=False, help_text="`variables` and `inputs` by name, as the template's `default_values` ask for them."
    )


class InstanceSerializer(serializers.Serializer[Any]):
    melody = serializers.UUIDField(read_only=True)
    version = serializers.IntegerField(read_only=True)
    input = serializers.DictField(read_only=True, help_text="What to start its first run with.")
    url = serializers.CharField(read_only=True)


class TemplateFilter(django_filters.FilterSet):  # type: ignore[misc]  # the package has no types
    search = django_filters.CharFilter(method="with_words", label="Part of name, description or category.")
    category = django_filters.CharFilter(lookup_expr="iexact")
    organization = django_filters.UUIDFilter(field_name="organization_id", label="The id of an organization.")
    builtin = TrueOrFalseFilter(
        field_name="organization", lookup_expr="isnull", label="Only those that came with the product, or only others."
    )

    class Meta:
        model = MelodyTemplate
        fields = ("search", "category", "organization", "builtin")

    def with_words(self, found: QuerySet[MelodyTemplate], name: str, words: str) -> QuerySet[MelodyTemplate]:
        return found.filter(Q(name__icontains=words) | Q(description__icontains=words) | Q(category__icontains=words))


def _written(actor: User, given: dict[str, Any]) -> Written | MelodyVersion | None:
    """Takes out of `given` what says what it is a template of; None if nothing does."""
    sent = {name: given.pop(name) for name in ("melody", "document", "source") if name in given}
    version = given.pop("version", None)
    if len(sent) > 1:
        raise invalid(f"/{[*sent][1]}", "one_of", "Send only one of `melody`, `document` and `source`.")
    if "melody" in sent:
        melody = queries.melody_for(actor=actor, melody_id=sent["melody"])
        return queries.version_named(melody, version or queries.LATEST)
    if version is not None:
        raise invalid("/version", "without_melody", "A version is one of a `melody`; name that too.")
    if "document" in sent:
        return Written(json.dumps(sent["document"]), "json", "/document")
    return Written(sent["source"], "yaml", "/source") if "source" in sent else None


class TemplateListView(IdempotentMixin, TenantAPIView, ListAPIView[MelodyTemplate]):
    serializer_class = TemplateSerializer
    queryset = MelodyTemplate.objects.none()
    filter_backends = [django_filters.rest_framework.DjangoFilterBackend, OrderingFilter]
    filterset_class = TemplateFilter
    ordering_fields = ("id", "name", "usage_count", "updated_at")
    ordering = ("name",)

    def get_queryset(self) -> QuerySet[MelodyTemplate]:
        return collaboration.templates(actor=actor_of(self.request))

    @extend_schema(
        operation_id="templates_list",
        summary="Templates",
        description="Of your organizations, and those that came with the product.",
        tags=["templates"],
    )
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        operation_id="templates_create",
        summary="Create a template",
        description="Everybody in the organization sees it, also what is taken from a melody of a restricted project.",
        tags=["templates"],
        parameters=[_ORGANIZATION],
        request=TemplateInput,
        responses={201: TemplateDetailSerializer},
    )
    def post(self, request: Request) -> Response:
        actor = actor_of(request)
        organization = accounts.organization_for(actor=actor, reference=request.query_params.get("organization"))
        sent = TemplateInput(data=request.data)
        sent.is_valid(raise_exception=True)
        given = dict(sent.validated_data)
        written = _written(actor, given)
        if written is None:
            raise invalid("/document", "required", "Send a `melody`, a `document` or a `source` to make it of.")
        template = services.create_template(actor=actor, organization=organization, written=written, **given)
        data = TemplateDetailSerializer(template, context=self.get_serializer_context()).data
        headers = {"Location": data["url"], "ETag": etag_of(template)}
        return Response(data, status=status.HTTP_201_CREATED, headers=headers)


class OneTemplateView(TenantAPIView):
    def template(self) -> MelodyTemplate:
        return collaboration.template_for(actor=actor_of(self.request), template_id=self.kwargs["template_id"])


class TemplateView(OneTemplateView, GenericAPIView[MelodyTemplate]):
    serializer_class = TemplateDetailSerializer
    queryset = MelodyTemplate.objects.none()

    def answer(self, template: MelodyTemplate) -> Response:
        return Response(self.get_serializer(template).data, headers={"ETag": etag_of(template)})

    @extend_schema(operation_id="templates_get", summary="One template with its document", tags=["templates"])
    def get(self, request: Request, template_id: UUID) -> Response:
        return self.answer(self.template())

    @extend_schema(
        operation_id="templates_change",
        summary="Change a template",
        description="What is not given stays as it is. Melodies that were made from it stay as they are.",
        tags=["templates"],
        parameters=[IF_MATCH],
        request=TemplateInput,
    )
    def patch(self, request: Request, template_id: UUID) -> Response:
        template, actor = self.template(), actor_of(request)
        sent = TemplateInput(data=request.data, partial=True)
        sent.is_valid(raise_exception=True)
        check_if_match(request, template)
        given = dict(sent.validated_data)
        written = _written(actor, given)
        return self.answer(services.update_template(actor=actor, template=template, written=written, **given))

    @extend_schema(
        operation_id="templates_delete",
        summary="Delete a template",
        description="Melodies that were made from it stay.",
        tags=["templates"],
        parameters=[IF_MATCH],
        request=None,
        responses={204: None},
    )
    def delete(self, request: Request, template_id: UUID) -> Response:
        template = self.template()
        check_if_match(request, template)
        services.delete_template(actor=actor_of(request), template=template)
        return Response(status=status.HTTP_204_NO_CONTENT)


class TemplateInstantiateView(IdempotentMixin, OneTemplateView, GenericAPIView[MelodyTemplate]):
    serializer_class = InstanceSerializer
    queryset = MelodyTemplate.objects.none()

    @extend_schema(
        operation_id="templates_instantiate",
        summary="Make a melody from a template",
        description="Values that are missing, or do not fit, are named all at once.",
        tags=["templates"],
        parameters=[
            OpenApiParameter(
                "organization",
                str,
                description="Slug or id of the organization the melody shall belong to; the template's if not given, and "
                "your personal one for templates that came with the product.",
            )
        ],
        request=InstantiateInput,
        responses={201: InstanceSerializer},
    )
    def post(self, request: Request, template_id: UUID) -> Response:
        template, actor = self.template(), actor_of(request)
        sent = InstantiateInput(data=request.data)
        sent.is_valid(raise_exception=True)
        given = dict(sent.validated_data)
        own = None if template.organization_id is None else str(template.organization_id)
        organization = accounts.organization_for(actor=actor, reference=request.query_params.get("organization", own))
        if (project := given.pop("project", None)) is not None:
            given["project"] = projects.project_for(actor=actor, project_id=project)
        made = services.instantiate(actor=actor, template=template, organization=organization, **given)
        url = reverse("melody", [made.version.melody_id], request=request)
        body = {"melody": made.version.melody_id, "version": made.version.number, "input": made.inputs, "url": url}
        return Response(InstanceSerializer(body).data, status=status.HTTP_201_CREATED, headers={"Location": url})
