"""Fetch media that a caller gave by URL, for targets that take bytes only. Only where the caller opted in.

A URL in a prompt may come from anywhere, so addresses of this host and its network are refused unless allowed, at each
redirect again; the type and the size are checked before the bytes are kept, and all of it takes no longer than its
limit, however slowly they come. What cannot be had is left out.
"""

from __future__ import annotations

import base64
import socket
from collections.abc import Iterable, Iterator
from contextlib import closing
from ipaddress import ip_address
from urllib.parse import urljoin

import httpx2

from spaturzu.router.media import FetchLimits, Media
from spaturzu.router.walk import Fetch
from spaturzu.router.watch import Watch

REDIRECTS = 3
TIMEOUT_S = 15.0


def fetch(effect: Fetch) -> dict[str, Media]:
    """All of `effect.uris` that can be had in time."""
    limit_s, found = effect.timeout_s or TIMEOUT_S, dict[str, Media]()
    watch = Watch(limit_s, lambda _: (limit_s, "deadline"))
    with watch, httpx2.Client(timeout=limit_s) as client:
        for uri in effect.uris:
            if watch.fired is None and (media := _one(client, uri, effect.limits)) is not None:
                found[uri] = media
    return found


def _one(client: httpx2.Client, uri: str, limits: FetchLimits) -> Media | None:
    try:
        for _ in range(REDIRECTS + 1):
            response = _answer(client, uri, limits)
            if response is None:
                return None
            with closing(response):
                if not response.has_redirect_location:
                    return _media(response, limits)
                uri = urljoin(uri, response.headers["location"])
    except (httpx2.HTTPError, httpx2.InvalidURL, ValueError):  # the last of a location that is no URL
        return None
    return None


def _answer(client: httpx2.Client, uri: str, limits: FetchLimits) -> httpx2.Response | None:
    """Of the first address of its host that takes the connection."""
    for request in _requests(client, uri, limits):
        try:
            return client.send(request, stream=True)
        except (httpx2.ConnectError, httpx2.ConnectTimeout):
            continue
    return None


def _requests(client: httpx2.Client, uri: str, limits: FetchLimits) -> Iterator[httpx2.Request]:
    """One for each address, as it was checked: who looks the host up again may be told another."""
    url = httpx2.URL(uri)
    host = url.raw_host.decode()
    for address in _addresses(host, limits):
        headers, extensions = {"host": url.netloc.decode()}, {"sni_hostname": host}
        yield client.build_request("GET", url.copy_with(host=address), headers=headers, extensions=extensions)


def _media(response: httpx2.Response, limits: FetchLimits) -> Media | None:
    media_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    if response.status_code != 200 or not media_type.startswith(limits.types):
        return None
    data = _bounded(response.iter_bytes(), limits.max_bytes)
    return None if data is None else Media(media_type=media_type, data=base64.b64encode(data).decode())


def _bounded(chunks: Iterable[bytes], most: int) -> bytes | None:
    data = bytearray()
    for chunk in chunks:
        data += chunk
        if len(data) > most:
            return None
    return bytes(data)


def _addresses(host: str, limits: FetchLimits) -> list[str]:
    """Where the host is. None where it cannot be found, or where one of them does not lie in the public internet."""
    try:
        found = {str(place[4][0]).partition("%")[0] for place in socket.getaddrinfo(host, None)}
    except (OSError, UnicodeError):
        return []
    return sorted(found) if limits.private or all(ip_address(address).is_global for address in found) else []
