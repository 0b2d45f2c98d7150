"""Finding pools for somebody: those of their organizations, and those of the whole installation."""

from __future__ import annotations

from uuid import UUID

from django.db.models import F, IntegerField, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce, Now

from apps.accounts import queries as accounts
from apps.accounts.models import Organization, User
from apps.accounts.permissions import Action, require
from apps.core.errors import NotFound
from apps.executions.models import Pool, PoolLease


class PoolNotFound(NotFound):
    """There is no such pool, or it is not yours to see."""

    code = "pool_not_found"


def pools(*, actor: User, organization: Organization) -> QuerySet[Pool]:
    """Those that hold for an organization, each with `taken`: slots the actor can see that are taken now."""
    require(actor=actor, organization=organization, action=Action.READ)
    return _standing(Pool.objects.filter(Q(organization=organization) | Q(organization__isnull=True)))


def pool_for(*, actor: User, pool_id: UUID) -> Pool:
    """A pool with its organization and `taken`."""
    mine = Q(organization__in=accounts.organizations(actor=actor)) | Q(organization__isnull=True)
    pool = _standing(Pool.objects.select_related("organization").filter(mine)).filter(pk=pool_id).first()
    if pool is None:
        raise PoolNotFound
    return pool


def _standing(found: QuerySet[Pool]) -> QuerySet[Pool]:
    taken = (
        PoolLease.objects.filter(pool=OuterRef("pk"), returned_at__isnull=True)
        .filter(Q(until__isnull=True) | Q(until__gt=Now()))
        .order_by()
        .values("pool")
        .annotate(sum=Sum("slots"))
        .values("sum")
    )
    return found.annotate(taken=Coalesce(Subquery(taken, output_field=IntegerField()), 0)).order_by(
        F("organization").asc(nulls_last=True), "id"
    )
