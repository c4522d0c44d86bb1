"""Calls that pass through untouched: embeddings are metered by what their answers say, others that cost are counted."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import unquote

from spaturzu.middleware.meter import draft_of_passed
from spaturzu_translators.messages import JSON

from .calls import attributed
from .door import Door

if TYPE_CHECKING:
    from spaturzu_translators.messages import Provider

_EMBEDDINGS: dict[Provider, re.Pattern[str]] = {
    "openai": re.compile(r"/embeddings/?$"),
    "mistral": re.compile(r"/embeddings/?$"),
    "gemini": re.compile(r"/(?P<model>[^/:]+):(?:embedContent|batchEmbedContents)$"),
}
"""Paths as of providers.md, 2026-11-22. Bedrock's go through `invoke`, whose bodies are each model's own."""
_FREE = re.compile(r"count_?-?tokens|input_tokens|/files|/uploads", re.IGNORECASE)
"""What providers do not charge for."""
_TAIL = 2048
_USAGE = re.compile(rb'"(?:usage|usageMetadata)"\s*:\s*(\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\})')
_MODEL = re.compile(rb'"model"\s*:\s*"([^"\\]*)"')


@dataclass(slots=True)
class Passing:
    """One such call. `response` is put here by whoever sends; without one, it failed."""

    started: float = field(default_factory=time.monotonic)
    status: int | None = None
    content: bytes = b""


@contextmanager
def passing(door: Door, path: str, body: bytes) -> Generator[Passing]:
    """Around the sending of a POST that is no chat call."""
    passed = Passing()
    try:
        yield passed
    finally:
        if door.metering is not None and not _FREE.search(path):
            _note(door, path, body, passed)


def _note(door: Door, path: str, body: bytes, passed: Passing) -> None:
    pattern = _EMBEDDINGS.get(door.provider)
    found = pattern.search(path) if pattern else None
    draft = draft_of_passed(attributed(door), passed.status, int((time.monotonic() - passed.started) * 1000))
    if found is None:
        draft["operation"] = "unmetered"
        draft["request_model"] = _model(body[:_TAIL])
    else:
        draft["operation"] = "embeddings"
        draft["request_model"] = unquote(found.groupdict().get("model") or "") or _model(body)
        draft["response_model"] = _model(passed.content[-_TAIL:]) or draft["request_model"]
        if (usage := _usage(passed.content)) is not None:
            draft["reported"] = [door.provider, usage]
    assert door.metering is not None  # noqa: S101 - passing has looked
    door.metering.meter.passed(draft)


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
