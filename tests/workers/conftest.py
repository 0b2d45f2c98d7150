"""The cast of the app tests plays here too; and a stage, for modules that play many melodies."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_django import DjangoDbBlocker

from symphony import roles
from tests.apps.conftest import alice, bob
from tests.conftest import Servers
from tests.workers.stage import Stage, staged


@pytest.fixture(scope="module")
def stage(
    servers: Servers,
    test_database_urls: roles.DatabaseUrls,
    django_db_blocker: DjangoDbBlocker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Stage]:
    with staged(servers, test_database_urls, django_db_blocker, tmp_path_factory.mktemp("stage")) as ready:
        yield ready


__all__ = ["alice", "bob", "stage"]
