"""Calls that pass through untouched: embeddings and Bedrock's InvokeModel are metered by what their answers say, others
that cost are counted.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote

from spaturzu.ledger.journal import Draft
from spaturzu.middleware.meter import draft_of_passed
from spaturzu.router.hop import CallRecord
from spaturzu_translators.messages import JSON

from .calls import attributed
from .door import Door

if TYPE_CHECKING:
    from spaturzu_translators.messages import Provider

_EMBEDDINGS: dict[Provider, re.Pattern[str]] = {
    "openai": re.compile(r"/embeddings/?$"),
    "mistral": re.compile(r"/embeddings/?$"),
    "gemini": re.compile(r"/(?P<model>[^/:]+):(?:(?:batchE|e)mbedContents?)$|/(?P<vertex>[^/:]*embed[^/:]*):predict$"),
}
"""Paths as of providers.md, 2026-11-22."""
_INVOKE = re.compile(r"/model/(?P<model>[^/]+)/invoke(?:-with-response-stream)?$")
_FREE = re.compile(r"count_?-?tokens|input_tokens|/files|/uploads", re.IGNORECASE)
"""What providers do not charge for."""
_TAIL = 2048
_USAGE = re.compile(rb'"(?:usage|usageMetadata)"\s*:\s*(\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\})')
_STATISTICS = re.compile(rb'"token_?[cC]ount"\s*:\s*(\d+)')
"""Of each text, in the answers of Vertex's older embeddings."""
_MODEL = re.compile(rb'"model"\s*:\s*"([^"\\]*)"')


@dataclass(slots=True)
class Passing:
    """One such call. `response` is put here by whoever sends; without one, it failed."""

    started: float = field(default_factory=time.monotonic)
    record: CallRecord | None = None
    """Whose it is, where its end may come in another context."""
    status: int | None = None
    content: bytes = b""
    usage: JSON = None
    """Where the answer says it outside of its body."""
    deferred: bool = False
    """Its end is noted by `note`, not when its head is there."""

    @property
    def elapsed_ms(self) -> int:
        """Since it was sent."""
        return int((time.monotonic() - self.started) * 1000)


@contextmanager
def passing(door: Door, path: str, body: bytes) -> Generator[Passing]:
    """Around the sending of a POST that is no chat call."""
    passed = Passing()
    try:
        yield passed
    finally:
        if not (passed.deferred or _FREE.search(path)):
            note(door, path, body, passed)


def note(door: Door, path: str, body: bytes, passed: Passing) -> None:
    """The call is over."""
    if door.metering is None:
        return
    draft = draft_of_passed(passed.record or attributed(door), passed.status, passed.elapsed_ms)
    invoked = _INVOKE.search(path) if door.provider == "bedrock" else None
    pattern = _EMBEDDINGS.get(door.provider)
    found = pattern.search(path) if pattern else None
    text: str | None = None
    if invoked is not None:
        _invoked(draft, unquote(invoked["model"]), passed)
    elif found is not None:
        named = found.groupdict()
        draft["operation"] = "embeddings"
        draft["request_model"] = unquote(named.get("model") or named.get("vertex") or "") or _model(body)
        draft["response_model"] = _model(passed.content[-_TAIL:]) or draft["request_model"]
        usage = _usage(passed.content) if named.get("vertex") is None else _statistics(passed.content)
        if usage is not None:
            draft["reported"] = [door.provider, usage]
        elif draft["outcome"] == "served":
            text = body.decode("utf-8", "replace")
    else:
        draft["operation"] = "unmetered"
        draft["request_model"] = _model(body[:_TAIL])
    door.metering.meter.passed(draft, text)


def _invoked(draft: Draft, model: str, passed: Passing) -> None:
    """An answer that does not say its tokens is not metered."""
    draft["request_model"] = draft["response_model"] = model
    if passed.usage is not None:
        draft["reported"] = ["bedrock", passed.usage]
    if passed.usage is not None or draft["outcome"] == "failed":
        draft["operation"] = "embeddings" if "embed" in model else "chat"
    else:
        draft["operation"] = "unmetered"


def _model(text: bytes) -> str:
    found = _MODEL.search(text)
    return found[1].decode("utf-8", "replace") if found else ""


def _usage(content: bytes) -> JSON:
    """The usage at the end of a body, which is not parsed for it: embeddings are megabytes of numbers."""
    found = _USAGE.findall(content, max(0, len(content) - _TAIL))
    try:
        return json.loads(found[-1]) if found else None
    except ValueError:
        return None


def _statistics(content: bytes) -> JSON:
    """The same of Vertex's older embeddings, which count each text beside its numbers: all of it is looked through."""
    counts = _STATISTICS.findall(content)
    return {"promptTokenCount": sum(map(int, counts))} if counts else None
