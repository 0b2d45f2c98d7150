"""The writers of runs: begun, controlled; and of plans."""

from apps.executions.services.bulk import BulkAction, BulkResult, control_many
from apps.executions.services.control import cancel_execution, pause_execution, resume_execution
from apps.executions.services.plans import store_plan
from apps.executions.services.pools import create_pool, delete_pool, keep_plan_pools, update_pool
from apps.executions.services.rerunning import Wanted, rerun_execution
from apps.executions.services.retrying import retry_execution
from apps.executions.services.standing import set_priority
from apps.executions.services.starting import start_execution
from apps.executions.services.steps import set_task_result, skip_task

__all__ = [
    "BulkAction",
    "BulkResult",
    "Wanted",
    "cancel_execution",
    "control_many",
    "create_pool",
    "delete_pool",
    "keep_plan_pools",
    "pause_execution",
    "rerun_execution",
    "resume_execution",
    "retry_execution",
    "set_priority",
    "set_task_result",
    "skip_task",
    "start_execution",
    "store_plan",
    "update_pool",
]
