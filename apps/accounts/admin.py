from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final, cast

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import UserAdmin as BaseUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.db import connection
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from apps.accounts import services
from apps.accounts.errors import LastOwner
from apps.accounts.models import ApiToken, Invitation, Membership, Organization, Role, Team, TeamMembership, User
from apps.core.admin_fields import Autocompleting

# Whoever may change users must not make themselves, or others, more than they are.
POWERS: Final = ("is_staff", "is_superuser", "groups", "user_permissions")


class NewUserForm(AdminUserCreationForm):
    class Meta:
        model = User
        fields = ("email",)


class ToSee(admin.TabularInline):
    """People come to organizations and teams by services."""

    extra = 0
    can_delete = False

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.fields or ()

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class MembershipOfUser(ToSee):
    model = Membership
    fields = ("organization", "role", "joined_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        return Membership.objects.select_related("organization")


class TeamMembershipOfUser(ToSee):
    model = TeamMembership
    fields = ("team", "organization", "role", "joined_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[TeamMembership]:
        return TeamMembership.objects.select_related("team", "organization")


@admin.register(User)
class UserAdmin(BaseUserAdmin):
    add_form = NewUserForm
    ordering = ("email",)
    list_display = (
        "email", "username", "display_name", "is_staff", "is_active", "email_verified", "last_login", "created_at",
    )  # fmt: skip
    list_filter = ("is_staff", "is_superuser", "is_active", "email_verified", ("erased_at", admin.EmptyFieldListFilter))
    search_fields = ("email", "username", "display_name", "first_name", "last_name", "github_username")
    readonly_fields = ("id", "last_login", "erased_at", "created_at", "updated_at")
    fieldsets = (
        (None, {"fields": ("id", "email", "username", "password")}),
        ("Person", {"fields": ("display_name", "first_name", "last_name", "email_verified")}),
        ("Profile", {"fields": ("bio", "website", "avatar_url", "github_username", "social_links", "preferences")}),
        ("Permissions", {"fields": ("is_active", "is_staff", "is_superuser", "groups", "user_permissions")}),
        ("Dates", {"fields": ("last_login", "erased_at", "created_at", "updated_at")}),
    )
    add_fieldsets = ((None, {"classes": ("wide",), "fields": ("email", "usable_password", "password1", "password2")}),)
    inlines = (MembershipOfUser, TeamMembershipOfUser)
    actions = ("verify", "deactivate", "reactivate")

    def get_inlines(self, request: HttpRequest, obj: Any) -> Any:
        return self.inlines if obj is not None else ()

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        fields = super().get_readonly_fields(request, obj)
        return fields if _staff(request).is_superuser else (*fields, *POWERS)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and _may_touch(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and _may_touch(request, obj)

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:  # noqa: A002 - Django's
        response = super().user_change_password(request, id, form_url)
        if request.method == "POST" and response.status_code == HTTPStatus.FOUND:
            services.password_was_given(actor=_staff(request), user=User.objects.get(pk=unquote(id)))
        return response

    def save_model(self, request: HttpRequest, obj: User, form: forms.ModelForm, change: bool) -> None:  # noqa: FBT001 - Django's
        super().save_model(request, obj, form, change)
        if not change:
            services.give_personal_organization(user=obj)

    @admin.action(description="Their e-mail addresses are known to be theirs", permissions=["change"])
    def verify(self, request: HttpRequest, users: QuerySet[User]) -> None:
        number = services.mark_verified(actor=_staff(request), users=users)
        self.message_user(request, f"{number} addresses verified.")

    @admin.action(description="Deactivate the selected users", permissions=["change"])
    def deactivate(self, request: HttpRequest, users: QuerySet[User]) -> None:
        touched = users if _staff(request).is_superuser else users.filter(is_superuser=False)
        number = services.deactivate_users(actor=_staff(request), users=touched)
        self.message_user(request, f"{number} users deactivated. (Nobody deactivates themselves.)")

    @admin.action(description="Reactivate the selected users", permissions=["change"])
    def reactivate(self, request: HttpRequest, users: QuerySet[User]) -> None:
        number = services.reactivate_users(actor=_staff(request), users=users)
        self.message_user(request, f"{number} users reactivated. (Who was erased stays so.)")


class MembershipsFormSet(forms.BaseInlineFormSet):
    """What the database would refuse at the end is said beside the form."""

    def clean(self) -> None:
        super().clean()
        kept = [form.cleaned_data for form in self.forms if getattr(form, "cleaned_data", None)]
        kept = [data for data in kept if not data.get("DELETE") and data.get("user")]
        if kept and all(data["role"] != Role.OWNER for data in kept):
            raise forms.ValidationError(LastOwner.message(), code=LastOwner.code)


class MembershipInline(Autocompleting, admin.TabularInline):
    model = Membership
    formset = MembershipsFormSet
    extra = 0
    autocomplete_fields = ("user",)
    readonly_fields = ("joined_at",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Membership]:
        return super().get_queryset(request).select_related("user")


@admin.register(Organization)
class OrganizationAdmin(Autocompleting, admin.ModelAdmin):
    list_display = ("name", "slug", "subscription_tier", "is_personal", "owner_user", "is_active", "created_at")
    list_filter = ("subscription_tier", "is_personal", "is_active")
    list_select_related = ("owner_user",)
    search_fields = ("name", "slug", "owner_user__email")
    autocomplete_fields = ("owner_user",)
    readonly_fields = ("id", "created_at", "updated_at")
    inlines = (MembershipInline,)
    actions = ("deactivate", "reactivate")

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:  # noqa: FBT001 - Django's
        # Between two rows of one form there may be no owner; at its end there is one, or nothing is saved.
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS organization_keeps_an_owner DEFERRED")
            super().save_related(request, form, formsets, change)
            cursor.execute("SET CONSTRAINTS organization_keeps_an_owner IMMEDIATE")

    @admin.action(description="Deactivate the selected organizations", permissions=["change"])
    def deactivate(self, request: HttpRequest, organizations: QuerySet[Organization]) -> None:
        number = services.deactivate_organizations(actor=_staff(request), organizations=organizations)
        self.message_user(request, f"{number} organizations deactivated.")

    @admin.action(description="Reactivate the selected organizations", permissions=["change"])
    def reactivate(self, request: HttpRequest, organizations: QuerySet[Organization]) -> None:
        number = services.reactivate_organizations(actor=_staff(request), organizations=organizations)
        self.message_user(request, f"{number} organizations reactivated.")


@admin.register(Invitation)
class InvitationAdmin(admin.ModelAdmin):
    """To see and to revoke; who invites is a member."""

    list_display = ("email", "organization", "role", "status", "invited_by", "sent_at", "sent_count", "expires_at")
    list_filter = ("status", "role")
    list_select_related = ("organization", "invited_by")
    search_fields = ("email", "organization__name", "organization__slug", "invited_by__email")
    date_hierarchy = "created_at"
    fields = (
        "id", "organization", "email", "role", "status", "invited_by", "accepted_by", "sent_at", "sent_count", "expires_at",
        "closed_at", "created_at",
    )  # fmt: skip
    actions = ("revoke",)

    @admin.action(description="Revoke the selected invitations", permissions=["delete"])
    def revoke(self, request: HttpRequest, invitations: QuerySet[Invitation]) -> None:
        rows = list(invitations.select_related("organization"))
        revoked = services.revoke_invitations(actor=_staff(request), invitations=rows)
        self.message_user(request, f"{revoked} invitations revoked.")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


class TeamMembershipInline(ToSee):
    model = TeamMembership
    fields = ("user", "role", "joined_at")

    def get_queryset(self, request: HttpRequest) -> QuerySet[TeamMembership]:
        return TeamMembership.objects.select_related("user")


@admin.register(Team)
class TeamAdmin(admin.ModelAdmin):
    list_display = ("name", "organization", "created_by", "created_at")
    list_select_related = ("organization", "created_by")
    search_fields = ("name", "organization__name", "organization__slug")
    fields = ("id", "organization", "name", "description", "settings", "created_by", "created_at", "updated_at")
    readonly_fields = ("id", "organization", "created_by", "created_at", "updated_at")
    inlines = (TeamMembershipInline,)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False


@admin.register(ApiToken)
class ApiTokenAdmin(admin.ModelAdmin):
    """To see and to revoke; tokens are made by those who will use them."""

    list_display = ("name", "prefix", "user", "created_at", "expires_at", "last_used_at", "revoked_at")
    list_select_related = ("user",)
    search_fields = ("name", "prefix", "user__email")
    fields = ("id", "name", "prefix", "user", "scopes", "created_at", "expires_at", "last_used_at", "revoked_at")
    actions = ("revoke",)

    @admin.action(description="Revoke the selected tokens", permissions=["delete"])
    def revoke(self, request: HttpRequest, tokens: QuerySet[ApiToken]) -> None:
        revoked = services.revoke_tokens(tokens=tokens)
        self.message_user(request, f"{revoked} tokens revoked.")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def _may_touch(request: HttpRequest, user: User | None) -> bool:
    """A superuser is changed by superusers only: their password or address would be the way to their power."""
    return user is None or not user.is_superuser or _staff(request).is_superuser


def _staff(request: HttpRequest) -> User:
    """The admin lets nobody else this far."""
    return cast(User, request.user)
