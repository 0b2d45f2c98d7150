"""Types of the fixtures that tests here take."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from rest_framework.test import APIClient

from apps.accounts.models import User

ApiOf = Callable[[User], APIClient]
NumQueries = Callable[[int], AbstractContextManager[Any]]
