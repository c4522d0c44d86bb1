"""Recorded provider traffic, read where it lies: nothing of it is in this repository.

`SPATURZU_CORPUS` names a folder with `interactions/<provider>/*.json`; without it the tests skip with one line.
A record: `{id, provider, api, model, streaming, features[], request{url_path, body}, response{status, headers,
body | body_text | sse[] (+ sse_separator) | eventstream_base64}}`.
"""

from __future__ import annotations

import base64
import json
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from spaturzu_translators import Codec, Provider, Wire, codec
from spaturzu_translators.events import Event
from spaturzu_translators.failures import ErrorReply
from spaturzu_translators.requests import WireRequest

WHY_SKIPPED = "SPATURZU_CORPUS names no folder of recorded traffic"


@dataclass(frozen=True)
class Record:
    """One recorded exchange."""

    raw: dict[str, Any]

    @property
    def id(self) -> str:
        return self.raw["id"]

    @property
    def provider(self) -> Provider:
        return self.raw["provider"]

    @property
    def status(self) -> int:
        return self.raw["response"]["status"]

    @property
    def spoken(self) -> Wire:
        """The format of its bodies."""
        if self.raw["api"] == "responses":
            return "openai_responses"
        vendors_own = isinstance(self.body, dict) and "anthropic_version" in self.body
        return "anthropic" if vendors_own else self.provider

    @property
    def codec(self) -> Codec:
        return codec(self.spoken)

    @property
    def body(self) -> Any:
        """The request's."""
        return self.raw["request"]["body"]

    @property
    def model(self) -> str:
        """The model that was asked for: in the body, or in the path."""
        path = unquote(self.raw["request"]["url_path"])
        if self.provider == "gemini":
            return path.partition("/models/")[2].partition(":")[0]
        named = self.body.get("model") if isinstance(self.body, dict) else None
        return named or self.raw["model"] or "deployment"

    @property
    def wire(self) -> WireRequest:
        """The request as the door would see it."""
        stream = bool(self.body.get("stream")) or self.raw["api"] in ("converse_stream", "streamGenerateContent")
        return WireRequest(body=self.body, model=self.model, stream=stream)

    @property
    def answer(self) -> Any:
        """The plain response's body."""
        return self.raw["response"]["body"]

    @property
    def error(self) -> ErrorReply:
        """The answer of a call that failed."""
        answered = self.raw["response"]
        headers = {name.lower(): value for name, value in answered["headers"].items()}
        return ErrorReply(status=self.status, headers=headers, body=answered.get("body", answered.get("body_text", "")))

    @cached_property
    def stream(self) -> bytes:
        """The bytes of the streamed response."""
        answered = self.raw["response"]
        if "eventstream_base64" in answered:
            return base64.b64decode(answered["eventstream_base64"])
        separator = answered.get("sse_separator") or "\n\n"
        return (separator.join(answered["sse"]) + separator).encode()

    @property
    def is_streamed(self) -> bool:
        return bool({"sse", "eventstream_base64"} & self.raw["response"].keys())


def events_of(c: Codec, pieces: list[bytes], model: str) -> list[Event]:
    """The canonical events of a stream's bytes."""
    framer, decoder = c.framer(), c.stream_decoder(model)
    frames: list[Any] = [frame for piece in pieces for frame in framer.feed(piece)] + framer.close()
    return [event for frame in frames for event in decoder.feed(frame)] + decoder.close()


def _records() -> list[Record]:
    root = os.environ.get("SPATURZU_CORPUS")
    paths = sorted(Path(root, "interactions").glob("*/*.json")) if root else []
    return [Record(json.loads(path.read_text("utf-8"))) for path in paths]


ALL = _records()
"""In order; none where there is no corpus."""


def every(*wanted: Any) -> pytest.MarkDecorator:
    """Parametrises a test's `record` by the records for which all of `wanted` hold."""
    chosen = [record for record in ALL if all(holds(record) for holds in wanted)]
    return pytest.mark.parametrize("record", chosen, ids=lambda record: record.id)
