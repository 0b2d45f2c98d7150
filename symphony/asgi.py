"""The web process: live streams on Django's ASGI handler, everything else on a fixed pool of threads.

Threads of a fixed pool live as long as the process and find each other's database connections (`symphony.database`). Django's
own ASGI handler would give each request a thread whose connection nobody finds again.
"""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Awaitable, Callable
from typing import Any

from a2wsgi import WSGIMiddleware
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "symphony.settings")

STREAM = re.compile(r"^/api/v1/executions/[^/]+/stream/?$")
THREADS = 16

streams = get_asgi_application()

from django.urls import get_resolver  # noqa: E402 - needs the set-up above

from apps.core.garbage import spare_what_is_loaded  # noqa: E402
from apps.executions.dispatch import warm_up  # noqa: E402
from symphony.wsgi import application as wsgi  # noqa: E402

threading.Thread(target=warm_up, name="symphony-warm-up", daemon=True).start()
# Its views are loaded now, not by the first request.
get_resolver().url_patterns  # noqa: B018
spare_what_is_loaded()
requests = WSGIMiddleware(wsgi, workers=THREADS)  # type: ignore[arg-type]  # Django's response is an iterable of bytes


async def application(
    scope: dict[str, Any],
    receive: Callable[[], Awaitable[Any]],
    send: Callable[[Any], Awaitable[None]],
) -> None:
    if scope["type"] == "http" and STREAM.match(scope["path"]):
        await streams(scope, receive, send)
    else:
        await requests(scope, receive, send)  # type: ignore[arg-type]  # two spellings of the same ASGI types
