"""Addresses of places for bytes: `file:///folder` and `s3://bucket/prefix?endpoint=…&region=…&style=…`. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

_BUCKET: Final = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PREFIX: Final = re.compile(r"[A-Za-z0-9!_.*'()=-]{1,200}(/[A-Za-z0-9!_.*'()=-]{1,200}){0,10}")
_REGION: Final = re.compile(r"[a-z0-9-]{1,40}")
STYLES: Final = ("auto", "path", "virtual")


class LocationError(ValueError):
    """What is wrong with an address, for whoever set it."""


@dataclass(frozen=True, slots=True)
class DiskLocation:
    folder: Path

    @property
    def url(self) -> str:
        return self.folder.as_uri()


@dataclass(frozen=True, slots=True)
class S3Location:
    """`prefix` has no slash at its ends and may be empty. `endpoint` None is Amazon's."""

    bucket: str
    prefix: str = ""
    endpoint: str | None = None
    region: str | None = None
    style: str = "auto"

    @property
    def url(self) -> str:
        given = {
            "endpoint": self.endpoint,
            "region": self.region,
            "style": self.style if self.style != "auto" else None,
        }
        query = urlencode({name: value for name, value in given.items() if value}, safe=":/")
        return (
            f"s3://{self.bucket}" + (f"/{quote(self.prefix)}" if self.prefix else "") + (f"?{query}" if query else "")
        )


def parse(url: str) -> DiskLocation | S3Location:
    """`LocationError` says what is wrong, without repeating what may be a secret."""
    try:
        parts = urlsplit(url)
        has_login = "@" in parts.netloc
    except ValueError as error:
        raise LocationError("It is not a URL.") from error
    if has_login:
        raise LocationError(
            "It holds credentials; give them by SYMPHONY_S3_ACCESS_KEY_ID and SYMPHONY_S3_SECRET_ACCESS_KEY instead."
        )
    if parts.fragment:
        raise LocationError("It has a fragment (#…), which means nothing here.")
    if parts.scheme == "file":
        return _disk(parts.netloc, parts.path, parts.query)
    if parts.scheme == "s3":
        return _s3(parts.netloc, unquote(parts.path), parts.query)
    raise LocationError("It begins with neither file:/// nor s3://.")


def _disk(host: str, path: str, query: str) -> DiskLocation:
    folder = Path(unquote(path))
    if host or query or not folder.is_absolute() or "\0" in str(folder) or ".." in folder.parts:
        raise LocationError("A folder is named like this: file:///var/lib/symphony/artifacts.")
    return DiskLocation(folder)


def _s3(bucket: str, path: str, query: str) -> S3Location:
    if not _BUCKET.fullmatch(bucket):
        raise LocationError("A bucket's name has 3 to 63 small letters, digits, dots and hyphens.")
    prefix = path.strip("/")
    if prefix and (not _PREFIX.fullmatch(prefix) or {".", ".."} & set(prefix.split("/"))):
        raise LocationError("The prefix may hold letters, digits and !_.*'()=-, in parts between single slashes.")
    try:
        given = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query), max_num_fields=10)
    except ValueError as error:
        raise LocationError("What follows the ? cannot be read.") from error
    options = dict(given)
    unknown = options.keys() - {"endpoint", "region", "style"}
    if unknown or len(options) < len(given):
        raise LocationError("After the ? may stand endpoint, region and style, each once.")
    style = options.get("style", "auto")
    if style not in STYLES:
        raise LocationError(f"style is one of {', '.join(STYLES)}.")
    region = options.get("region")
    if region is not None and not _REGION.fullmatch(region):
        raise LocationError("region is a name such as eu-central-1.")
    return S3Location(bucket, prefix, _endpoint(options.get("endpoint")), region, style)


def _endpoint(endpoint: str | None) -> str | None:
    if endpoint is None:
        return None
    try:
        parts = urlsplit(endpoint)
        whole = parts.scheme in ("http", "https") and parts.hostname and (parts.port or 1) and "@" not in parts.netloc
    except ValueError:
        whole = False
    if not whole or parts.path.strip("/") or parts.query or parts.fragment:
        raise LocationError("endpoint is a URL such as http://127.0.0.1:9000, without a path or credentials.")
    return f"{parts.scheme}://{parts.netloc}"
