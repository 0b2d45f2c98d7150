from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.reverse import reverse

from apps.projects.models import Project, Secret
from apps.projects.services import LONGEST_VALUE


class ProjectSerializer(serializers.ModelSerializer[Project]):
    organization = serializers.UUIDField(source="organization_id", read_only=True)
    url = serializers.SerializerMethodField()

    class Meta:
        model = Project
        fields = ("id", "name", "slug", "description", "organization", "created_at", "url")
        read_only_fields = fields

    def get_url(self, project: Project) -> str:
        return reverse("project", [project.pk], request=self.context["request"])


class ProjectInput(serializers.Serializer[Project]):
    name = serializers.CharField(max_length=200)
    slug = serializers.SlugField(
        max_length=120, required=False, help_text="Its name in addresses, made of `name` if not given."
    )
    description = serializers.CharField(max_length=10_000, required=False, allow_blank=True)


class SecretSerializer(serializers.ModelSerializer[Secret]):
    """Everything but the value, which is never shown again."""

    class Meta:
        model = Secret
        fields = ("name", "created_at", "updated_at")
        read_only_fields = fields


class SecretInput(serializers.Serializer[Any]):
    value = serializers.CharField(
        max_length=LONGEST_VALUE, trim_whitespace=False, write_only=True, style={"input_type": "password"}
    )
