"""What all rows of runs share: whose they are, and of which run."""

from __future__ import annotations

from django.db import models

from apps.accounts.models import Organization
from apps.executions.states import ExecutionStatus, FrameStatus, RerunMode, TaskStatus


def choices(statuses: type[ExecutionStatus | TaskStatus | FrameStatus | RerunMode]) -> list[tuple[str, str]]:
    return [(status.value, status.value) for status in statuses]


class Owned(models.Model):
    """A row of an organization, without a checked foreign key."""

    organization = models.ForeignKey(
        Organization, on_delete=models.CASCADE, related_name="+", db_constraint=False, db_index=False
    )

    class Meta:
        abstract = True


class RunOwned(Owned):
    """A row of one execution, without a checked foreign key."""

    execution = models.ForeignKey(
        "executions.Execution", on_delete=models.CASCADE, related_name="%(class)ss", db_constraint=False, db_index=False
    )

    class Meta:
        abstract = True
