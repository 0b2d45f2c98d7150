"""`melody pools`: what may run at once; naming a pool makes or changes it."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from typing import Any

from django.core.management.base import CommandError

from apps.accounts.models import Organization, User
from apps.accounts.queries import organization_for
from apps.core.tenancy import acting_as
from apps.executions import pools, services
from apps.executions.models import Pool, PoolKind

from .people import user_argument, user_named
from .terminal import FAILED, Terminal

HELP = "show the pools of an organization, make, change or delete one"


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--organization", metavar="ID_OR_SLUG", help="your own if not given")
    parser.add_argument("--kind", choices=PoolKind.values, default=PoolKind.KEY, help="of the pool to change (key)")
    parser.add_argument("--name", default="", metavar="NAME", help="of the pool to change")
    parser.add_argument("--slots", type=int, metavar="N", help="let so much run at once")
    parser.add_argument("--tokens-per-minute", type=int, metavar="N", help="of a model")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--close", action="store_true", help="let nothing new begin")
    what.add_argument("--open", action="store_true", help="let it begin again")
    what.add_argument("--delete", action="store_true", help="delete the pool")
    user_argument(parser)


def run(terminal: Terminal, options: Mapping[str, Any]) -> None:
    user = user_named(options["user"])
    with acting_as(user.pk):
        organization = organization_for(actor=user, reference=options["organization"])
        if options["name"] or any(options[name] for name in ("slots", "tokens_per_minute", "close", "open", "delete")):
            _change(user, organization, options)
        found = list(pools.pools(actor=user, organization=organization))
    lines = [_line(pool) for pool in found]
    terminal.either(lines or ["no pools: nothing is limited"], {"pools": [_as_json(pool) for pool in found]})


def _change(user: User, organization: Organization, options: Mapping[str, Any]) -> None:
    kind, name = options["kind"], options["name"].strip()
    wanted = {field: options[field] for field in ("slots", "tokens_per_minute") if options[field] is not None}
    pool = Pool.objects.filter(organization=organization, kind=kind, name=name, by_plan=False).first()
    called = f"{kind} {name}".strip()
    if options["delete"]:
        if wanted:
            raise CommandError("--delete goes alone, without --slots and --tokens-per-minute.", returncode=FAILED)
        if pool is None:
            raise pools.PoolNotFound(f"There is no pool {called} here.")
        services.delete_pool(actor=user, pool=pool)
        return
    turned = {"open": bool(options["open"])} if options["close"] or options["open"] else {}
    if pool is not None and wanted | turned:
        services.update_pool(actor=user, pool=pool, **wanted, **turned)
    elif wanted:
        services.create_pool(actor=user, organization=organization, kind=kind, name=name, **wanted, **turned)
    elif turned:
        # A pool that is closed may be without slots: a name that is mistyped would make one, and close nothing.
        raise pools.PoolNotFound(f"There is no pool {called} here; --slots makes one.")
    else:
        message = (
            f"Of the pool {called}, say what to do with it: --slots, --tokens-per-minute, --close, --open or --delete."
        )
        raise CommandError(message, returncode=FAILED)


def _line(pool: Pool) -> str:
    slots = "–" if pool.slots is None else f"{getattr(pool, 'taken', 0)}/{pool.slots}"
    tokens = "" if pool.tokens_per_minute is None else f"  {pool.tokens_per_minute:,} tokens/min"
    where = "everybody" if pool.organization_id is None else "plan" if pool.by_plan else "here"
    return (
        f"{pool.kind:<13}{pool.name:<30}{slots:>10}{tokens}  {pool.state}{'' if pool.open else ', closed'}  ({where})"
    )


def _as_json(pool: Pool) -> dict[str, Any]:
    return {
        "id": str(pool.pk),
        "kind": pool.kind,
        "name": pool.name,
        "slots": pool.slots,
        "taken": getattr(pool, "taken", 0),
        "tokens_per_minute": pool.tokens_per_minute,
        "open": pool.open,
        "state": pool.state,
        "health": pool.health,
        "organization": None if pool.organization_id is None else str(pool.organization_id),
    }
