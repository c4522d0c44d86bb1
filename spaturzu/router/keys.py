"""Which requests share a breaker: those to one endpoint, with one credential, for one model."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from functools import lru_cache
from hashlib import blake2b
from typing import Any
from urllib.parse import urlsplit

from spaturzu_translators.messages import Provider

from .targets.common import resolve

_ENDPOINTS = (
    "base_url",
    "meta.endpoint_url",
    "_api_client._http_options.base_url",
    "sdk_configuration.server_url",
    "sdk_configuration.server",
)
_CREDENTIALS = (
    "api_key",
    "auth_token",
    "_api_client.api_key",
    "_request_signer._credentials.access_key",
    "sdk_configuration.security.api_key",
)
"""Where the SDKs' clients keep them (openai, anthropic, boto3, google-genai, mistralai, 2026-11-22 [S])."""


@lru_cache(maxsize=1024)
def fingerprint(credential: str | None) -> str:
    """A credential's name: the same in every process, and nothing can be read from it."""
    return blake2b(credential.encode(), digest_size=8).hexdigest() if credential else ""


def server_of(endpoint: Any) -> tuple[str, int | None] | None:
    """Host and port of a base URL; None where it is none, as where a client says a region."""
    try:
        parts = urlsplit(str(endpoint or ""))
        return None if parts.hostname is None else (parts.hostname, parts.port or _PORTS.get(parts.scheme))
    except ValueError:
        return None


def server_of_client(client: Any) -> tuple[str, int | None] | None:
    """The same of a raw client. mistralai's says a name, and what that stands for when asked (3.7.0)."""
    details: Callable[[], Sequence[Any]] | None = resolve(client, "sdk_configuration.get_server_details")
    return server_of(details()[0] if details is not None else _first(client, _ENDPOINTS))


_PORTS = {"https": 443, "http": 80}


class _Itself:
    """Stands for a client that does not say where it leads. Holds it, so that its identity is nobody else's."""

    def __init__(self, client: Any) -> None:
        self._client = client

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Itself) and other._client is self._client

    def __hash__(self) -> int:
        return id(self._client)


def key_of_client(provider: Provider, client: Any) -> tuple[Hashable, ...]:
    """Provider, endpoint and credential of a raw client, as far as it says."""
    endpoint = _first(client, _ENDPOINTS)
    if endpoint is None:
        return (provider, _Itself(client), "")
    credential = _first(client, _CREDENTIALS)
    return (provider, str(endpoint), fingerprint(credential if isinstance(credential, str) else None))


def _first(client: Any, names: tuple[str, ...]) -> Any:
    return next((found for name in names if (found := resolve(client, name))), None)


@lru_cache(maxsize=4096)
def digest(key: Hashable) -> str:
    """A target's key as it stands in the file, the same in every process; no credential can be read from it."""
    return blake2b(repr(key).encode(), digest_size=16).hexdigest()
