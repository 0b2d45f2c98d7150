"""http: what is sent, what comes back, what is recorded, and what is tried again."""

from __future__ import annotations

import base64
import datetime as dt
import gzip
import ipaddress
import json
import ssl
import threading
from collections.abc import Iterator
from email.utils import format_datetime
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pytest_django import Settings

from apps.melodies.definition.expressions import Scope
from tests.unit.steps.engine_side import MemoryEngine
from tests.unit.steps.local_server import Asked, LocalServer, Said, serving
from workers.contract import StepCancelled, StepContext, StepFailed, TimedOut, Workflow, runnable
from workers.steps.web.addresses import Reach
from workers.steps.web.calling import Caller
from workers.steps.web.fields import Http
from workers.steps.web.secrets import Secrets
from workers.steps.web.transport import GuardedTransport

SECRET = "s3cr3t/value+x"


def speak(asked: Asked) -> Said:
    url = urlsplit(asked.path)
    query = {name: values[-1] for name, values in parse_qs(url.query, keep_blank_values=True).items()}
    if url.path == "/echo":
        told = {
            "method": asked.method,
            "headers": asked.headers,
            "query": parse_qs(url.query),
            "body": asked.body.decode(),
        }
        return Said(body=json.dumps(told).encode(), headers={"Content-Type": "application/json"})
    headers = {"Content-Type": query.get("type", "text/plain")}
    if "after" in query:
        headers["Retry-After"] = query["after"]
    if url.path.endswith(".png"):
        return Said(200, b"\xff\xd8\x00\x01", {"Content-Type": "image/png"})
    if url.path == "/many":
        return Said(200, b"a-" + b"ba+2AA-\\ud800" * 40_000, headers)
    if url.path == "/gzip":
        return Said(200, gzip.compress(b"a" * 2_000_000), {**headers, "Content-Encoding": query.get("as", "gzip")})
    return Said(int(query.get("status", "200")), query.get("body", "hello").encode("latin-1"), headers)


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with serving(speak) as ready:
        yield ready


@pytest.fixture(autouse=True)
def engine(context: StepContext, settings: Settings) -> MemoryEngine:
    settings.SYMPHONY_HTTP_ALLOW_PRIVATE = ["127.0.0.1"]
    context.engine = MemoryEngine(secrets={"KEY": SECRET})
    return context.engine


class TestWhatIsSent:
    def test_a_question(self, run: Any, context: StepContext, server: LocalServer, engine: MemoryEngine) -> None:
        context.scope = Scope(inputs={"who": "Clara"})
        found = run(
            "http", url=server.url("/echo?a=1"), query={"q": "{{inputs.who}}", "n": [1, 2], "none": None},
            headers={"X-Who": "{{inputs.who}}", "X-N": 3},
        )  # fmt: skip
        asked = found["body"]
        assert (asked["method"], asked["query"]) == ("GET", {"a": ["1"], "q": ["Clara"], "n": ["1", "2"]})
        assert (asked["headers"]["x-who"], asked["headers"]["x-n"]) == ("Clara", "3")
        assert (found["status"], found["content_type"], found["redirects"]) == (200, "application/json", 0)
        assert asked["headers"]["user-agent"] == "symphony"
        assert engine.releases == 1
        ((kind, told),) = context.events
        assert (kind, told["method"], told["status"]) == ("http_called", "GET", 200)

    @pytest.mark.parametrize(
        ("params", "body", "content_type"),
        [
            ({"json": {"a": [1, "ä"]}}, '{"a":[1,"ä"]}', "application/json"),
            ({"body": "plain"}, "plain", None),
            ({"body": {"a": 1}}, '{"a":1}', "application/json"),
            ({"form": {"a": "1 2", "b": ["x", "y"]}}, "a=1+2&b=x&b=y", "application/x-www-form-urlencoded"),
            ({}, "", None),
        ],
    )
    def test_bodies(
        self, run: Any, server: LocalServer, params: dict[str, Any], body: str, content_type: str | None
    ) -> None:
        asked = run("http", url=server.url("/echo"), method="post", **params)["body"]
        assert (asked["method"], asked["body"], asked["headers"].get("content-type")) == ("POST", body, content_type)

    def test_the_same_key_in_each_attempt(self, run: Any, server: LocalServer) -> None:
        def key(**more: Any) -> str | None:
            found: str | None = run("http", url=server.url("/echo"), **more)["body"]["headers"].get("idempotency-key")
            return found

        assert key(method="POST") == key(method="PATCH") == "t1"
        assert key(method="POST", idempotency_key="order-7") == "order-7"
        assert key(method="POST", idempotency_key=False) is None
        assert key() is None

    @pytest.mark.parametrize(
        ("params", "message"),
        [
            ({"json": 1, "body": "x"}, "json and body"),
            ({"headers": {"Host": "x"}}, "set by the call itself"),
            ({"headers": {"a b": "x"}}, "cannot name a header"),
            ({"secret_headers": {"X": "{{inputs.x}}"}}, "no other template"),
            ({"auth": {"type": "bearer", "token": "{{steps.a}}"}}, "no other template"),
            ({"auth": {"type": "bearer"}}, "`token` is missing"),
            ({"auth": {"type": "basic", "username": "a"}}, "`username` and `password`"),
            ({"method": "BREW"}, "method"),
            ({"expect_status": "ok"}, "is no status"),
            ({"max_response_bytes": 0}, "max_response_bytes"),
        ],
    )
    def test_refused(self, params: dict[str, Any], message: str) -> None:
        with pytest.raises(ValueError, match=message):
            runnable("http").kind.params.model_validate({"url": "http://x", **params})

    def test_a_header_cannot_smuggle_another(self, run: Any, server: LocalServer) -> None:
        before = len(server.asked)
        with pytest.raises(StepFailed) as caught:
            run("http", url=server.url(), headers={"X": "a\r\nX-Evil: 1"})
        assert caught.value.code == "bad_request"
        assert len(server.asked) == before


class TestSecrets:
    def test_sent_and_recorded_nowhere(self, run: Any, context: StepContext, server: LocalServer) -> None:
        found = run(
            "http", url=server.url("/echo"), secret_headers={"X-Key": "key {{ secrets.KEY }}"},
            secret_query={"token": "{{secrets.KEY}}"}, auth={"type": "bearer", "token": "{{secrets.KEY}}"},
        )  # fmt: skip
        asked = server.asked[-1]
        assert (asked.headers["x-key"], asked.headers["authorization"]) == (f"key {SECRET}", f"Bearer {SECRET}")
        assert parse_qs(urlsplit(asked.path).query) == {"token": [SECRET]}
        told = json.dumps([found, context.events])
        assert SECRET not in told
        assert found["body"]["headers"]["x-key"] == "key ***"
        assert found["url"] == server.url("/echo")

    def test_basic(self, run: Any, server: LocalServer) -> None:
        auth = {"type": "basic", "username": "clara", "password": "{{secrets.KEY}}"}
        found = run("http", url=server.url("/echo"), auth=auth)
        pair = base64.b64encode(f"clara:{SECRET}".encode()).decode()
        assert server.asked[-1].headers["authorization"] == f"Basic {pair}"
        assert pair not in json.dumps(found)

    def test_nor_in_an_error(self, run: Any, server: LocalServer) -> None:
        with pytest.raises(StepFailed) as caught:
            run(
                "http",
                url=server.url(f"/?status=400&body={SECRET.replace('+', '%2B')}"),
                secret_headers={"X": "{{secrets.KEY}}"},
            )
        assert SECRET not in f"{caught.value} {caught.value.details}"
        assert "answered 400: ***" in str(caught.value)

    @pytest.mark.parametrize("secret", ["nul\0xyz", "both\"it's\n", "pässwörd\n", "tone🎵"])
    @pytest.mark.parametrize(
        "fields",
        [{"secret_headers": {"X-Key": "{{secrets.ODD}}"}}, {"auth": {"type": "bearer", "token": "{{secrets.ODD}}"}}],
    )
    def test_nor_when_it_cannot_be_sent(
        self, run: Any, engine: MemoryEngine, server: LocalServer, secret: str, fields: dict[str, Any]
    ) -> None:
        engine.secrets["ODD"] = secret
        with pytest.raises(StepFailed, match="cannot be sent") as failed:
            run("http", url=server.url("/echo"), **fields)
        assert not any(part in str(failed.value) for part in ("xyz", "both", "ssw", "xe4", "tone", "1f3b5"))

    def test_nor_in_the_log(self, run: Any, server: LocalServer, caplog: pytest.LogCaptureFixture) -> None:
        run("http", url=server.url("/echo"), secret_query={"key": "{{secrets.KEY}}"})
        assert not [record for record in caplog.records if "s3cr3t" in record.getMessage()]

    def test_one_that_is_missing(self, run: Any, server: LocalServer) -> None:
        before = len(server.asked)
        with pytest.raises(StepFailed, match="There is no secret NOBODY") as caught:
            run("http", url=server.url(), secret_headers={"X": "{{secrets.NOBODY}}"})
        assert (caught.value.code, caught.value.final, len(server.asked)) == ("secret_missing", True, before)


class TestWhatComesBack:
    @pytest.mark.parametrize(
        ("query", "form", "body"),
        [
            ("type=text/plain&body=5", "auto", "5"),
            ("type=application/json&body=5", "auto", 5),
            ("type=application/problem%2Bjson&body=%7B%7D", "auto", {}),
            ("type=application/json&body=oops", "auto", "oops"),
            ("type=text/plain&body=[1]", "json", [1]),
            ("type=application/json&body=[1]", "text", "[1]"),
            ("type=text/plain%3B%20charset=latin-1&body=%C3%A4", "auto", "ä"),
            ("type=text/plain&body=a%00b", "auto", "a\ufffdb"),
            ("type=application/octet-stream&body=", "auto", ""),
        ],
    )
    def test_read_by_type(self, run: Any, server: LocalServer, query: str, form: str, body: Any) -> None:
        assert run("http", url=server.url(f"/?{query}"), response_format=form)["body"] == body

    @pytest.mark.parametrize("charset", ["punycode", "idna", "undefined", "unicode_escape", "utf-7", "hex", "x" * 300])
    def test_a_server_cannot_choose_how_python_decodes(self, run: Any, server: LocalServer, charset: str) -> None:
        url = server.url(f"/many?type=text/plain%3Bcharset={charset}")
        began = monotonic()
        assert run("http", url=url)["body"] == "a-" + "ba+2AA-\\ud800" * 40_000
        assert monotonic() - began < 2

    def test_bytes_become_an_artifact(self, run: Any, context: StepContext, server: LocalServer) -> None:
        found = run("http", url=server.url("/pictures/score.png"))
        assert (found["body"], found["artifact"], found["bytes"]) == (None, "score.png", 4)
        (kept,) = context.files
        assert (kept.name, kept.content_type, kept.data) == ("score.png", "image/png", b"\xff\xd8\x00\x01")
        named = run("http", url=server.url("/..%2f?type=text/plain"), response_format="bytes", artifact_name="../a b")
        assert named["artifact"] == "a_b"

    def test_not_json(self, run: Any, server: LocalServer) -> None:
        with pytest.raises(StepFailed, match="not JSON: 'hello'"):
            run("http", url=server.url(), response_format="json")

    @pytest.mark.parametrize("path", ["/?body=" + "x" * 60, "/gzip"])
    def test_too_long(self, run: Any, server: LocalServer, path: str) -> None:
        with pytest.raises(StepFailed, match="longer than 50 bytes") as caught:
            run("http", url=server.url(path), max_response_bytes=50)
        assert caught.value.code == "answer_too_long"

    def test_compressed_once_at_most(self, run: Any, server: LocalServer) -> None:
        assert run("http", url=server.url("/gzip"))["bytes"] == 2_000_000
        with pytest.raises(StepFailed, match="compressed more than once"):
            run("http", url=server.url("/gzip?as=gzip,gzip"))

    def test_head(self, run: Any, server: LocalServer) -> None:
        found = run("http", url=server.url(), method="HEAD")
        assert (found["bytes"], found["headers"]["content-length"]) == (0, "5")

    @pytest.mark.parametrize(
        ("status", "expected", "fits"),
        [(204, None, True), (404, None, False), (404, 404, True), (404, ["2xx", "404"], True), (200, 404, False),
         (503, "5xx", True), (500, ["4XX"], False)],
    )  # fmt: skip
    def test_statuses(self, run: Any, server: LocalServer, status: int, expected: Any, *, fits: bool) -> None:
        params = {"url": server.url(f"/?status={status}&body="), "expect_status": expected}
        if fits:
            assert run("http", **params)["status"] == status
        else:
            with pytest.raises(StepFailed, match=f"answered {status}") as caught:
                run("http", **params)
            assert caught.value.details["status"] == status


class TestAgain:
    @pytest.mark.parametrize(
        ("method", "status", "code", "transient", "more"),
        [
            ("GET", 500, "api_error", True, {}),
            ("PUT", 502, "api_error", True, {}),
            ("POST", 500, "api_error", False, {}),
            ("POST", 500, "api_error", True, {"retry_non_idempotent": True}),
            ("POST", 429, "rate_limit", True, {}),
            ("GET", 503, "overloaded", True, {}),
            ("GET", 401, "auth", False, {}),
            ("GET", 404, "bad_request", False, {}),
        ],
    )
    def test_what_may_pass(
        self,
        run: Any,
        server: LocalServer,
        method: str,
        status: int,
        code: str,
        *,
        transient: bool,
        more: dict[str, Any],
    ) -> None:
        with pytest.raises(StepFailed) as caught:
            run("http", url=server.url(f"/?status={status}"), method=method, **more)
        assert (caught.value.code, caught.value.transient, caught.value.final) == (code, transient, False)

    @pytest.mark.parametrize(
        ("after", "seconds"),
        [("7", 7), ("999999", 3600), ("soon", None), ("-3", None), ("Wed, 21 Oct 2015 07:28:00 GMT", 0)],
    )
    def test_not_before(self, run: Any, server: LocalServer, after: str, seconds: float | None) -> None:
        with pytest.raises(StepFailed) as caught:
            run("http", url=server.url("/"), query={"status": 429, "after": after})
        assert caught.value.retry_after == seconds

    def test_not_before_a_moment(self, run: Any, server: LocalServer) -> None:
        moment = format_datetime(dt.datetime.now(dt.UTC) + dt.timedelta(seconds=90), usegmt=True)
        with pytest.raises(StepFailed) as caught:
            run("http", url=server.url("/"), query={"status": 503, "after": moment})
        assert caught.value.retry_after is not None
        assert 80 < caught.value.retry_after <= 90

    def test_nobody_listens(self, run: Any, server: LocalServer) -> None:
        with serving(speak) as gone:
            url = gone.url()
        with pytest.raises(StepFailed, match=r"No connection to 127\.0\.0\.1") as caught:
            run("http", url=url, method="POST")
        assert (caught.value.code, caught.value.transient) == ("connection_failed", True)

    def test_silence_ends_with_the_steps_timeout(self, run: Any, context: StepContext) -> None:
        with serving(speak) as silent:
            context.deadline = monotonic() + 0.2
            with pytest.raises(TimedOut):
                run("http", url=silent.url("/silent"))

    def test_a_cancelled_step_calls_nobody(self, run: Any, context: StepContext, server: LocalServer) -> None:
        before = len(server.asked)
        context.cancelled = threading.Event()
        context.cancelled.set()
        with pytest.raises(StepCancelled):
            run("http", url=server.url())
        assert len(server.asked) == before

    def test_a_limit_of_the_document(
        self, run: Any, context: StepContext, server: LocalServer, engine: MemoryEngine
    ) -> None:
        context.workflow = Workflow(fields={"resource_limits": {"max_network_requests": 2}})
        engine.started = 2
        assert run("http", url=server.url())["status"] == 200
        engine.started = 3
        with pytest.raises(StepFailed, match="max_network_requests") as caught:
            run("http", url=server.url())
        assert caught.value.code == "too_many_network_requests"


def certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A certificate that proves a name, and its key; both PEM."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    paths = folder / f"{name}.crt", folder / f"{name}.key"
    paths[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    paths[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return paths


def test_tls_proves_the_name_though_the_connection_goes_to_an_address(context: StepContext, tmp_path: Path) -> None:
    chain, key = certificate(tmp_path, "music.example")
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(chain, key)
    ours = ssl.create_default_context(cafile=str(chain))
    reach = Reach(networks=(ipaddress.ip_network("127.0.0.1"),))

    def call(host: str) -> Any:
        params = Http.model_validate({"url": server.url(host=host, scheme="https")})
        secrets = Secrets(lambda name: None)
        return Caller(
            params,
            context,
            reach,
            secrets,
            lambda reach: GuardedTransport(reach, resolve=lambda name, port: ["127.0.0.1"], tls=ours),
        ).call()

    with serving(speak, tls=theirs) as server:
        assert call("music.example").data == b"hello"
        with pytest.raises(StepFailed, match="certificate verify failed") as caught:
            call("noise.example")
        assert caught.value.code == "connection_failed"


def test_addresses_are_networks_of_one() -> None:
    assert Reach.of(["127.0.0.1"], {}).networks == (ipaddress.ip_network("127.0.0.1/32"),)
