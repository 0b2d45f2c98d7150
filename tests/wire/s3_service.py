"""A small S3 service on a free port of this machine: what the store asks of one, checked as strictly as Amazon's does, and
faults on demand."""

from __future__ import annotations

import hashlib
import re
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

ACCESS_KEY, SECRET_KEY = "AKIDEXAMPLE", "a-secret-that-is-in-no-log"
BUCKET = "symphony-tests"


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with the next request of a method: a `status` with a `code`, a body that is `cut` after so many bytes,
    one with a byte `flipped`, or an answer that `hangs` until the client gives up. `after` the request was carried out, or
    instead of it."""

    status: int = 0
    code: str = ""
    cut: int | None = None
    flipped: bool = False
    hangs: bool = False
    after: bool = False


@dataclass(slots=True)
class Stored:
    data: bytes
    modified_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def etag(self) -> str:
        return f'"{hashlib.md5(self.data, usedforsecurity=False).hexdigest()}"'


class S3Service:
    """`objects` by key; `asked` are (method, path with query) of every request. `conditions` False: a service that does not
    know `If-None-Match`."""

    def __init__(self) -> None:
        self.objects: dict[str, Stored] = {}
        self.uploads: dict[str, tuple[str, datetime, dict[int, bytes]]] = {}
        self.asked: list[tuple[str, str]] = []
        self.conditions = True
        self.page = 1000
        self.faults: dict[str, list[Fault]] = {}
        self.lock = threading.RLock()
        self.closing = threading.Event()
        self._http = _Http(self)
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def url(self, prefix: str = "bytes") -> str:
        return f"s3://{BUCKET}/{prefix}?endpoint={self.endpoint}&region=eu-central-1&style=path"

    def fail(self, method: str, *faults: Fault) -> None:
        with self.lock:
            self.faults[method] = list(faults)

    def next_fault(self, method: str, path: str) -> Fault | None:
        with self.lock:
            self.asked.append((method, path))
            waiting = self.faults.get(method)
            return waiting.pop(0) if waiting else None

    def close(self) -> None:
        self.closing.set()
        self._http.shutdown()
        self._http.server_close()
        self._thread.join(5)


@contextmanager
def s3_service() -> Iterator[S3Service]:
    service = S3Service()
    try:
        yield service
    finally:
        service.close()


class _Http(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256
    block_on_close = False

    def __init__(self, owner: S3Service) -> None:
        self.owner = owner
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away are part of the tests."""


class Refused(Exception):
    def __init__(self, status: int, code: str) -> None:
        super().__init__(code)
        self.status, self.code = status, code


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Http

    def log_message(self, *args: Any) -> None:
        """Silence."""

    def do_GET(self) -> None:
        self._handle(self._get)

    def do_HEAD(self) -> None:
        self._handle(self._head)

    def do_PUT(self) -> None:
        self._handle(self._put)

    def do_POST(self) -> None:
        self._handle(self._post)

    def do_DELETE(self) -> None:
        self._handle(self._delete)

    def _handle(self, answer: Any) -> None:
        owner = self.server.owner
        parts = urlsplit(self.path)
        self.query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        _, bucket, *rest = unquote(parts.path).split("/", 2)
        self.key = rest[0] if rest else ""
        self.body = self.rfile.read(int(self.headers.get("content-length", 0)))
        fault = owner.next_fault(self.command, self.path)
        self.fault = fault
        try:
            if fault is not None and not fault.after:
                self._fail(fault)
            self._check_request(bucket)
            with owner.lock:
                status, headers, body = answer()
            if fault is not None and fault.after:
                self._fail(fault)
        except Refused as refusal:
            body = f"<Error><Code>{refusal.code}</Code><Message>{SECRET_KEY}</Message></Error>".encode()
            status, headers = refusal.status, {}
        except ConnectionAbortedError:
            self.close_connection = True
            return
        self._answer(status, headers, body)

    def _fail(self, fault: Fault) -> None:
        if fault.hangs:
            self.server.owner.closing.wait(30)
            raise ConnectionAbortedError
        if fault.status:
            raise Refused(fault.status, fault.code)

    def _check_request(self, bucket: str) -> None:
        if bucket != BUCKET:
            raise Refused(404, "NoSuchBucket")
        if not re.match(
            rf"AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/\d+/eu-central-1/s3/", self.headers.get("authorization", "")
        ):
            raise Refused(403, "InvalidAccessKeyId")
        if self.headers.get("x-amz-content-sha256") not in ("UNSIGNED-PAYLOAD", hashlib.sha256(self.body).hexdigest()):
            raise Refused(400, "XAmzContentSHA256Mismatch")
        checksum = self.headers.get("x-amz-checksum-sha256")
        if checksum and checksum != b64encode(hashlib.sha256(self.body).digest()).decode():
            raise Refused(400, "BadDigest")

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        sent = body
        if self.fault is not None and self.command == "GET" and status < 300:
            if self.fault.flipped and body:
                sent = bytes([body[0] ^ 1]) + body[1:]
            if self.fault.cut is not None:
                sent = body[: self.fault.cut]
                self.close_connection = True
        self.send_response(status)
        for name, value in {"content-length": str(len(body)), "content-type": "application/xml", **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD" and status not in (204, 304):
            self.wfile.write(sent)

    def _found(self) -> Stored:
        found = self.server.owner.objects.get(self.key)
        if found is None:
            raise Refused(404, "NoSuchKey")
        return found

    def _head(self) -> tuple[int, dict[str, str], bytes]:
        found = self._found()
        modified = found.modified_at.strftime("%a, %d %b %Y %H:%M:%S GMT")
        return 200, {"content-length": str(len(found.data)), "etag": found.etag, "last-modified": modified}, b""

    def _get(self) -> tuple[int, dict[str, str], bytes]:
        if "list-type" in self.query:
            return self._list()
        if "uploads" in self.query:
            return self._list_uploads()
        found = self._found()
        if self.headers.get("if-match", found.etag) != found.etag:
            raise Refused(412, "PreconditionFailed")
        part = re.fullmatch(r"bytes=(\d+)-", self.headers.get("range", ""))
        data = found.data[int(part[1]) :] if part else found.data
        return 206 if part else 200, {"etag": found.etag, "content-type": "binary/octet-stream"}, data

    def _put(self) -> tuple[int, dict[str, str], bytes]:
        owner = self.server.owner
        if "partNumber" in self.query:
            _, _, parts = self._upload()
            parts[int(self.query["partNumber"])] = self.body
            return 200, {"etag": Stored(self.body).etag}, b""
        source = self.headers.get("x-amz-copy-source")
        if source is None:
            self._require_absence()
            owner.objects[self.key] = Stored(self.body)
            return 200, {"etag": Stored(self.body).etag}, b""
        self.key, target = unquote(source).removeprefix("/").partition("/")[2], self.key
        owner.objects[target] = Stored(self._found().data)
        return 200, {}, b"<CopyObjectResult><ETag>x</ETag></CopyObjectResult>"

    def _require_absence(self) -> None:
        owner = self.server.owner
        if self.headers.get("if-none-match") != "*":
            return
        if not owner.conditions:
            raise Refused(501, "NotImplemented")
        if self.key in owner.objects:
            raise Refused(412, "PreconditionFailed")

    def _upload(self) -> tuple[str, datetime, dict[int, bytes]]:
        found = self.server.owner.uploads.get(self.query["uploadId"])
        if found is None or found[0] != self.key:
            raise Refused(404, "NoSuchUpload")
        return found

    def _post(self) -> tuple[int, dict[str, str], bytes]:
        owner = self.server.owner
        if "delete" in self.query:
            for element in ET.fromstring(self.body).iter():
                if element.tag.endswith("Key"):
                    owner.objects.pop(element.text or "", None)
            return 200, {}, b"<DeleteResult/>"
        if "uploads" in self.query:
            identifier = f"upload-{len(owner.asked)}"
            owner.uploads[identifier] = (self.key, datetime.now(UTC), {})
            name = f"<UploadId>{identifier}</UploadId>"
            return 200, {}, f"<InitiateMultipartUploadResult>{name}</InitiateMultipartUploadResult>".encode()
        _, _, parts = self._upload()
        self._require_absence()
        self._check_parts(parts)
        owner.objects[self.key] = Stored(b"".join(parts[number] for number in sorted(parts)))
        del owner.uploads[self.query["uploadId"]]
        return 200, {}, b"<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>"

    def _check_parts(self, parts: dict[int, bytes]) -> None:
        named = re.findall(rb"<Part>(.*?)</Part>", self.body, re.DOTALL)
        if len(named) != len(parts):
            raise Refused(400, "InvalidPart")
        for number, text in enumerate(named, start=1):
            if b64encode(hashlib.sha256(parts[number]).digest()) not in text:
                raise Refused(400, "InvalidPart")

    def _delete(self) -> tuple[int, dict[str, str], bytes]:
        if "uploadId" in self.query:
            self._upload()
            del self.server.owner.uploads[self.query["uploadId"]]
        else:
            self.server.owner.objects.pop(self.key, None)
        return 204, {}, b""

    def _list(self) -> tuple[int, dict[str, str], bytes]:
        owner = self.server.owner
        after = self.query.get("continuation-token", "")
        names = sorted(name for name in owner.objects if name.startswith(self.query.get("prefix", "")) and name > after)
        shown = names[: owner.page]
        items = "".join(
            f"<Contents><Key>{escape(name)}</Key><Size>{len(owner.objects[name].data)}</Size>"
            f"<LastModified>{owner.objects[name].modified_at.isoformat()}</LastModified></Contents>"
            for name in shown
        )
        more = len(names) > len(shown)
        token = f"<NextContinuationToken>{escape(shown[-1])}</NextContinuationToken>" if more else ""
        told = f"<IsTruncated>{str(more).lower()}</IsTruncated>{token}"
        return 200, {}, f"<ListBucketResult>{told}{items}</ListBucketResult>".encode()

    def _list_uploads(self) -> tuple[int, dict[str, str], bytes]:
        items = "".join(
            f"<Upload><Key>{escape(key)}</Key><UploadId>{identifier}</UploadId><Initiated>{begun.isoformat()}</Initiated></Upload>"
            for identifier, (key, begun, _) in self.server.owner.uploads.items()
        )
        return (
            200,
            {},
            f"<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>{items}</ListMultipartUploadsResult>".encode(),
        )
