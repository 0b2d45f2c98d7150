from __future__ import annotations

from rest_framework import serializers

from apps.accounts.models import ApiToken, Membership, Organization, Role, SubscriptionTier, User
from apps.accounts.permissions import Action


class UserSerializer(serializers.ModelSerializer[User]):
    class Meta:
        model = User
        fields = ("id", "email", "first_name", "last_name", "display_name", "email_verified", "created_at")
        read_only_fields = fields


class OrganizationSerializer(serializers.ModelSerializer[Organization]):
    owner_type = serializers.ChoiceField(choices=("user", "organization"), read_only=True)
    subscription_tier = serializers.ChoiceField(choices=SubscriptionTier.choices, read_only=True)

    class Meta:
        model = Organization
        fields = ("id", "name", "slug", "subscription_tier", "is_personal", "owner_type", "created_at", "updated_at")
        read_only_fields = fields


class OrganizationInput(serializers.Serializer[Organization]):
    name = serializers.CharField(max_length=255)


class MemberUserSerializer(serializers.ModelSerializer[User]):
    """Another person: what members of one organization see of each other."""

    class Meta:
        model = User
        fields = ("id", "email", "display_name")
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

    class Meta:
        model = ApiToken
        fields = ("id", "name", "prefix", "scopes", "created_at", "expires_at", "last_used_at")
        read_only_fields = fields


class NewTokenSerializer(TokenSerializer):
    secret = serializers.CharField(read_only=True, help_text="Shown this once: keep it in a safe place.")

    class Meta:
        model = ApiToken
        fields = (*TokenSerializer.Meta.fields, "secret")
        read_only_fields = fields


class TokenInput(serializers.Serializer[ApiToken]):
    name = serializers.CharField(max_length=100)
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=list(Action)),
        default=list,
        help_text="What the token may be used for; empty for all that its user may do.",
    )
    expires_at = serializers.DateTimeField(default=None, allow_null=True)
