"""The client as somebody who has installed it, without installing it."""

from __future__ import annotations

import sys

from django.conf import settings

sys.path.insert(0, str(settings.BASE_DIR / "clients" / "python"))
