"""Fetch media that a caller gave by URL, for targets that take bytes only. Only where the caller opted in.

A URL in a prompt may come from anywhere, so addresses of this host and its network are refused unless allowed, at each
redirect again; the type and the size are checked before the bytes are kept. What cannot be had is left out.
"""

from __future__ import annotations

import base64
import socket
from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urljoin, urlsplit

import httpx2

from spaturzu.router.media import FetchLimits, Media
from spaturzu.router.walk import Fetch

REDIRECTS = 3
TIMEOUT_S = 15.0


def fetch(effect: Fetch) -> dict[str, Media]:
    """All of `effect.uris` that can be had."""
    with httpx2.Client(timeout=effect.timeout_s or TIMEOUT_S) as client:
        found = ((uri, _one(client, uri, effect.limits)) for uri in effect.uris)
        return {uri: media for uri, media in found if media is not None}


def _one(client: httpx2.Client, uri: str, limits: FetchLimits) -> Media | None:
    try:
        for _ in range(REDIRECTS + 1):
            if not (limits.private or _is_public(uri)):
                return None
            with client.stream("GET", uri) as response:
                if response.is_redirect:
                    uri = urljoin(uri, response.headers["location"])
                    continue
                return _media(response, limits)
    except (httpx2.HTTPError, httpx2.InvalidURL):
        return None
    return None


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


def _is_public(uri: str) -> bool:
    """Does every address of the host lie in the public internet?"""
    host = urlsplit(uri).hostname
    try:
        found = socket.getaddrinfo(host, None)
    except OSError:
        return False
    return bool(found) and all(ip_address(str(place[4][0]).partition("%")[0]).is_global for place in found)
