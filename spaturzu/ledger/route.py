"""The way to a gateway: its host, its TLS, and the proxy that the environment names for it.

Proxies are those of `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY`, or of the system's settings on macOS and
Windows, as `urllib` reads them. Certificates are verified as httpx2 does it, with `SSL_CERT_FILE` and `SSL_CERT_DIR`.
"""

from __future__ import annotations

from base64 import b64encode
from urllib.parse import SplitResult, unquote, urlsplit

from spaturzu.errors import ConfigError
from spaturzu_translators.values import value

_PORTS = {"http": 80, "https": 443}


@value
class Stop:
    """A host on the way. `name` is its host and port as a Host header has them, `credentials` a header's value."""

    host: str
    port: int
    name: str
    secure: bool
    credentials: str | None


@value
class Route:
    """`gateway`, over `proxy` if there is one. `path` precedes the path of every request."""

    gateway: Stop
    proxy: Stop | None
    path: str

    @property
    def secure(self) -> bool:
        """Is there TLS on any part of it?"""
        return self.gateway.secure or (self.proxy is not None and self.proxy.secure)

    @property
    def tunneled(self) -> bool:
        """Does the proxy only pass bytes on?"""
        return self.proxy is not None and self.gateway.secure

    def head(self, path: str, headers: str) -> str:
        """A POST's request line and headers, up to the value of its `content-length`."""
        proxied, own = self.proxy is not None and not self.tunneled, self.gateway.credentials
        lines = [f"POST {f'http://{self.gateway.name}' if proxied else ''}{self.path}{path} HTTP/1.1"]
        lines.append(f"host: {self.gateway.name}")
        if own is not None:
            lines.append(f"authorization: {own}")
        if proxied and self.proxy is not None and self.proxy.credentials is not None:
            lines.append(f"proxy-authorization: {self.proxy.credentials}")
        return "\r\n".join([*lines, headers + "content-length: "])

    def opening(self) -> bytes:
        """What asks the proxy for a tunnel."""
        name = f"{_literal(self.gateway.host)}:{self.gateway.port}"
        own = "" if self.proxy is None or self.proxy.credentials is None else self.proxy.credentials
        authorization = f"proxy-authorization: {own}\r\n" if own else ""
        return f"CONNECT {name} HTTP/1.1\r\nhost: {name}\r\n{authorization}\r\n".encode()


def route_to(url: str) -> Route:
    """The way to the gateway at `url` now. Raises ConfigError where the URL, or its proxy's, cannot be one."""
    parts = urlsplit(url)
    proxy = _proxy_for(parts)
    return Route(
        gateway=_stop(url, "http"),
        proxy=None if proxy is None else _stop(proxy if "://" in proxy else f"http://{proxy}", "a proxy's http"),
        path=parts.path.rstrip("/"),
    )


def _stop(url: str, kind: str) -> Stop:
    parts = urlsplit(url)
    try:
        host, port = parts.hostname, parts.port
        host = None if host is None else host.encode("idna" if not host.isascii() else "ascii").decode()
    except ValueError:
        host = port = None
    if parts.scheme not in _PORTS or not host:
        raise ConfigError(f"spaturzu: {url!r} is not {kind} address; it begins with https:// or http:// and has a host")
    literal = _literal(host)
    return Stop(
        host=host,
        port=port or _PORTS[parts.scheme],
        name=f"{literal}:{port}" if port else literal,
        secure=parts.scheme == "https",
        credentials=_basic(parts),
    )


def _literal(host: str) -> str:
    """An IPv6 address has brackets around it where a port may follow."""
    return f"[{host}]" if ":" in host else host


def _basic(parts: SplitResult) -> str | None:
    """The user and password that stand in a URL."""
    if parts.username is None:
        return None
    user = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
    return f"Basic {b64encode(user.encode()).decode()}"


def _proxy_for(parts: SplitResult) -> str | None:
    from urllib.request import getproxies, proxy_bypass

    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    return proxy
