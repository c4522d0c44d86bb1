"""What the sandbox knows of one provider's wire. Written by hand, apart from the codecs that it serves to test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from spaturzu_translators.messages import JSON, JSONObject, Provider

from ..faults import StreamErrorKind
from ..replies import Reply

CREATED = 1_795_305_600
"""The date of every answer, 2026-11-22, so that equal replies give equal bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What in a request shapes its answer."""

    model: str
    stream: bool = False
    structured: bool = False
    stream_usage: bool = True
    """OpenAI streams tell usage only to those who ask."""
    choices: int = 1
    api: str = ""
    """Which of a wire's APIs was asked; empty for its chat."""


@dataclass(frozen=True, slots=True)
class Streamed:
    """A stream's events as bytes. `opening` of them come before any content; the last `terminal` say it is complete."""

    events: tuple[bytes, ...]
    opening: int
    terminal: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One provider's wire: reading requests, rendering replies.

    `root` is the path that an SDK's base URL ends in. `read(path, body)` gives None for what is no generation;
    `aside(method, path, body)` answers the few other paths. `plain` and `stream` take the answer's serial.
    `error_event` and `broken_event` are what goes wrong inside a stream. `id_header` names the request.
    """

    provider: Provider
    root: str
    read: Callable[[str, JSONObject], Asked | None]
    aside: Callable[[str, str, JSONObject], JSONObject | None]
    plain: Callable[[Reply, Asked, str], JSONObject]
    stream: Callable[[Reply, Asked, str], Streamed]
    error_event: Callable[[StreamErrorKind, Asked], bytes]
    broken_event: Callable[[str], bytes]
    stream_type: str
    id_header: tuple[str, str]
    """Its name, and what stands before the serial."""
    json_type: str = "application/json"
    blocked: tuple[bytes, ...] = ()
    """The stream of a prompt that was blocked, where that is no HTTP error."""


def inside(body: JSONObject, *path: str) -> JSONObject:
    """The object at `path`, or an empty one where something else stands."""
    for name in path:
        value: JSON = body.get(name)
        body = cast(JSONObject, value) if isinstance(value, dict) else {}
    return body


def count(value: JSON) -> int:
    """How many answers a request wants: one unless it says a number."""
    return value if isinstance(value, int) and value > 0 else 1


def model_card(name: str) -> JSONObject:
    """A model as OpenAI's and Mistral's lists have it."""
    return {"id": name, "object": "model", "created": CREATED, "owned_by": "sandbox"}
