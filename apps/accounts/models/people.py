"""Users, and the organizations that own everything."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import PermissionsMixin
from django.db import IntegrityError, models, transaction
from django.db.models.functions import Lower
from django.utils.text import slugify

from apps.accounts.names import LONGEST_USERNAME, USERNAME, random_username, username_from
from apps.core.db.fields import LowercaseEmailField
from apps.core.ids import uuid7
from apps.core.names import name_of
from apps.core.tenancy import acting_as


class SubscriptionTier(models.TextChoices):
    FREE = "free"
    BASIC = "basic"
    PRO = "pro"
    ENTERPRISE = "enterprise"


class Role(models.TextChoices):
    OWNER = "owner"
    ADMIN = "admin"
    MEMBER = "member"
    VIEWER = "viewer"


class UsernameField(models.CharField):
    """Lower-cased wherever it enters, so that no two differ by case alone."""

    def to_python(self, value: Any) -> Any:
        value = super().to_python(value)
        return value.strip().lower() if isinstance(value, str) else value

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        return value.lower() if isinstance(value, str) else value


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """A user with a personal organization, whatever door they come in by. Without a password none will match."""
        user = self.model(email=email, password=make_password(password), **fields)
        with transaction.atomic():
            user.save(force_insert=True)
            Organization.objects.create_personal(user)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(email, password, **{**fields, "is_staff": True, "is_superuser": True})


class User(AbstractBaseUser, PermissionsMixin):
    """A person.

    The one account table without row-level security: a sign-in looks the e-mail up before anybody is known, members of
    an organization see each other by name, and a row belongs to no organization. What of it is shown to whom is decided
    by `queries` and by the serializers.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = LowercaseEmailField("e-mail", max_length=254, unique=True)
    username = UsernameField(
        max_length=LONGEST_USERNAME, unique=True, blank=True, help_text="Empty: one is made of the display name."
    )
    first_name = models.CharField(max_length=100, blank=True)
    last_name = models.CharField(max_length=100, blank=True)
    display_name = models.CharField(max_length=200, blank=True)
    bio = models.TextField(max_length=2000, blank=True)
    website = models.CharField(max_length=500, blank=True)
    avatar_url = models.CharField("avatar", max_length=500, blank=True, help_text="An https:// address.")
    github_username = models.CharField("GitHub username", max_length=39, blank=True)
    social_links = models.JSONField(default=dict, blank=True)
    preferences = models.JSONField(default=dict, blank=True)
    is_active = models.BooleanField("active", default=True)
    is_staff = models.BooleanField("staff", default=False, help_text="May use the admin.")
    email_verified = models.BooleanField("e-mail verified", default=False)
    erased_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects: ClassVar[UserManager] = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = []

    class Meta:
        ordering = ("email",)
        constraints = (
            # With the unique column beside it: unique whatever the case, and one plain index serves every look-up.
            models.CheckConstraint(condition=models.Q(email=Lower("email")), name="user_email_lowercase"),
            models.CheckConstraint(condition=models.Q(username__regex=USERNAME), name="user_username"),
            models.CheckConstraint(
                condition=models.Q(avatar_url="") | models.Q(avatar_url__startswith="https://"),
                name="user_avatar_https",
            ),
            models.CheckConstraint(
                condition=models.Q(erased_at=None) | models.Q(is_active=False), name="user_erased_is_inactive"
            ),
        )

    def __str__(self) -> str:
        return str(self.email)

    def save(self, *args: Any, **kwargs: Any) -> None:
        if not self.username:
            stem = username_from(self.display_name)
            taken = not stem or User.objects.filter(username=stem).exists()
            self.username = random_username(stem) if taken else stem
        super().save(*args, **kwargs)

    @property
    def last_login_at(self) -> datetime | None:
        return self.last_login

    def get_full_name(self) -> str:
        return str(self.display_name) or f"{self.first_name} {self.last_name}".strip() or self.email

    def get_short_name(self) -> str:
        return str(self.first_name) or self.get_full_name()


class OrganizationManager(models.Manager["Organization"]):
    def create_personal(self, user: User) -> Organization:
        name = user.get_full_name()
        return self.create_owned(user, name=name, slug_from=user.email.partition("@")[0], is_personal=True)

    def create_owned(self, user: User, *, name: str, slug_from: str, is_personal: bool = False) -> Organization:
        """An organization and the membership of its owner, written as that user: the policies allow exactly this pair."""
        with acting_as(user.pk):
            organization = self._insert_with_free_slug(
                Organization(
                    name=name,
                    owner_user=user,
                    is_personal=is_personal,
                    subscription_tier=settings.SYMPHONY_DEFAULT_TIER,
                ),
                slugify(slug_from)[:80] or "organization",
            )
            Membership(organization=organization, user=user, role=Role.OWNER).save(force_insert=True)
        return organization

    def _insert_with_free_slug(self, organization: Organization, slug: str) -> Organization:
        # Slugs of strangers are invisible to us: only the attempt tells whether one is taken.
        for candidate in (slug, f"{slug}-{secrets.token_hex(3)}"):
            organization.slug = candidate
            try:
                with transaction.atomic():
                    organization.save(force_insert=True)
                return organization
            except IntegrityError as error:
                if "slug" not in str(error):
                    raise
        organization.slug = f"{slug}-{organization.pk.hex}"
        organization.save(force_insert=True)
        return organization


class Organization(models.Model):
    """Owner of everything a tenant has. Every user has a personal one."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=255)
    slug = models.SlugField(max_length=120, unique=True)
    subscription_tier = models.CharField(max_length=20, choices=SubscriptionTier.choices, default=SubscriptionTier.FREE)
    is_personal = models.BooleanField("personal", default=False)
    owner_user = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, blank=True, related_name="owned_organizations"
    )
    settings = models.JSONField(default=dict, blank=True)
    is_active = models.BooleanField("active", default=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects: ClassVar[OrganizationManager] = OrganizationManager()

    class Meta:
        ordering = ("name", "id")
        constraints = (
            models.CheckConstraint(
                condition=models.Q(subscription_tier__in=SubscriptionTier.values), name="organization_subscription_tier"
            ),
            models.UniqueConstraint(
                fields=("owner_user",), condition=models.Q(is_personal=True), name="organization_one_personal_per_user"
            ),
        )

    def __str__(self) -> str:
        return self.name

    @property
    def owner_type(self) -> str:
        """Whom what it owns belongs to: "user" for a personal organization."""
        return "user" if self.is_personal else "organization"


class Membership(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organization = models.ForeignKey(Organization, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=20, choices=Role.choices, default=Role.MEMBER)
    joined_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("joined_at", "id")
        constraints = (
            models.UniqueConstraint(fields=("organization", "user"), name="membership_once_per_organization"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="membership_role"),
        )

    def __str__(self) -> str:
        return f"{name_of(self, 'user')} is {self.role} of {name_of(self, 'organization')}"
