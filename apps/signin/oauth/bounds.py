from __future__ import annotations

from typing import Final

from django.http import HttpRequest

LONGEST: Final = 4096


def is_bounded(request: HttpRequest) -> bool:
    """Whether no parameter is longer than any of ours, or holds what PostgreSQL cannot store."""
    given = (request.GET, request.POST)
    values = [value for each in given for name in each for value in (name, *each.getlist(name))]
    return all(len(value) <= LONGEST and "\0" not in value for value in values)
