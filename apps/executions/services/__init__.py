"""The writers of runs: begun, controlled; and of plans."""

from apps.executions.services.control import cancel_execution, pause_execution, resume_execution
from apps.executions.services.plans import store_plan
from apps.executions.services.starting import start_execution

__all__ = ["cancel_execution", "pause_execution", "resume_execution", "start_execution", "store_plan"]
