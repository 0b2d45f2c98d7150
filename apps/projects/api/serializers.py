from __future__ import annotations

from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.reverse import reverse

from apps.accounts.api.serializers import MemberUserSerializer
from apps.accounts.models import Membership, Role, Team
from apps.projects.models import Project, ProjectAccess, ProjectAccessMode, ProjectVariable, Secret
from apps.projects.services import LONGEST_VALUE
from apps.projects.services.variables import LONGEST_DESCRIPTION, MOST_VARIABLES


@extend_schema_field(OpenApiTypes.ANY)
class AnyJSONField(serializers.JSONField):
    """Any JSON value, null too."""


class ProjectSerializer(serializers.ModelSerializer[Project]):
    organization = serializers.UUIDField(source="organization_id", read_only=True)
    created_by = serializers.UUIDField(source="created_by_id", read_only=True)
    configuration = serializers.DictField(read_only=True)
    access = serializers.ChoiceField(choices=ProjectAccessMode.choices, read_only=True)
    archived = serializers.BooleanField(source="is_archived", read_only=True)
    url = serializers.SerializerMethodField()

    class Meta:
        model = Project
        fields = ("id", "name", "slug", "description", "configuration", "access", "archived", "archived_at",
                  "organization", "created_by", "created_at", "updated_at", "url")  # fmt: skip
        read_only_fields = fields

    def get_url(self, project: Project) -> str:
        return reverse("project", [project.pk], request=self.context["request"])


class ProjectInput(serializers.Serializer[Project]):
    name = serializers.CharField(max_length=200)
    slug = serializers.SlugField(
        max_length=120, required=False, help_text="Its name in addresses, made of `name` if not given."
    )
    description = serializers.CharField(max_length=10_000, required=False, allow_blank=True)
    configuration = serializers.DictField(
        required=False, help_text="Settings of your own, at most 16,384 bytes of JSON and 8 levels deep."
    )
    access = serializers.ChoiceField(
        choices=ProjectAccessMode.choices,
        required=False,
        help_text="organization: everybody in it, by their role there. restricted: its admins, and who is named.",
    )


class ProjectChange(ProjectInput):
    configuration = serializers.DictField(
        required=False, help_text="Merged into what is there (RFC 7396): null takes a name away."
    )
    archived = serializers.BooleanField(required=False, help_text="In an archived project nothing changes or runs.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "organization" in self.initial_data:
            raise serializers.ValidationError(
                {"organization": "A project stays in its organization."}, code="immovable"
            )
        return attrs


class ProjectAccessSerializer(serializers.ModelSerializer[ProjectAccess]):
    user = MemberUserSerializer(read_only=True, allow_null=True)
    team = serializers.SerializerMethodField()
    role = serializers.ChoiceField(choices=Role.choices, read_only=True)

    class Meta:
        model = ProjectAccess
        fields = ("id", "user", "team", "role", "created_at")
        read_only_fields = fields

    @extend_schema_field(
        {
            "type": ["object", "null"],
            "required": ["id", "name"],
            "properties": {"id": {"type": "string", "format": "uuid"}, "name": {"type": "string"}},
        }
    )
    def get_team(self, grant: ProjectAccess) -> dict[str, str] | None:
        team: Team | None = grant.team
        return None if team is None else {"id": str(team.pk), "name": team.name}


class ProjectAccessInput(serializers.Serializer[Any]):
    user = serializers.UUIDField(required=False, help_text="A member of the organization; or else `team`.")
    team = serializers.UUIDField(required=False, help_text="A team of the organization.")
    role = serializers.ChoiceField(choices=Role.choices)


class ProjectRoleInput(serializers.Serializer[Any]):
    role = serializers.ChoiceField(choices=Role.choices)


class ProjectMemberSerializer(serializers.Serializer[Membership]):
    """Somebody for whom the project exists, and what they are in it."""

    user = MemberUserSerializer(read_only=True)
    organization_role = serializers.ChoiceField(source="role", choices=Role.choices, read_only=True)
    role = serializers.SerializerMethodField()

    @extend_schema_field(serializers.ChoiceField(choices=Role.choices, allow_null=True))
    def get_role(self, membership: Membership) -> str | None:
        roles: dict[Any, str | None] = self.context["roles"]
        return roles[membership.user_id]


class VariableSerializer(serializers.ModelSerializer[ProjectVariable]):
    value = AnyJSONField(read_only=True)

    class Meta:
        model = ProjectVariable
        fields = ("name", "value", "description", "created_at", "updated_at")
        read_only_fields = fields


class VariableInput(serializers.Serializer[Any]):
    value = AnyJSONField(allow_null=True)
    description = serializers.CharField(max_length=LONGEST_DESCRIPTION, required=False, allow_blank=True)


class NamedVariableInput(VariableInput):
    name = serializers.CharField(max_length=1000, trim_whitespace=False)


class VariablesInput(serializers.Serializer[Any]):
    variables = serializers.ListField(child=NamedVariableInput(), max_length=MOST_VARIABLES)


class SecretSerializer(serializers.ModelSerializer[Secret]):
    """Everything but the value, which is never shown again."""

    class Meta:
        model = Secret
        fields = ("name", "created_at", "updated_at", "last_used_at")
        read_only_fields = fields


class SecretInput(serializers.Serializer[Any]):
    value = serializers.CharField(
        max_length=LONGEST_VALUE, trim_whitespace=False, write_only=True, style={"input_type": "password"}
    )
