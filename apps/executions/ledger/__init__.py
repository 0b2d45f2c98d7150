"""The ledger: the one writer of task outcomes. Thin calls of the SQL functions in sql/.

Each call is one round trip and one transaction (unless the caller has one open). Nothing here sends anything: what a
call released is returned, and the caller sends it after the commit.
"""

from apps.executions.ledger.claims import claim, progress, renew, report_lost, variables
from apps.executions.ledger.outcomes import (
    TooManySteps,
    compensate,
    expand,
    finish,
    frames,
    keep_waiting,
    wait,
    withdraw_rest,
)
from apps.executions.ledger.records import melody, remember
from apps.executions.ledger.releases import NOTHING, HandOver, Keep, Release
from apps.executions.ledger.runs import cancel, expired, forget, forget_blobs, pause, refresh_statistics, resume, start
from apps.executions.ledger.sweeping import sweep, unsent
from apps.executions.ledger.waiting import Decided, decide, signal

__all__ = [
    "NOTHING",
    "Decided",
    "HandOver",
    "Keep",
    "Release",
    "TooManySteps",
    "cancel",
    "claim",
    "compensate",
    "decide",
    "expand",
    "expired",
    "finish",
    "forget",
    "forget_blobs",
    "frames",
    "keep_waiting",
    "melody",
    "pause",
    "progress",
    "refresh_statistics",
    "remember",
    "renew",
    "report_lost",
    "resume",
    "signal",
    "start",
    "sweep",
    "unsent",
    "variables",
    "wait",
    "withdraw_rest",
]
