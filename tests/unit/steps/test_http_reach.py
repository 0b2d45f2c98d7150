"""Where http steps may go: addresses, names, redirects, and name servers that change their mind."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from pytest_django import Settings

from tests.unit.steps.engine_side import MemoryEngine
from tests.unit.steps.local_server import Asked, LocalServer, Said, serving
from workers.contract import StepContext, StepFailed, Workflow
from workers.steps.web.addresses import Reach, is_public
from workers.steps.web.calling import Caller
from workers.steps.web.fields import Http
from workers.steps.web.secrets import Secrets
from workers.steps.web.transport import GuardedTransport, system_addresses


def speak(asked: Asked) -> Said:
    if asked.path.startswith("/to/"):
        return Said(302, headers={"Location": asked.path.removeprefix("/to/")})
    return Said(200, b"inside")


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with serving(speak) as ready:
        yield ready


@pytest.fixture(autouse=True)
def engine(context: StepContext) -> None:
    context.engine = MemoryEngine()


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.9.9.9", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1",
        "192.0.2.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "192.88.99.1", "::", "::1", "fe80::1",
        "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1",
        "64:ff9b::7f00:1", "64:ff9b:1::1", "2002:7f00:1::", "2002:a00:1::", "fec0::1", "fe80::1%eth0",
        "2001:0:7f00:1:0:0:80ff:fffe",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "address", ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101"]
)
def test_addresses_that_are(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "127.1", "0", "[::1]", "[::ffff:127.0.0.1]",
     "[::ffff:7f00:1]", "169.254.169.254"],
)  # fmt: skip
def test_private_addresses_are_refused_however_they_are_written(run: Any, server: LocalServer, host: str) -> None:
    before = len(server.asked)
    with pytest.raises(StepFailed, match="private or reserved") as caught:
        run("http", url=server.url("/", host=host))
    assert (caught.value.code, caught.value.final) == ("network_refused", True)
    assert len(server.asked) == before


@pytest.mark.parametrize("host", ["0177.0.0.1", "[::1", "127.0.0.1 ", "a b", "", "\x00", "x" * 300, "ａ．ｂ/..%2f"])
def test_what_is_no_address_is_an_error_of_its_own(run: Any, server: LocalServer, host: str) -> None:
    before = len(server.asked)
    with pytest.raises(StepFailed) as caught:
        run("http", url=server.url("/", host=host))
    assert caught.value.code in ("bad_request", "network_refused", "connection_failed")
    assert len(server.asked) == before


@pytest.mark.parametrize("allowed", ["127.0.0.1", "127.0.0.0/8", "localhost"])
def test_an_operator_may_allow_them(run: Any, server: LocalServer, settings: Settings, allowed: str) -> None:
    settings.SYMPHONY_HTTP_ALLOW_PRIVATE = [allowed]
    host = "localhost" if allowed == "localhost" else "127.0.0.1"
    assert run("http", url=server.url(host=host))["body"] == "inside"
    with pytest.raises(StepFailed, match="private or reserved"):
        run("http", url=server.url(host="127.0.0.1" if allowed == "localhost" else "[::1]"))


def test_the_document_may_forbid_what_the_operator_allows(
    run: Any, server: LocalServer, settings: Settings, context: StepContext
) -> None:
    settings.SYMPHONY_HTTP_ALLOW_PRIVATE = ["127.0.0.1"]
    for safety, message in (
        ({"block_local_network": True}, "private or reserved"),
        ({"allow_network": False}, "allow_network"),
        ({"allowed_domains": ["example.org"]}, "allowed_domains"),
        ({"allowed_domains": []}, "allowed_domains"),
    ):
        context.workflow = Workflow(fields={"safety": safety})
        with pytest.raises(StepFailed, match=message) as caught:
            run("http", url=server.url())
        assert (caught.value.code, caught.value.final) == ("network_refused", True)
    context.workflow = Workflow(fields={"safety": {"allowed_domains": ["127.0.0.1"], "allow_network": True}})
    assert run("http", url=server.url())["status"] == 200


@pytest.mark.parametrize(
    ("host", "fits"),
    [("example.org", True), ("api.example.org", True), ("EXAMPLE.org.", True), ("badexample.org", False),
     ("example.org.evil.net", False), ("b.only.net", True), ("only.net", False)],
)  # fmt: skip
def test_domains(host: str, *, fits: bool) -> None:
    reach = Reach.of([], {"allowed_domains": ["example.org", "*.only.net"]})
    if fits:
        reach.check_host(host)
    else:
        with pytest.raises(StepFailed, match="allowed_domains"):
            reach.check_host(host)


@pytest.mark.parametrize(
    "target",
    ["http://169.254.169.254/latest/meta-data/", "http://[::1]:{port}/", "http://10.0.0.1/", "//169.254.169.254/",
     "http://[::ffff:169.254.169.254]/", "http://user:pass@127.0.0.1:{port}/", "http://localhost:{port}/",
     "file:///etc/passwd", "ftp://127.0.0.1/", "gopher://127.0.0.1:{port}/"],
)  # fmt: skip
def test_redirects_are_checked_anew(run: Any, server: LocalServer, settings: Settings, target: str) -> None:
    settings.SYMPHONY_HTTP_ALLOW_PRIVATE = ["127.0.0.2"]
    target = target.format(port=server.port).replace("//127.0.0.1", "//127.0.0.3")
    before = len(server.asked)
    with (
        serving(lambda asked: Said(302, headers={"Location": target}), host="127.0.0.2") as first,
        pytest.raises(StepFailed) as caught,
    ):
        run("http", url=first.url(host="127.0.0.2"))
    assert caught.value.code == "network_refused"
    assert len(server.asked) == before


def test_a_redirect_to_another_port_is_somebody_else(run: Any, settings: Settings, context: StepContext) -> None:
    settings.SYMPHONY_HTTP_ALLOW_PRIVATE = ["127.0.0.1"]
    context.engine = MemoryEngine(secrets={"KEY": "s3cr3t-value"})
    with serving(lambda asked: Said(200, b"other")) as other:
        with serving(lambda asked: Said(307, headers={"Location": other.url("/x")})) as first:
            found = run(
                "http", url=first.url(), secret_headers={"X-Key": "{{secrets.KEY}}"}, headers={"Cookie": "a=b", "X-Mine": "1"},
                auth={"type": "bearer", "token": "{{secrets.KEY}}"},
            )  # fmt: skip
        assert (found["body"], found["redirects"]) == ("other", 1)
        assert {"x-key", "authorization"} <= set(first.asked[0].headers)
        assert not {"x-key", "authorization", "cookie"} & set(other.asked[0].headers)
        assert other.asked[0].headers["x-mine"] == "1"


def test_redirects_end(run: Any, settings: Settings) -> None:
    settings.SYMPHONY_HTTP_ALLOW_PRIVATE = ["127.0.0.1"]
    with serving(lambda asked: Said(302, headers={"Location": "/again"})) as server:
        with pytest.raises(StepFailed, match="More than 10 redirects") as caught:
            run("http", url=server.url())
        assert (caught.value.code, len(server.asked)) == ("too_many_redirects", 11)
        found = run("http", url=server.url(), follow_redirects=False, expect_status="3xx")
        assert (found["status"], found["headers"]["location"]) == (302, "/again")


class ChangingNames:
    """A name server that answers first with a public address, then with a private one."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self._answers = list(answers)
        self.questions = 0

    def __call__(self, host: str, port: int) -> Sequence[str]:
        self.questions += 1
        return self._answers[min(self.questions, len(self._answers)) - 1]


def call(context: StepContext, names: Any, url: str, reach: Reach) -> Any:
    def transport(reach: Reach) -> GuardedTransport:
        return GuardedTransport(reach, resolve=names)

    params = Http.model_validate({"url": url})
    return Caller(params, context, reach, Secrets(lambda name: None), transport).call()


def test_a_name_is_asked_for_once_and_the_connection_goes_to_that_very_address(
    context: StepContext, server: LocalServer
) -> None:
    names = ChangingNames(["127.0.0.1"], ["10.9.9.9"])
    reach = Reach.of(["127.0.0.1"], {})
    assert call(context, names, server.url(host="rebinding.example"), reach).data == b"inside"
    assert names.questions == 1
    assert server.asked[-1].headers["host"] == f"rebinding.example:{server.port}"
    with pytest.raises(StepFailed, match=r"rebinding\.example leads to 10\.9\.9\.9"):
        call(context, names, server.url(host="rebinding.example"), reach)


def test_of_several_addresses_only_checked_ones_are_tried(context: StepContext, server: LocalServer) -> None:
    answers = ["10.9.9.9", "127.0.0.1"]
    assert (
        call(context, ChangingNames(answers), server.url(host="two.example"), Reach.of(["127.0.0.1"], {})).status == 200
    )


def test_names_nobody_knows(context: StepContext) -> None:
    def unknown(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    def busy(host: str, port: int) -> Sequence[str]:
        raise socket.gaierror(socket.EAI_AGAIN, "try again")

    for names, transient in ((unknown, False), (busy, True)):
        with pytest.raises(StepFailed, match="cannot be resolved") as caught:
            call(context, names, "http://nobody.example/", Reach())
        assert (caught.value.code, caught.value.transient) == ("connection_failed", transient)


def test_numbers_are_resolved_as_the_system_does() -> None:
    assert system_addresses("2130706433", 80) == ["127.0.0.1"]
