"""Users come, and say who they are."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.views.decorators.debug import sensitive_variables

from apps.accounts.addresses import is_address, social_link_problems
from apps.accounts.documents import Problem, merge_patch, problems_of
from apps.accounts.errors import EmailTaken, UsernameTaken
from apps.accounts.models import Organization, User
from apps.accounts.names import RESERVED, USERNAME_RULE, is_username
from apps.core.errors import Invalid
from apps.core.trail import leave_trace

LONGEST_PASSWORD: Final = 1024
_TEXTS: Final = {"display_name": 200, "first_name": 100, "last_name": 100, "bio": 2000}
_GITHUB: Final = r"[A-Za-z0-9](-?[A-Za-z0-9]){0,38}"
_PROFILE: Final = (*_TEXTS, "username", "website", "avatar_url", "github_username", "social_links", "preferences")


@sensitive_variables("password")
def create_user(
    *,
    email: str,
    password: str | None,
    display_name: str = "",
    username: str = "",
    is_staff: bool = False,
    is_superuser: bool = False,
    email_verified: bool = False,
) -> User:
    """A user with a personal organization they own, in one transaction. Without a username, one is made of the name."""
    user = User(email=email.strip().lower(), display_name=display_name, username=username.strip().lower())
    problems = [*_email_problems(user.email), *password_problems(password, user)]
    if username:
        problems += _username_problems(user.username)
    if problems:
        raise Invalid("The account cannot be created like this.", errors=problems)
    with transaction.atomic():
        made = _insert(user, password, is_staff=is_staff, is_superuser=is_superuser, email_verified=email_verified)
        leave_trace("user.created", target=made)
    return made


def give_personal_organization(*, user: User) -> Organization:
    """For a user row that came by a form of the admin."""
    with transaction.atomic():
        return Organization.objects.create_personal(user)


def update_profile(*, actor: User, **changes: Any) -> User:
    """Change what is named. `preferences` and `social_links` are merge patches (RFC 7396): null takes a name away."""
    unknown = sorted(set(changes) - set(_PROFILE))
    if unknown:
        raise TypeError(f"no part of a profile: {', '.join(unknown)}")
    with transaction.atomic():
        # Two patches of one document must both be in it: so the row is read again, and held.
        user = User.objects.select_for_update(no_key=True).get(pk=actor.pk)
        before = {name: getattr(user, name) for name in changes}
        for name in ("preferences", "social_links"):
            if name in changes:
                changes[name] = merge_patch(getattr(user, name), changes[name])
        problems = _profile_problems(user, changes)
        if problems:
            raise Invalid("Some parts of the profile are not valid.", errors=problems)
        for name, value in changes.items():
            setattr(user, name, value.strip() if isinstance(value, str) else value)
        _save(user, [*changes, "updated_at"])
        changed = [name for name in changes if getattr(user, name) != before[name]]
        if changed:
            # Which, not what: a profile is its owner's, and the trail forgets nothing.
            leave_trace("user.profile_changed", actor=user, target=user, after={"fields": sorted(changed)})
    return user


def mark_verified(*, actor: User, users: QuerySet[User]) -> int:
    """Staff knows the addresses to be theirs. Returns how many were not verified before."""
    return _set_flag(actor, users.filter(email_verified=False), "email_verified", value=True, action="user.verified")


def deactivate_users(*, actor: User, users: QuerySet[User]) -> int:
    """Staff keeps them out: sign-in, sessions and tokens work no more. Never the one who does it."""
    found = users.filter(is_active=True).exclude(pk=actor.pk)
    return _set_flag(actor, found, "is_active", value=False, action="user.deactivated")


def reactivate_users(*, actor: User, users: QuerySet[User]) -> int:
    """Staff lets them in again; who was erased stays so."""
    found = users.filter(is_active=False, erased_at=None)
    return _set_flag(actor, found, "is_active", value=True, action="user.reactivated")


@sensitive_variables("password")
def password_problems(password: str | None, user: User) -> list[Problem]:
    """What is wrong with a new password; None (no password at all) is always well."""
    if password is None:
        return []
    if len(password) > LONGEST_PASSWORD:
        return [_problem("/password", "too_long", f"A password has at most {LONGEST_PASSWORD} characters.")]
    try:
        validate_password(password, user)
    except ValidationError as error:
        return [_problem("/password", "weak_password", text) for text in error.messages]
    return []


def check_email(email: str) -> str:
    """The address as it is kept, or `Invalid`."""
    email = email.strip().lower()
    problems = _email_problems(email)
    if problems:
        raise Invalid(problems[0]["message"], errors=problems)
    return email


def _email_problems(email: str) -> list[Problem]:
    try:
        validate_email(email)
    except ValidationError as error:
        return [_problem("/email", "invalid_email", text) for text in error.messages]
    if len(email) > 254 or email.endswith("@erased.invalid"):
        return [_problem("/email", "invalid_email", "This address cannot be used.")]
    return []


def _username_problems(username: str) -> list[Problem]:
    if not is_username(username):
        return [_problem("/username", "invalid_username", USERNAME_RULE)]
    if username in RESERVED:
        return [_problem("/username", "reserved_username", "This word is not free for use; choose another username.")]
    return []


def _profile_problems(user: User, changes: dict[str, Any]) -> list[Problem]:
    """Also brings the username into the form it is kept in."""
    found: list[Problem] = []
    for name, longest in _TEXTS.items():
        if len(changes.get(name, "")) > longest:
            found.append(_problem(f"/{name}", "too_long", f"This is at most {longest} characters long."))
    if "username" in changes:
        changes["username"] = changes["username"].strip().lower()
        if changes["username"] != user.username:
            found += _username_problems(changes["username"])
    for name, schemes in (("website", ("https", "http")), ("avatar_url", ("https",))):
        if changes.get(name) and not is_address(changes[name].strip(), schemes):
            words = " or ".join(f"{scheme}://" for scheme in schemes)
            found.append(_problem(f"/{name}", "invalid_address", f"This must be a whole address with {words}."))
    github = changes.get("github_username", "").strip()
    if github and not _matches(_GITHUB, github):
        found.append(_problem("/github_username", "invalid_username", "This is not a username of GitHub."))
    if "social_links" in changes:
        found += social_link_problems(changes["social_links"], "/social_links")
    if "preferences" in changes:
        found += problems_of(changes["preferences"], "/preferences")
    return found


def _insert(user: User, password: str | None, **fields: Any) -> User:
    """A username that was made up is made up again when somebody took it meanwhile; one that was chosen is not."""
    for attempt in (1, 2):
        try:
            with transaction.atomic():
                return User.objects.create_user(
                    user.email, password, display_name=user.display_name, username=user.username, **fields
                )
        except IntegrityError as error:
            if "email" in str(error):
                raise EmailTaken from error
            if "username" not in str(error):
                raise
            if user.username or attempt == 2:
                raise UsernameTaken from error
    raise UsernameTaken


def _save(user: User, fields: Iterable[str]) -> None:
    try:
        with transaction.atomic():
            user.save(update_fields=list(fields))
    except IntegrityError as error:
        if "username" in str(error):
            raise UsernameTaken from error
        raise


def _set_flag(actor: User, users: QuerySet[User], field: str, *, value: bool, action: str) -> int:
    with transaction.atomic():
        found = list(users.select_for_update(no_key=True))
        for user in found:
            setattr(user, field, value)
            user.save(update_fields=[field, "updated_at"])
            leave_trace(action, actor=actor, target=user, before={field: not value}, after={field: value})
    return len(found)


def _matches(pattern: str, text: str) -> bool:
    return re.fullmatch(pattern, text) is not None


def _problem(pointer: str, code: str, message: str) -> Problem:
    return {"code": code, "message": message, "pointer": pointer}
