"""Bodies of people, organizations, invitations and teams, over HTTP."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from apps.accounts.api.serializers import MemberUserSerializer, UserSerializer
from apps.accounts.models import Invitation, InvitationStatus, Role, Team, TeamMembership, User
from apps.accounts.names import LONGEST_USERNAME
from apps.accounts.services import LONGEST_PASSWORD, MOST_AT_ONCE

LONGEST_TOKEN: Final = 2000


@extend_schema_field({"type": "object", "additionalProperties": {}})
class PatchField(serializers.JSONField):
    """A JSON merge patch (RFC 7396). An object, at least."""

    default_error_messages = {"not_an_object": "This must be a JSON object."}

    def to_internal_value(self, data: Any) -> Any:
        value = super().to_internal_value(data)
        if not isinstance(value, dict):
            self.fail("not_an_object")
        return value


class PasswordField(serializers.CharField):
    def __init__(self, **kwargs: Any) -> None:
        super().__init__(max_length=LONGEST_PASSWORD, trim_whitespace=False, write_only=True, **kwargs)


class ProfileChange(serializers.Serializer[User]):
    username = serializers.CharField(max_length=LONGEST_USERNAME, required=False)
    display_name = serializers.CharField(max_length=200, required=False, allow_blank=True)
    first_name = serializers.CharField(max_length=100, required=False, allow_blank=True)
    last_name = serializers.CharField(max_length=100, required=False, allow_blank=True)
    bio = serializers.CharField(max_length=2000, required=False, allow_blank=True)
    website = serializers.CharField(max_length=500, required=False, allow_blank=True, help_text="https:// or http://")
    avatar_url = serializers.CharField(max_length=500, required=False, allow_blank=True, help_text="https:// only.")
    github_username = serializers.CharField(max_length=39, required=False, allow_blank=True)
    social_links = PatchField(required=False, help_text="Names to https:// addresses; null takes a name away.")
    preferences = PatchField(required=False, help_text="Merged into what is there; null takes a name away.")


class PublicUserSerializer(serializers.ModelSerializer[User]):
    """What anybody who is signed in may see of anybody."""

    social_links = serializers.DictField(child=serializers.CharField(), read_only=True)

    class Meta:
        model = User
        fields = (
            "id", "username", "display_name", "bio", "website", "avatar_url", "github_username", "social_links", "created_at",
        )  # fmt: skip
        read_only_fields = fields


class AddressInput(serializers.Serializer[User]):
    email = serializers.EmailField(max_length=254)


class RegistrationInput(AddressInput):
    display_name = serializers.CharField(max_length=200, default="", allow_blank=True)


class LinkInput(serializers.Serializer[User]):
    token = serializers.CharField(max_length=LONGEST_TOKEN, help_text="The part of the link after the last word.")


class NewAccountInput(LinkInput):
    password = PasswordField()
    username = serializers.CharField(max_length=LONGEST_USERNAME, default="", allow_blank=True)
    display_name = serializers.CharField(max_length=200, default="", allow_blank=True)


class PasswordChange(serializers.Serializer[User]):
    old_password = PasswordField(allow_blank=True, help_text="Empty where there is none yet.")
    new_password = PasswordField()


class PasswordReset(LinkInput):
    password = PasswordField()


class EmailChange(AddressInput):
    password = PasswordField(default="", allow_blank=True)


class EraseInput(serializers.Serializer[User]):
    confirmation = serializers.CharField(max_length=254, help_text="Your e-mail address, to show that you mean it.")
    password = PasswordField(default="", allow_blank=True)


class ErasureSerializer(serializers.Serializer[Any]):
    kept = serializers.ListField(
        child=serializers.CharField(), read_only=True, help_text="What stays without your name, and why."
    )


class SentSerializer(serializers.Serializer[Any]):
    detail = serializers.CharField(read_only=True)


class OrganizationChange(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=255, required=False)
    slug = serializers.CharField(max_length=120, required=False)
    settings = PatchField(required=False, help_text="Merged into what is there; null takes a name away.")


class RoleInput(serializers.Serializer[Any]):
    role = serializers.ChoiceField(choices=Role.choices)


class TransferInput(serializers.Serializer[Any]):
    member = serializers.UUIDField(help_text="The id of the membership of who becomes the owner.")


class InviterSerializer(serializers.ModelSerializer[User]):
    class Meta:
        model = User
        fields = ("id", "username", "display_name")
        read_only_fields = fields


class InvitationSerializer(serializers.ModelSerializer[Invitation]):
    """As admins of the organization see it. Its link is in the letter only."""

    role = serializers.ChoiceField(choices=Role.choices, read_only=True)
    status = serializers.ChoiceField(choices=InvitationStatus.choices, read_only=True)
    invited_by = InviterSerializer(read_only=True)
    is_open = serializers.BooleanField(read_only=True, help_text="Whether it can still be accepted.")

    class Meta:
        model = Invitation
        fields = (
            "id", "email", "role", "status", "is_open", "invited_by", "created_at", "sent_at", "sent_count", "expires_at",
            "closed_at",
        )  # fmt: skip
        read_only_fields = fields


class InvitedToSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(read_only=True)
    name = serializers.CharField(read_only=True)
    slug = serializers.CharField(read_only=True)


class ReceivedInvitationSerializer(serializers.ModelSerializer[Invitation]):
    """As who is invited sees it."""

    role = serializers.ChoiceField(choices=Role.choices, read_only=True)
    organization = InvitedToSerializer(read_only=True)
    invited_by = InviterSerializer(read_only=True)

    class Meta:
        model = Invitation
        fields = ("id", "organization", "email", "role", "invited_by", "created_at", "expires_at")
        read_only_fields = fields


class InvitationInput(AddressInput):
    role = serializers.ChoiceField(choices=Role.choices, default=Role.MEMBER)


class InvitationsInput(serializers.Serializer[Any]):
    invitations = serializers.ListField(child=InvitationInput(), min_length=1, max_length=MOST_AT_ONCE)


class OutcomeSerializer(serializers.Serializer[Any]):
    email = serializers.CharField(read_only=True)
    outcome = serializers.ChoiceField(
        choices=("invited", "already_member", "already_invited", "too_many_requests"), read_only=True
    )
    invitation = InvitationSerializer(read_only=True, allow_null=True)


class OutcomesSerializer(serializers.Serializer[Any]):
    results = OutcomeSerializer(many=True, read_only=True)


class JoinedSerializer(serializers.Serializer[Any]):
    organization = InvitedToSerializer(read_only=True)
    role = serializers.ChoiceField(choices=Role.choices, read_only=True)


class WelcomeSerializer(JoinedSerializer):
    user = UserSerializer(read_only=True)


class TeamSerializer(serializers.ModelSerializer[Team]):
    settings = serializers.DictField(read_only=True)
    member_count = serializers.IntegerField(read_only=True)

    class Meta:
        model = Team
        fields = ("id", "organization", "name", "description", "settings", "member_count", "created_at", "updated_at")
        read_only_fields = fields


class TeamInput(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=100)
    description = serializers.CharField(max_length=1000, default="", allow_blank=True)
    settings = PatchField(default=dict)


class TeamChange(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=100, required=False)
    description = serializers.CharField(max_length=1000, required=False, allow_blank=True)
    settings = PatchField(required=False, help_text="Merged into what is there; null takes a name away.")


class TeamMemberSerializer(serializers.ModelSerializer[TeamMembership]):
    user = MemberUserSerializer(read_only=True)
    role = serializers.ChoiceField(choices=Role.choices, read_only=True)

    class Meta:
        model = TeamMembership
        fields = ("id", "user", "role", "joined_at")
        read_only_fields = fields


class TeamMemberInput(serializers.Serializer[Any]):
    member = serializers.UUIDField(help_text="The id of a membership of the organization.")
    role = serializers.ChoiceField(choices=Role.choices, default=Role.MEMBER)
