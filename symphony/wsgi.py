"""Django as a WSGI application: all requests but the live streams."""

from __future__ import annotations

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "symphony.settings")

application = get_wsgi_application()

from symphony.observability.wiring import begin_web  # noqa: E402 - needs the set-up above

begin_web()
