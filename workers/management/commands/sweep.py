"""`manage.py sweep`: the stale manager's process. Run one or more beside the workers."""

from __future__ import annotations

import signal
import threading
from typing import Any

from django.core.management.base import BaseCommand

from apps.core.garbage import spare_what_is_loaded
from workers import undecided
from workers.pit.stale import sweep_until


class Command(BaseCommand):
    help = "Give back what lost workers held, fire due timers, send again what the broker lost. Runs until stopped."

    def handle(self, *_args: Any, **_options: Any) -> None:
        stop = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stop.set())
        spare_what_is_loaded()
        sweep_until(stop, undecided.decide)
