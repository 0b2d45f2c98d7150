"""A session of PostgreSQL made ready for the hot path.

Each session compiles every function and plans every statement anew when it first comes to them: some 50 ms for a claim and
an outcome. Here it does so on ids that nothing has, and takes back what that may have written.
"""

from __future__ import annotations

from typing import Final

from django.db import connection, transaction

from apps.executions.ledger.claims import claim
from apps.executions.ledger.outcomes import finish
from apps.executions.ledger.releases import Keep

_NOBODY: Final = "00000000-0000-0000-0000-000000000000"
_NAME: Final = "rehearsal"
_OUTCOME: Final = {"task": _NOBODY, "attempt": 1, "lease": _NOBODY, "status": "completed", "output": None, "events": []}

# What claims and outcomes do with tasks there are, and so not with these.
_FURTHER: Final = """
    SELECT ledger_payload(NULL, NULL, NULL);
    SELECT ledger_settle(o, o, o, '{0,0}', '{0,1}', '{1,1}', ARRAY[NULL, NULL]::uuid[], '{false,false}', 10),
           ledger_hold(ARRAY[o]), ledger_waiting(''), ledger_window('', 1)
    FROM (SELECT '00000000-0000-0000-0000-000000000000'::uuid AS o) nobody;
    SELECT * FROM ledger_hand_over(ARRAY['00000000-0000-0000-0000-000000000000'::uuid], 1, 'none', '', 1);
    SELECT * FROM ledger_take_next(1, '', '', 1);
"""


def rehearse() -> None:
    """Let the session of this thread's connection compile and plan what claims and outcomes need."""
    with transaction.atomic():
        claim(_NOBODY, _NOBODY, _NAME)
        finish(_NOBODY, [_OUTCOME], _NAME, Keep(1, _NAME))
        with connection.cursor() as cursor:
            cursor.execute(_FURTHER)
        transaction.set_rollback(True)
