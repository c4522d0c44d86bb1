"""Images by URL reach a target that takes bytes only, if the caller opted in."""

from __future__ import annotations

import base64
import threading
from collections.abc import Iterator
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx2
import pytest

import spaturzu
from spaturzu.router.media import FetchLimits
from spaturzu.tracked.fetch import _requests  # pyright: ignore[reportPrivateUsage]

from .chains import DOWN, House, sync_and_async

OVER = threading.Event()
PICTURE = b"\x89PNG\r\n\x1a\nnot much of a picture"


class Pictures(BaseHTTPRequestHandler):
    """Serves one picture, a redirect to it, a page, and something large."""

    def do_GET(self) -> None:
        """Answer by path."""
        match self.path:
            case "/there.png":
                self.send_response(302)
                self.send_header("location", "/cat.png")
                self.end_headers()
            case "/page":
                self._send("application/x-sh", b"#!/bin/sh")
            case "/nowhere" | "/astray":
                self.send_response(302)
                if self.path == "/astray":
                    self.send_header("location", "http://[")
                self.end_headers()
            case "/slow-head" | "/slow-body":
                self._drip(self.path == "/slow-body")
            case "/large.png":
                self._send("image/png", PICTURE * 100)
            case _:
                self._send("image/png", PICTURE)

    def _drip(self, body: bool) -> None:
        """A byte now and then, always within the patience for one, until nobody listens."""
        if body:
            self.send_response(200)
            self.send_header("content-type", "image/png")
            self.send_header("content-length", "1000000")
            self.end_headers()
        else:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nx-long: ")
        with suppress(OSError):
            while not OVER.wait(0.1):
                self.wfile.write(b"x")
                self.wfile.flush()

    def _send(self, media_type: str, body: bytes) -> None:
        self.send_response(200)
        self.send_header("content-type", media_type)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Be quiet."""


@pytest.fixture(scope="module")
def pictures() -> Iterator[str]:
    OVER.clear()
    with ThreadingHTTPServer(("127.0.0.1", 0), Pictures) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        OVER.set()
        server.shutdown()


def _ask(house: House, url: str, fetch_media: Any, *, as_async: bool = False, **more: Any) -> Any:
    house.answers(DOWN, "openai")
    options = {"fallback": [house.target("bedrock")], "fetch_media": fetch_media, **more}
    client = house.drop_in("openai", as_async=as_async, options=options, max_retries=0)
    image = {"type": "image_url", "image_url": {"url": url}}
    content = [{"type": "text", "text": "What is this?"}, image]
    answer = client.chat.completions.create(model="gpt-6", messages=[{"role": "user", "content": content}])
    return house.run(answer) if as_async else answer


@sync_and_async
@pytest.mark.parametrize("path", ["/cat.png", "/there.png"])
def test_the_target_gets_the_bytes(house: House, pictures: str, path: str, as_async: bool) -> None:
    _ask(house, pictures + path, {"private": True}, as_async=as_async)
    sent = house.wire("bedrock").requests[-1].body
    assert sent is not None
    (image,) = [block["image"] for block in sent["messages"][0]["content"] if "image" in block]
    assert image == {"format": "png", "source": {"bytes": base64.b64encode(PICTURE).decode()}}


@pytest.mark.parametrize(
    ("path", "fetch_media"),
    [
        ("/cat.png", False),
        ("/cat.png", True),  # an address of this host
        ("/page", {"private": True}),
        ("/large.png", {"private": True, "max_bytes": 100}),
        ("/nowhere", {"private": True}),
        ("/astray", {"private": True}),
    ],
    ids=["not opted in", "private address", "wrong type", "too large", "no location", "a location that is none"],
)
def test_what_may_not_be_fetched_skips_the_target(house: House, pictures: str, path: str, fetch_media: Any) -> None:
    with pytest.raises(Exception, match="503"):
        _ask(house, pictures + path, fetch_media)
    record = spaturzu.last_call()
    assert record is not None
    assert [hop.status for hop in record.hops] == ["failed", "skipped"]
    assert house.asked("bedrock") == 0


@sync_and_async
@pytest.mark.parametrize("path", ["/slow-head", "/slow-body"])
def test_a_server_that_sends_a_byte_now_and_then_does_not_hold_the_call(
    house: House, pictures: str, path: str, as_async: bool
) -> None:
    with pytest.raises(Exception, match="503"):
        _ask(house, pictures + path, {"private": True}, as_async=as_async, deadline=1.0)
    assert not OVER.is_set()
    record = spaturzu.last_call()
    assert record is not None
    assert [hop.status for hop in record.hops] == ["failed", "skipped"]


def test_the_request_goes_to_the_address_that_was_checked(house: House, pictures: str) -> None:
    """Who looks a host up again may be told another."""
    url = pictures.replace("127.0.0.1", "localhost") + "/cat.png"
    with httpx2.Client() as client:
        requests = list(_requests(client, url, FetchLimits(private=True)))
    assert {request.url.host for request in requests} in ({"127.0.0.1"}, {"127.0.0.1", "::1"})
    assert {request.headers["host"] for request in requests} == {url.split("/")[2]}
    assert {request.extensions["sni_hostname"] for request in requests} == {"localhost"}
    _ask(house, url, {"private": True})
    assert house.asked("bedrock") == 1
