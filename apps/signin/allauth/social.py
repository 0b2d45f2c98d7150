from __future__ import annotations

from typing import Any

from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponseForbidden

from apps.accounts import services
from apps.accounts.models import User


class SocialAccountAdapter(DefaultSocialAccountAdapter):  # type: ignore[misc]
    """A stranger becomes a user only where that is switched on, and with an organization as everybody has one."""

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        return bool(settings.SYMPHONY_SOCIAL_SIGNUP)

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        user = sociallogin.user
        if sociallogin.is_existing and settings.SYMPHONY_VERIFIED_ONLY and not user.email_verified:
            raise ImmediateHttpResponse(HttpResponseForbidden("Verify your e-mail address first."))

    def save_user(self, request: HttpRequest, sociallogin: Any, form: Any = None) -> User:
        with transaction.atomic():
            user: User = super().save_user(request, sociallogin, form)
            services.give_personal_organization(user=user)
        return user
