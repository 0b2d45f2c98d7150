"""Making, changing and deleting pools: by admins those of their organization, by staff also those of everybody."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, transaction

from apps.accounts.models import Organization, User
from apps.accounts.permissions import Action, require
from apps.billing.entitlements import Quota
from apps.core.errors import Forbidden, Invalid
from apps.core.trail import leave_trace
from apps.executions import ledger
from apps.executions.errors import PoolTaken
from apps.executions.models import Pool, PoolKind
from apps.executions.services.runnable import why_pools_nothing
from apps.melodies.definition.placing import is_plain

LONGEST_NAME: Final = 120
MOST_SLOTS: Final = 1_000_000
MOST_TOKENS: Final = 10**12
_TOLD: Final = ("slots", "tokens_per_minute", "open")


def create_pool(
    *,
    actor: User,
    organization: Organization | None,
    kind: str,
    name: str = "",
    slots: int | None = None,
    tokens_per_minute: int | None = None,
    open: bool = True,  # noqa: A002 - the column's and the API's word
) -> Pool:
    """A pool of an organization, or of the whole installation (None, for staff). It holds from the next claim on, also
    for runs that are under way."""
    _require(actor, organization)
    pool = Pool(
        organization=organization,
        kind=kind,
        name=name.strip(),
        slots=slots,
        tokens_per_minute=tokens_per_minute,
        open=open,
    )
    check_new_pool(pool)
    return _saved(actor, pool, "created", None)


def update_pool(*, actor: User, pool: Pool, **changes: Any) -> Pool:
    """`slots`, `tokens_per_minute` and `open`. What runs goes on; fewer slots hold as those that are taken come back."""
    _require(actor, pool.organization)
    _refuse_plan(pool)
    before = {name: getattr(pool, name) for name in _TOLD}
    for name, value in changes.items():
        if name not in _TOLD:
            raise _invalid(name, "fixed", f"The {name} of a pool cannot be changed: make another pool.")
        setattr(pool, name, value)
    return _saved(actor, pool, "changed", before)


def delete_pool(*, actor: User, pool: Pool) -> None:
    """What waited for it goes on; the history of its leases stays with their runs."""
    _require(actor, pool.organization)
    _refuse_plan(pool)
    with transaction.atomic():
        _trace(actor, pool, "deleted", {name: getattr(pool, name) for name in _TOLD}, None)
        pool.delete()


def keep_plan_pools(limits: dict[UUID, int]) -> None:
    """What organizations may run at once by their plans, where it could be felt. For the sweep."""
    with transaction.atomic():
        ledger.keep_plan_pools({str(organization): limit for organization, limit in limits.items()})


def _require(actor: User, organization: Organization | None) -> None:
    if organization is None:
        if not actor.is_staff:
            raise Forbidden("Pools of the whole installation are for its staff; ask them, or make one of your own.")
    elif not actor.is_staff:
        require(actor=actor, organization=organization, action=Action.ADMINISTER)


def _refuse_plan(pool: Pool) -> None:
    if pool.by_plan:
        raise Invalid(
            f"This pool is what the plan of {pool.organization} has room for ({Quota.CONCURRENT_TASKS.value}): it follows "
            "the plan. Make a pool of the kind `organization` for a limit of your own."
        )


def _saved(actor: User, pool: Pool, happened: str, before: dict[str, Any] | None) -> Pool:
    check_pool(pool)
    try:
        with transaction.atomic():
            pool.save()
            _trace(actor, pool, happened, before, {name: getattr(pool, name) for name in _TOLD})
    except IntegrityError as error:
        if "pool_name" not in str(error):
            raise
        raise PoolTaken(f"There is a pool {pool} here already: change that one.") from error
    return pool


def check_new_pool(pool: Pool) -> None:
    """Refuse (`Invalid`) what cannot be a pool, or could not limit anything: a queue must be one that steps can be for.

    Only of a new one: a pool whose queue nobody serves any more can still be changed and closed.
    """
    check_pool(pool)
    why_not = why_pools_nothing(pool.name) if pool.kind == PoolKind.QUEUE else None
    if why_not is not None:
        raise _invalid("name", "queue", why_not)


def check_pool(pool: Pool) -> None:
    """Refuse (`Invalid`) what cannot be a pool."""
    if pool.kind not in PoolKind.values:
        raise _invalid("kind", "invalid_choice", f"`kind` is one of {', '.join(PoolKind.values)}.")
    if pool.kind == PoolKind.ORGANIZATION:
        if pool.name:
            raise _invalid("name", "invalid", "A pool of all steps of an organization has no name.")
    elif not pool.name:
        raise _invalid(
            "name", "required", f"A pool of the kind {pool.kind} needs a name: {_MEANING[PoolKind(pool.kind)]}."
        )
    elif pool.kind == PoolKind.KEY and not is_plain(pool.name):
        message = "What steps say under `limit` is a plain name: small letters, digits, `_`, `.` and `-`."
        raise _invalid("name", "invalid_name", message)
    if len(pool.name) > LONGEST_NAME or not pool.name.isprintable():
        raise _invalid("name", "invalid", f"The name of a pool is one line of at most {LONGEST_NAME} characters.")
    _check_numbers(pool)


def _check_numbers(pool: Pool) -> None:
    for name, most in (("slots", MOST_SLOTS), ("tokens_per_minute", MOST_TOKENS)):
        value = getattr(pool, name)
        if value is not None and not 1 <= value <= most:
            raise _invalid(name, "out_of_range", f"`{name}` is from 1 to {most:,}, or null for no limit.")
    if pool.tokens_per_minute is not None and pool.kind != PoolKind.MODEL:
        raise _invalid("tokens_per_minute", "invalid", "Only a pool of the kind `model` counts tokens.")
    if pool.slots is None and pool.tokens_per_minute is None and pool.open:
        raise _invalid("slots", "required", "A pool limits something: give it `slots`, or `tokens_per_minute`.")


_MEANING: Final = {
    PoolKind.MODEL: "the model's id, or provider/model",
    PoolKind.QUEUE: "the queue",
    PoolKind.KEY: "what steps say under `limit`",
}


def _invalid(field: str, code: str, message: str) -> Invalid:
    return Invalid(message, errors=[{"code": code, "message": message, "pointer": f"/{field}"}])


def _trace(actor: User, pool: Pool, happened: str, before: dict[str, Any] | None, after: dict[str, Any] | None) -> None:
    leave_trace(
        f"pool.{happened}", actor=actor, organization=pool.organization, target=pool, before=before, after=after
    )
