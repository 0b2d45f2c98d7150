from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.core.exceptions import ValidationError

from apps.accounts.models import User
from apps.core.attempts import TooManyAttempts
from apps.signin.errors import BadCredentials, EmailUnverified
from apps.signin.services import passwords


class SignInForm(AuthenticationForm):
    """Says why it did not work, as far as that helps nobody to guess."""

    def clean(self) -> dict[str, Any]:
        email, password = self.cleaned_data.get("username"), self.cleaned_data.get("password")
        if not email or not password:
            return self.cleaned_data
        try:
            self.user_cache: User | None = passwords.verify_password(email=email, password=password, road="browser")
        except (BadCredentials, TooManyAttempts, EmailUnverified) as error:
            raise ValidationError(error.detail, code=error.code) from error
        return self.cleaned_data


class CodeForm(forms.Form):
    code = forms.CharField(max_length=20)


class UserCodeForm(forms.Form):
    user_code = forms.CharField(max_length=40)


class DecisionForm(forms.Form):
    decision = forms.ChoiceField(choices=(("allow", "Allow"), ("deny", "Deny")))
