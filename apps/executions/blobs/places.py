"""The place that the settings name."""

from __future__ import annotations

from functools import lru_cache
from importlib import import_module
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from apps.executions.blobs.disk import Disk
from apps.executions.blobs.locations import DiskLocation, LocationError, S3Location, parse
from apps.executions.blobs.port import Backend


def current() -> Backend:
    """Where the bytes of artifacts and of large results are."""
    try:
        return place(settings.SYMPHONY_ARTIFACTS_URL or Path(settings.SYMPHONY_ARTIFACT_DIR).as_uri())
    except LocationError as error:
        raise ImproperlyConfigured(f"SYMPHONY_ARTIFACTS_URL names no place for bytes. {error}") from error


@lru_cache(maxsize=16)
def place(url: str) -> Backend:
    """The place at an address; `LocationError` says what is wrong with it."""
    location = parse(url)
    if isinstance(location, DiskLocation):
        return Disk(location.folder)
    return _bucket(location)


def _bucket(location: S3Location) -> Backend:
    s3 = import_module("apps.executions.blobs.s3")
    credentials = s3.Credentials(settings.SYMPHONY_S3_ACCESS_KEY_ID, settings.SYMPHONY_S3_SECRET_ACCESS_KEY)
    backend: Backend = s3.S3(
        location,
        credentials,
        timeout=settings.SYMPHONY_S3_TIMEOUT_SECONDS,
        attempts=settings.SYMPHONY_S3_ATTEMPTS,
    )
    return backend
