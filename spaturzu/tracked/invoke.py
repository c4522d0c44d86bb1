"""Bedrock's InvokeModel: bodies are each model's own, but an answer says its tokens in headers, a stream at its end."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from spaturzu_translators.messages import JSON, JSONObject, is_object

_HEADERS = {
    "inputTokens": "x-amzn-bedrock-input-token-count",
    "outputTokens": "x-amzn-bedrock-output-token-count",
    "cacheReadInputTokens": "x-amzn-bedrock-cache-read-input-token-count",
    "cacheWriteInputTokens": "x-amzn-bedrock-cache-write-input-token-count",
}
_METRICS = {
    "inputTokens": "inputTokenCount",
    "outputTokens": "outputTokenCount",
    "cacheReadInputTokens": "cacheReadInputTokenCount",
    "cacheWriteInputTokens": "cacheWriteInputTokenCount",
}
"""By Converse's names. They come with the answers, and stand neither in botocore's model (1.44) nor in providers.md."""
_TAIL = 16 * 1024
_CHUNK = re.compile(rb'"bytes"\s*:\s*"([A-Za-z0-9+/=]+)"')


def in_headers(headers: Mapping[str, str]) -> JSON:
    """Converse's usage of a plain answer; None where its headers do not tell."""
    lower = {name.lower(): value for name, value in headers.items()}
    found = {name: int(lower[header]) for name, header in _HEADERS.items() if lower.get(header, "").isdecimal()}
    return found or None


def in_tail(tail: bytes) -> JSON:
    """The same of a stream, from its last bytes: its last chunk has metrics."""
    for encoded in reversed(_CHUNK.findall(tail)):
        if metrics := _metrics(encoded):
            return {name: metrics[metric] for name, metric in _METRICS.items() if metric in metrics} or None
    return None


def _metrics(encoded: bytes) -> JSONObject:
    """Those of one chunk; empty where it has none, or is damaged: this runs within the caller's reading."""
    try:
        chunk: JSON = json.loads(b64decode(encoded))
    except (ValueError, RecursionError):
        return {}
    metrics = chunk.get("amazon-bedrock-invocationMetrics") if is_object(chunk) else None
    return metrics if is_object(metrics) else {}


class Tee:
    """A streamed body on its way to botocore; `ended(tail)` is called once, with its last bytes."""

    def __init__(self, raw: Any, ended: Callable[[bytes], None]) -> None:
        self._raw, self._ended, self._tail, self._open = raw, ended, b"", True

    def __getattr__(self, name: str) -> Any:
        return getattr(self._raw, name)

    def stream(self, *args: Any, **options: Any) -> Iterator[bytes]:
        """The body's bytes."""
        try:
            for chunk in self._raw.stream(*args, **options):
                self._tail = (self._tail + chunk)[-_TAIL:]
                yield chunk
        finally:
            self._end()

    def close(self) -> None:
        """Let go of the connection."""
        self._end()
        self._raw.close()

    def _end(self) -> None:
        if self._open:
            self._open = False
            self._ended(self._tail)
