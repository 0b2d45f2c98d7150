"""Bytes in a bucket of an S3 service, by boto3: Amazon's, MinIO, Ceph, Garage and the like.

Imported only by who keeps bytes there: boto3 takes a third of a second and 25 MB.
"""

from __future__ import annotations

import hashlib
import os
import threading
from base64 import b64encode
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, BinaryIO, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from apps.executions.blobs.addresses import Key
from apps.executions.blobs.envelope import CHUNK
from apps.executions.blobs.locations import S3Location
from apps.executions.blobs.port import Stored
from apps.executions.blobs.s3_answers import BROKEN, NO_CONDITION, TAKEN, code_of, is_missing, unavailable
from apps.executions.errors import BlobMissing, StoreUnavailable

PART: Final = 8 << 20
"""More than this goes in parts of this size; the largest object has 10,000 of them."""
_MOST_PARTS: Final = 10_000
_AT_ONCE: Final = 1000
_DAMAGED: Final = "damaged/"


@dataclass(frozen=True, slots=True)
class Credentials:
    """Without a key, boto3 looks where it always does: environment, shared file, the machine's role."""

    access_key_id: str | None = field(default=None, repr=False)
    secret_access_key: str | None = field(default=None, repr=False)


class S3:
    """One bucket, below a prefix. `timeout` is in seconds, for a connection and for each wait for bytes; `attempts` counts
    the first one."""

    def __init__(
        self, location: S3Location, credentials: Credentials, *, timeout: float = 20.0, attempts: int = 4
    ) -> None:
        self._location = location
        self._credentials = credentials
        self._timeout = timeout
        self._attempts = attempts
        self._lock = threading.Lock()
        self._client_of: tuple[int, Any] = (0, None)

    def __repr__(self) -> str:
        return f"S3({self.url!r})"

    @property
    def url(self) -> str:
        return self._location.url

    def put(self, key: Key, body: BinaryIO, size: int) -> bool:
        if size <= PART:
            data = body.read(size + 1)
            if len(data) != size:
                raise StoreUnavailable(f"{size} bytes were to be stored, {len(data)} came.")
            return self._create("put_object", key, Body=data, ContentLength=size, ChecksumSHA256=_checksum(data))
        if self.stat(key) is not None:
            return False
        return self._put_in_parts(key, body, size)

    def get(self, key: Key) -> Iterator[bytes]:
        answer = self._call("get_object", key, Key=self._name(key))
        return self._pieces(key, answer)

    def stat(self, key: Key) -> Stored | None:
        try:
            answer = self._call("head_object", key, Key=self._name(key))
        except BlobMissing:
            return None
        return Stored(key, answer["ContentLength"], answer["LastModified"])

    def discard(self, keys: Sequence[Key]) -> None:
        remaining = iter(keys)
        while names := [{"Key": self._name(key)} for key in islice(remaining, _AT_ONCE)]:
            answer = self._call("delete_objects", None, Delete={"Objects": names, "Quiet": True})
            if answer.get("Errors"):
                raise unavailable("DeleteObjects", str(answer["Errors"][0].get("Code")))

    def set_aside(self, key: Key) -> None:
        source = {"Bucket": self._location.bucket, "Key": self._name(key)}
        try:
            self._call("copy_object", key, Key=self._prefixed(_DAMAGED + key.path), CopySource=source)
        except BlobMissing:
            return
        self.discard([key])

    def listing(self, organization: str | None = None) -> Iterator[Stored]:
        root = self._prefixed("")
        for item in self._objects(root + (f"{organization}/" if organization else "")):
            key = Key.of_path(item["Key"].removeprefix(root))
            if key is not None:
                yield Stored(key, item["Size"], item["LastModified"])

    def leftovers(self, before: datetime) -> Iterator[str]:
        """Uploads in parts that nobody has completed."""
        marker: dict[str, str] = {}
        while True:
            page = self._call("list_multipart_uploads", None, Prefix=self._prefixed(""), **marker)
            for upload in page.get("Uploads", ()):
                if upload["Initiated"] < before:
                    self._abort(upload["Key"], upload["UploadId"])
                    yield f"{upload['Key']} ({upload['UploadId']})"
            if not page.get("IsTruncated"):
                return
            marker = {"KeyMarker": page["NextKeyMarker"], "UploadIdMarker": page["NextUploadIdMarker"]}

    def _objects(self, prefix: str) -> Iterator[dict[str, Any]]:
        token: dict[str, str] = {}
        while True:
            page = self._call("list_objects_v2", None, Prefix=prefix, **token)
            yield from page.get("Contents", ())
            if not page.get("IsTruncated"):
                return
            token = {"ContinuationToken": page["NextContinuationToken"]}

    def _put_in_parts(self, key: Key, body: BinaryIO, size: int) -> bool:
        """The service checks each part as it comes, and shows none before it has all."""
        name = self._name(key)
        begun = self._call("create_multipart_upload", key, Key=name, ChecksumAlgorithm="SHA256")
        upload = {"Key": name, "UploadId": begun["UploadId"]}
        try:
            parts = self._send_parts(key, upload, body, size)
            new = self._create(
                "complete_multipart_upload", key, MultipartUpload={"Parts": parts}, UploadId=upload["UploadId"]
            )
        except BaseException:
            self._abort(**upload)
            raise
        if not new:
            self._abort(**upload)
        return new

    def _send_parts(self, key: Key, upload: dict[str, str], body: BinaryIO, size: int) -> list[dict[str, Any]]:
        part_size = max(PART, -(-size // _MOST_PARTS))
        parts: list[dict[str, Any]] = []
        sent = 0
        while data := body.read(part_size):
            number, checksum = len(parts) + 1, _checksum(data)
            answer = self._call("upload_part", key, **upload, PartNumber=number, Body=data, ChecksumSHA256=checksum)
            parts.append({"PartNumber": number, "ETag": answer["ETag"], "ChecksumSHA256": checksum})
            sent += len(data)
        if sent != size:
            raise StoreUnavailable(f"{size} bytes were to be stored, {sent} came.")
        return parts

    def _abort(self, Key: str, UploadId: str) -> None:  # noqa: N803 - boto's names
        """Whether it works does not matter: `leftovers` finds what is left."""
        try:
            self._call("abort_multipart_upload", None, Key=Key, UploadId=UploadId)
        except (StoreUnavailable, BlobMissing):
            return

    def _create(self, operation: str, key: Key, **more: Any) -> bool:
        """Make an object that must not be there yet; False when it is. Services that know no such condition are asked
        before: the same name always means the same bytes."""
        name = self._name(key)
        call = getattr(self._client(), operation)
        for attempt in range(self._attempts):
            try:
                call(Bucket=self._location.bucket, Key=name, IfNoneMatch="*", **more)
            except ClientError as error:
                code = code_of(error)
                if code in TAKEN:
                    return False
                if code in NO_CONDITION:
                    break
                if code not in BROKEN or attempt + 1 == self._attempts:
                    raise unavailable(error.operation_name, code) from error
            except BotoCoreError as error:
                raise unavailable(operation, type(error).__name__) from error
            else:
                return True
        if self.stat(key) is not None:
            return False
        self._call(operation, key, Key=name, **more)
        return True

    def _pieces(self, key: Key, answer: dict[str, Any]) -> Iterator[bytes]:
        """A body that breaks off is asked for again from there on, as long as each time something more of it comes."""
        etag, size, position = answer["ETag"], answer["ContentLength"], 0
        failures = 0
        while True:
            body = answer["Body"]
            try:
                while position < size and (piece := body.read(min(CHUNK, size - position))):
                    position += len(piece)
                    failures = 0
                    yield piece
                if position >= size:
                    return
                reason = "TruncatedBody"
            except BotoCoreError as error:
                reason = type(error).__name__
            finally:
                body.close()
            failures += 1
            if failures >= self._attempts:
                raise unavailable("GetObject", reason)
            answer = self._call("get_object", key, Key=self._name(key), Range=f"bytes={position}-", IfMatch=etag)

    def _call(self, operation: str, key: Key | None, **parameters: Any) -> Any:
        method: Callable[..., Any] = getattr(self._client(), operation)
        try:
            return method(Bucket=self._location.bucket, **parameters)
        except ClientError as error:
            if key is not None and is_missing(error):
                raise BlobMissing(f"No bytes are stored at {key.sha256}.") from error
            raise unavailable(error.operation_name, code_of(error)) from error
        except BotoCoreError as error:
            raise unavailable(operation, type(error).__name__) from error

    def _name(self, key: Key) -> str:
        return self._prefixed(key.path)

    def _prefixed(self, path: str) -> str:
        return f"{self._location.prefix}/{path}" if self._location.prefix else path

    def _client(self) -> Any:
        """One for all threads of this process; its connections must not be shared with a process it forks."""
        process, client = self._client_of
        if process == os.getpid():
            return client
        with self._lock:
            process, client = self._client_of
            if process != os.getpid():
                client = self._new_client()
                self._client_of = (os.getpid(), client)
        return client

    def _new_client(self) -> Any:
        return boto3.session.Session().client(
            "s3",
            endpoint_url=self._location.endpoint,
            region_name=self._location.region,
            aws_access_key_id=self._credentials.access_key_id,
            aws_secret_access_key=self._credentials.secret_access_key,
            config=Config(
                signature_version="s3v4",
                connect_timeout=self._timeout,
                read_timeout=self._timeout,
                retries={"mode": "standard", "total_max_attempts": self._attempts},
                max_pool_connections=64,
                s3={"addressing_style": self._location.style},
                # Each request that needs a checksum is given one here; addresses are checked by whoever reads.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )


def _checksum(data: bytes) -> str:
    return b64encode(hashlib.sha256(data).digest()).decode()
