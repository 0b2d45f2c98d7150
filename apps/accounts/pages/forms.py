from __future__ import annotations

from typing import Any

from django import forms

from apps.accounts.names import LONGEST_USERNAME
from apps.accounts.services import LONGEST_PASSWORD
from apps.core.errors import Invalid


class LetterForm(forms.Form):
    """Shows what a service found wrong beside the field it is about."""

    template_name_div = "accounts/fields.html"

    def take_errors(self, problem: Invalid) -> None:
        for error in problem.errors:
            name = str(error["pointer"]).strip("/")
            self.add_error(name if name in self.fields else None, str(error["message"]))
        if not problem.errors:
            self.add_error(None, problem.detail)


class AddressForm(LetterForm):
    email = forms.EmailField(
        label="E-mail", max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "email", "autofocus": True})
    )


class RegistrationForm(AddressForm):
    display_name = forms.CharField(label="Name", max_length=200, required=False)

    field_order = ("display_name", "email")


class PasswordForm(LetterForm):
    password = forms.CharField(
        label="New password",
        max_length=LONGEST_PASSWORD,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    again = forms.CharField(
        label="The same again",
        max_length=LONGEST_PASSWORD,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("password") != given.get("again"):
            self.add_error("again", "The two are not the same.")
        return given


class AccountForm(PasswordForm):
    display_name = forms.CharField(label="Name", max_length=200, required=False)
    username = forms.CharField(
        label="Username",
        max_length=LONGEST_USERNAME,
        required=False,
        help_text="Empty: we make one up; change it later.",
    )

    field_order = ("display_name", "username", "password", "again")
