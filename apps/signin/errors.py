from __future__ import annotations

from apps.core.errors import Forbidden, SymphonyError


class SignInRefused(SymphonyError):
    """This sign-in did not work."""

    code = "sign_in_refused"
    status = 401
    title = "Not signed in"


class BadCredentials(SignInRefused):
    """E-mail address and password do not belong together, or the account is not active."""

    code = "bad_credentials"


class SecondFactorRequired(SignInRefused):
    """This account asks for a second factor: send `code` along, from your authenticator app or a recovery code."""

    code = "second_factor_required"


class BadSecondFactor(SignInRefused):
    """This code is not, or no longer, the right one."""

    code = "bad_second_factor"


class BadRefreshToken(SignInRefused):
    """This refresh token is unknown, used up or expired; sign in again."""

    code = "bad_refresh_token"


class EmailUnverified(Forbidden):
    """Verify your e-mail address first: follow the link in the message we have sent you."""

    code = "email_unverified"
