"""Which path is which API: chat calls are recognised, everything else passes through untouched, byte for byte."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import unquote

if TYPE_CHECKING:
    from spaturzu_translators.messages import Provider, Wire


class Surface:
    """A chat call's path. `model` and `stream` where the path says them, as Gemini's and Bedrock's do.

    `wire` where it is not the provider's first one.
    """

    __slots__ = ("model", "stream", "wire")

    def __init__(self, model: str | None = None, stream: bool | None = None, wire: Wire | None = None) -> None:
        self.model, self.stream = model, stream
        self.wire: Wire | None = wire


_PATHS: dict[Provider, str] = {
    "openai": r"/chat/completions/?$",
    "anthropic": (
        r"/messages/?$|/publishers/anthropic/models/(?P<model>[^/:]+):(?:rawPredict|(?P<stream>streamRawPredict))$"
    ),
    "bedrock": r"/model/(?P<model>[^/]+)/converse(?P<stream>-stream)?$",
    "gemini": r"/(?P<model>[^/:]+):(?:generateContent|(?P<stream>streamGenerateContent))$",
    "mistral": r"/chat/completions/?$",
}
"""OpenAI-compatible base URLs, Azure deployments, Vertex publishers and Bedrock models all end like this.

Compiled when first used, not with each import.
"""

_RESPONSES = r"/responses/?$"


@lru_cache(maxsize=1024)
def recognise(provider: Provider, path: str | bytes) -> Surface | None:
    """The chat surface of `provider` that `path` is, or None.

    URL-quoted, without its query; bytes: both as they are sent, which cost httpx next to nothing to tell.
    """
    if isinstance(path, bytes):
        path = unquote(path.partition(b"?")[0].decode("ascii", "replace"))
    found = re.search(_PATHS[provider], path)
    if found is None:
        return Surface(wire="openai_responses") if provider == "openai" and re.search(_RESPONSES, path) else None
    named = found.groupdict()
    model = named.get("model")
    if model is None:
        return Surface()
    return Surface(unquote(model), named["stream"] is not None)
