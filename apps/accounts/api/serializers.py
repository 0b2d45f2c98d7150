from __future__ import annotations

from rest_framework import serializers

from apps.accounts.models import ApiToken, Membership, Organization, Role, SubscriptionTier, User
from apps.accounts.permissions import Action


class UserSerializer(serializers.ModelSerializer[User]):
    """Oneself."""

    last_login_at = serializers.DateTimeField(read_only=True, allow_null=True)
    social_links = serializers.DictField(child=serializers.CharField(), read_only=True)
    preferences = serializers.DictField(read_only=True)
    has_password = serializers.BooleanField(source="has_usable_password", read_only=True)

    class Meta:
        model = User
        fields = (
            "id", "email", "email_verified", "username", "display_name", "first_name", "last_name", "bio", "website",
            "avatar_url", "github_username", "social_links", "preferences", "has_password", "last_login_at", "created_at",
            "updated_at",
        )  # fmt: skip
        read_only_fields = fields


class OrganizationSerializer(serializers.ModelSerializer[Organization]):
    owner_type = serializers.ChoiceField(choices=("user", "organization"), read_only=True)
    subscription_tier = serializers.ChoiceField(choices=SubscriptionTier.choices, read_only=True)
    settings = serializers.DictField(read_only=True)

    class Meta:
        model = Organization
        fields = (
            "id", "name", "slug", "subscription_tier", "is_personal", "owner_type", "settings", "created_at", "updated_at",
        )  # fmt: skip
        read_only_fields = fields


class OrganizationInput(serializers.Serializer[Organization]):
    name = serializers.CharField(max_length=255)


class MemberUserSerializer(serializers.ModelSerializer[User]):
    """Another person: what members of one organization see of each other."""

    class Meta:
        model = User
        fields = ("id", "email", "username", "display_name", "avatar_url")
        read_only_fields = fields


class MembershipSerializer(serializers.ModelSerializer[Membership]):
    user = MemberUserSerializer(read_only=True)
    role = serializers.ChoiceField(choices=Role.choices, read_only=True)

    class Meta:
        model = Membership
        fields = ("id", "user", "role", "joined_at")
        read_only_fields = fields


class TokenSerializer(serializers.ModelSerializer[ApiToken]):
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=list(Action)), read_only=True)
    organization = serializers.UUIDField(
        source="only_organization_id",
        read_only=True,
        allow_null=True,
        help_text="The one organization this token opens; null for all of its user's.",
    )

    class Meta:
        model = ApiToken
        fields = ("id", "name", "prefix", "scopes", "organization", "created_at", "expires_at", "last_used_at")
        read_only_fields = fields


class NewTokenSerializer(TokenSerializer):
    secret = serializers.CharField(read_only=True, help_text="Shown this once: keep it in a safe place.")

    class Meta:
        model = ApiToken
        fields = (*TokenSerializer.Meta.fields, "secret")
        read_only_fields = fields


class TokenNameInput(serializers.Serializer[ApiToken]):
    name = serializers.CharField(max_length=100)


class TokenInput(TokenNameInput):
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=list(Action)),
        default=list,
        max_length=len(Action),
        help_text="What the token may be used for; empty for all that its user may do.",
    )
    expires_at = serializers.DateTimeField(
        required=False,
        allow_null=True,
        help_text="Left out: after as many days as this server gives (90 unless set otherwise). Null: as late as it allows.",
    )
    organization = serializers.UUIDField(
        default=None, allow_null=True, help_text="Opens this organization only. Null: all of its user's."
    )
