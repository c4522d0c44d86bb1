"""The way to the gateway: what HTTP servers may answer, and when they hang up; proxies; TLS."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import spaturzu
from spaturzu.attribution import uuid7
from spaturzu.ledger.connection import HttpAnswer
from spaturzu.ledger.line import Line
from spaturzu.ledger.recorder import Recorder
from spaturzu.sandbox import LogGateway
from spaturzu.sandbox.server import Action, HangUp, HttpRequest, Port, Respond, Send, Wait
from tests.waiting import PATIENCE_S

from .towards import CERTIFICATE, listening, passing_on, tunneling

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
Serve = Callable[[Respond], int]
Sending = Callable[..., spaturzu.Spaturzu]


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:  # pyright: ignore[reportUnusedFunction]
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Makes a server of a function; gives its port."""
    ports: list[Port] = []

    def make(respond: Respond) -> int:
        port = Port("test", respond)
        ports.append(port)
        port.listen()
        return port.number

    yield make
    for port in ports:
        port.close()


@pytest.fixture
def sending(database: Path) -> Iterator[Sending]:
    """Makes an instance for a URL, and puts drafts in."""
    made: list[spaturzu.Spaturzu] = []

    def make(url: str, count: int, **options: Any) -> spaturzu.Spaturzu:
        made.append(spaturzu.Spaturzu(base_url=url, api_key="spa_key", **{"backoff_ms": [10, 20], **options}))
        recorder: Recorder = made[-1].metering.recorder
        for _ in range(count):
            recorder.put(draft())
        return made[-1]

    yield make
    for each in made:
        each.metering.recorder.close(0.5)


def draft() -> dict[str, Any]:
    id_ = uuid7()
    fields = {"hop": 0, "provider": "openai", "request_model": "gpt-6-astra", "outcome": "served", "status": 200}
    return {"id": id_, "call_id": id_, "started_at": 1_795_000_000.0, "latency_ms": 1, **fields}


def answering(gateway: LogGateway, write: Callable[[int, bytes], Iterator[Action]]) -> Respond:
    """The gateway's answers, put on the wire by `write` of status and body."""

    def respond(request: HttpRequest) -> Iterator[Action]:
        (said,) = gateway._respond(request)  # pyright: ignore[reportPrivateUsage]
        assert isinstance(said, Send)
        head, _, body = said.data.partition(b"\r\n\r\n")
        yield from write(int(head[9:12]), body)

    return respond


def _chunked(status: int, body: bytes) -> Iterator[Action]:
    yield Send(b"HTTP/1.1 103 Early Hints\r\nlink: </>\r\n\r\n")
    yield Send(b"HTTP/1.1 %d Said\r\ntransfer-encoding: chunked\r\n\r\n" % status)
    for at in range(0, len(body), 7):
        yield Send(b"%x;note=1\r\n%b\r\n" % (len(body[at : at + 7]), body[at : at + 7]))
    yield Send(b"0\r\ntrailer: 1\r\n\r\n")


def _to_the_end(status: int, body: bytes) -> Iterator[Action]:
    yield Send(b"HTTP/1.1 %d Said\r\n\r\n%b" % (status, body))
    yield HangUp()


def _closing(status: int, body: bytes) -> Iterator[Action]:
    yield Send(b"HTTP/1.1 %d Said\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%b" % (status, len(body), body))
    yield HangUp()


def _old(status: int, body: bytes) -> Iterator[Action]:
    yield Send(b"HTTP/1.0 %d Said\r\ncontent-length: %d\r\n\r\n%b" % (status, len(body), body))
    yield HangUp()


def _in_pieces(status: int, body: bytes) -> Iterator[Action]:
    whole = b"HTTP/1.1 %d Said\r\ncontent-length: %d\r\n\r\n%b" % (status, len(body), body)
    yield from (Send(whole[at : at + 1]) for at in range(len(whole)))


def _announced(status: int, body: bytes) -> Iterator[Action]:
    yield Send(b"HTTP/1.1 100 Continue\r\n\r\n")
    yield Send(b"HTTP/1.1 %d Said\r\nconnection: Keep-Alive, Upgrade\r\n" % status)
    yield Send(b"content-length: %d\r\n\r\n%b" % (len(body), body))


def _with_long_headers(status: int, body: bytes) -> Iterator[Action]:
    cookies = b"".join(b"set-cookie: c%d=%b\r\n" % (number, b"x" * 4000) for number in range(50))
    yield Send(b"HTTP/1.1 %d Said\r\n%bcontent-length: %d\r\n\r\n%b" % (status, cookies, len(body), body))


def _slowly(status: int, body: bytes) -> Iterator[Action]:
    """Longer than the sender's patience with what is on its way past the spool."""
    yield Wait(0.4)
    yield Send(b"HTTP/1.1 %d Said\r\ncontent-length: %d\r\n\r\n" % (status, len(body)))
    yield Wait(0.2)
    yield Send(body)


@pytest.mark.parametrize("batches", [True, False])
@pytest.mark.parametrize(
    "write",
    [_chunked, _to_the_end, _closing, _old, _in_pieces, _announced, _with_long_headers, _slowly],
)
def test_a_gateway_may_answer_as_http_lets_it(
    write: Any, batches: bool, gateway: LogGateway, serve: Serve, sending: Sending
):
    gateway.batches = batches
    sp = sending(f"http://127.0.0.1:{serve(answering(gateway, write))}", 40)
    assert sp.flush(10)
    assert (len(gateway.entries), set(gateway.seen.values())) == (40, {1})


def test_a_connection_that_ends_between_two_answers_costs_no_entry(gateway: LogGateway, serve: Serve, sending: Sending):
    gateway.batches, answered = False, [0]

    def write(status: int, body: bytes) -> Iterator[Action]:
        answered[0] += 1
        yield Send(b"HTTP/1.1 %d Said\r\ncontent-length: %d\r\n\r\n%b" % (status, len(body), body))
        if answered[0] % 5 == 0:
            yield HangUp()

    sp = sending(f"http://127.0.0.1:{serve(answering(gateway, write))}", 100)
    assert sp.flush(10)
    assert len(gateway.entries) == 100
    assert (sp.stats().sent, sp.stats().failed) == (100, 0)


def test_requests_go_back_to_back_and_answers_come_in_order():
    def serve(client: socket.socket) -> None:
        seen = b""
        while seen.count(b"POST ") < 3:  # nothing is answered before the third has come
            seen += client.recv(65536)
        for status in (201, 429, 200):
            client.sendall(b"HTTP/1.1 %d Said\r\ncontent-length: 0\r\n\r\n" % status)
        client.recv(1)

    async def ask(port: int) -> tuple[list[HttpAnswer], Exception | None]:
        line = Line(f"http://127.0.0.1:{port}", 5.0)
        try:
            return await line.ask([line.route.head("/v1/logs", "").encode() + b"0\r\n\r\n"] * 3)
        finally:
            line.close()

    with listening(serve) as port:
        answers, error = asyncio.run(ask(port))
    assert ([answer.status for answer in answers], error) == ([201, 429, 200], None)


def test_a_server_that_answers_anything_with_200_is_not_taken_for_one_of_batches(serve: Serve, sending: Sending):
    seen: list[HttpRequest] = []

    def respond(request: HttpRequest) -> Iterator[Action]:
        seen.append(request)
        yield Send(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")

    sp = sending(f"http://127.0.0.1:{serve(respond)}/project/", 5)
    assert sp.flush(10)
    singles = [json.loads(request.body)["id"] for request in seen if request.target == "/project/v1/logs"]
    assert len(set(singles)) == len(singles) == 5


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-server\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: " + b"y" * 300_000,
    ],
)
def test_what_is_no_http_is_told_and_tried_again(answer: bytes, serve: Serve, sending: Sending):
    heard: list[Exception] = []
    port = serve(lambda _: [Send(answer)])
    sp = sending(f"http://127.0.0.1:{port}", 1, on_error=lambda exc, entry: heard.append(exc))
    assert not sp.flush()
    assert isinstance(heard[0].__cause__, ValueError)
    assert sp.stats().spooled == 1


def test_the_proxy_of_the_environment_is_asked_and_told_its_password(
    gateway: LogGateway, serve: Serve, sending: Sending, monkeypatch: pytest.MonkeyPatch
):
    seen: list[HttpRequest] = []

    def respond(request: HttpRequest) -> Iterator[Action]:
        seen.append(request)
        path = request.target.removeprefix("http://gateway.test")
        yield from gateway._respond(HttpRequest("POST", path, {}, request.body))  # pyright: ignore[reportPrivateUsage]

    monkeypatch.setenv("HTTP_PROXY", f"http://me:p%40ss@127.0.0.1:{serve(respond)}")
    sp = sending("http://gateway.test", 3)
    assert sp.flush(10)
    assert len(gateway.entries) == 3
    assert {request.target for request in seen} == {"http://gateway.test/v1/logs/batch"}
    assert {request.headers["host"] for request in seen} == {"gateway.test"}
    assert {request.headers["proxy-authorization"] for request in seen} == {"Basic bWU6cEBzcw=="}


def test_no_proxy_names_what_is_reached_without_it(
    gateway: LogGateway, sending: Sending, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    assert sending(gateway.url, 3).flush(10)
    assert len(gateway.entries) == 3


def test_tls_is_verified_and_goes_through_a_proxys_tunnel(
    gateway: LogGateway, sending: Sending, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    asked: list[bytes] = []
    own = int(gateway.url.rpartition(":")[2])
    with listening(passing_on(own, tls=True)) as port, listening(tunneling(asked)) as proxy:
        assert sending(f"https://localhost:{port}", 3).flush(10)
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:word@127.0.0.1:{proxy}")
        assert sending(f"https://localhost:{port}", 4).flush(10)
    assert (len(gateway.entries), set(gateway.seen.values())) == (7, {1})
    assert asked[0].startswith(b"CONNECT localhost:%d HTTP/1.1\r\n" % port)
    assert b"proxy-authorization: Basic bWU6d29yZA==" in asked[0]
    assert b"spa_key" not in b"".join(asked)


def test_a_proxy_may_speak_tls_itself(gateway: LogGateway, sending: Sending, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    own, asked = int(gateway.url.rpartition(":")[2]), list[bytes]()
    with (
        listening(passing_on(own, tls=True)) as port,
        listening(tunneling(asked)) as inner,
        listening(passing_on(inner, tls=True)) as proxy,
    ):
        monkeypatch.setenv("HTTPS_PROXY", f"https://localhost:{proxy}")
        assert sending(f"https://localhost:{port}", 3).flush(10)
    assert len(gateway.entries) == 3
    assert asked[0].startswith(b"CONNECT localhost:%d" % port)


def test_a_gateway_may_have_an_ipv6_address(gateway: LogGateway, sending: Sending, monkeypatch: pytest.MonkeyPatch):
    own, asked = int(gateway.url.rpartition(":")[2]), list[bytes]()
    with listening(passing_on(own), "::1") as port:
        assert sending(f"http://[::1]:{port}", 3).flush(10)
    assert len(gateway.entries) == 3
    with listening(tunneling(asked, b"HTTP/1.1 403 Forbidden\r\n\r\n")) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"127.0.0.1:{proxy}")
        assert not sending("https://[::1]:9", 1).flush()
    assert asked[0].startswith(b"CONNECT [::1]:9 HTTP/1.1\r\nhost: [::1]:9\r\n")


def test_text_that_is_no_unicode_reaches_the_gateway_all_the_same(gateway: LogGateway, sending: Sending):
    sp = sending(gateway.url, 1)
    sp.metering.recorder.put({**draft(), "tags": {"title": "half \ud83d"}})
    assert sp.flush(10)
    assert [entry["tags"] for entry in gateway.entries.values() if "tags" in entry] == [{"title": "half \ud83d"}]


def test_a_certificate_that_nobody_trusts_is_refused(gateway: LogGateway, sending: Sending):
    heard: list[Exception] = []
    with listening(passing_on(int(gateway.url.rpartition(":")[2]), tls=True)) as port:
        sp = sending(f"https://localhost:{port}", 1, on_error=lambda exc, entry: heard.append(exc))
        assert not sp.flush()
    assert "CERTIFICATE_VERIFY_FAILED" in str(heard[0])
    assert gateway.entries == {}


def test_a_proxy_that_opens_no_tunnel_is_told_of(sending: Sending, monkeypatch: pytest.MonkeyPatch):
    heard: list[Exception] = []
    refusal = b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 4\r\n\r\nwho?"
    with listening(tunneling([], refusal)) as proxy:
        monkeypatch.setenv("HTTPS_PROXY", f"127.0.0.1:{proxy}")
        sp = sending("https://localhost:9", 1, on_error=lambda exc, entry: heard.append(exc))
        assert not sp.flush()
    assert "407" in str(heard[0])


def test_a_proxy_of_another_kind_is_told_of(sending: Sending, monkeypatch: pytest.MonkeyPatch):
    heard: list[Exception] = []
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    sp = sending("http://gateway.test", 1, on_error=lambda exc, entry: heard.append(exc))
    assert not sp.flush()
    assert "socks5" in str(heard[0])
    assert sp.stats().spooled == 1


@pytest.mark.parametrize(
    ("url", "name", "line"),
    [
        ("http://h", "h", "POST /v1/logs HTTP/1.1"),
        ("http://user:a%3Ab@h:81/x", "h:81", "POST /x/v1/logs HTTP/1.1"),
        ("http://[::1]:81", "[::1]:81", "POST /v1/logs HTTP/1.1"),
        ("https://bücher.example", "xn--bcher-kva.example", "POST /v1/logs HTTP/1.1"),
    ],
)
def test_a_request_names_its_host_as_http_has_it(url: str, name: str, line: str):
    first, host, *rest = Line(url, 1.0).route.head("/v1/logs", "").split("\r\n")
    assert (first, host) == (line, f"host: {name}")
    assert ("authorization: Basic dXNlcjphOmI=" in rest) == ("user" in url)


def test_a_skipped_hop_is_no_request_of_the_published_protocol(gateway: LogGateway, sending: Sending):
    gateway.batches = False
    sp = sending(gateway.url, 20)
    for _ in range(20):
        sp.metering.recorder.put({**draft(), "outcome": "skipped", "status": None})
    assert sp.flush(10)
    assert len(gateway.entries) == 20
    assert sp.stats().sent == 40


def test_a_server_that_takes_anything_for_anything_is_asked_for_a_batch_once(serve: Serve, sending: Sending):
    """There are such: a 200 without a count of what was accepted is no answer to a batch."""
    asked = list[str]()

    def respond(request: HttpRequest) -> Iterator[Action]:
        asked.append(request.target)
        yield Send(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")

    sp = sending(f"http://127.0.0.1:{serve(respond)}", 3)
    assert sp.flush(PATIENCE_S)
    sp.metering.recorder.put(draft())
    assert sp.flush(PATIENCE_S)
    assert asked == ["/v1/logs/batch", *["/v1/logs"] * 4]
