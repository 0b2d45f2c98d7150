"""What the app of accounts tells those above it. Each is sent inside the transaction of what it tells of."""

from __future__ import annotations

from typing import Final

from django.dispatch import Signal

membership_adding: Final = Signal()
"""Before somebody becomes a member: `organization`, `user`, `role`. A receiver that raises keeps them out."""

invitation_adding: Final = Signal()
"""Before somebody is invited: `organization`, `email`. A receiver that raises keeps the invitation from being made."""

membership_ended: Final = Signal()
"""After somebody left, was removed or was erased: `organization`, `user`. They act for the organization no longer."""

organization_deactivated: Final = Signal()
"""After an organization was closed: `organization`. What runs for it should come to an end."""

password_changed: Final = Signal()
"""After a password was changed or reset: `user`. Whoever keeps sessions or refresh tokens ends them now."""

email_changed: Final = Signal()
"""After a verified address took the place of another: `user`, `before`."""

personal_data_requested: Final = Signal()
"""A person asks for everything that is kept about them: `user`. Sent while acting as them.

A receiver returns `(section, data)`: the name of a part of the export, and what can be written as JSON; or None.
"""

person_erasing: Final = Signal()
"""A person is about to be erased: `user`, `personal_organization` (None when there is none). Sent while acting as them.

Receivers delete or anonymize what is theirs, in the personal organization and elsewhere. They may return a sentence, or a
list of them, that says what stays and why; the person is told. A receiver that raises undoes the whole of it.
"""
