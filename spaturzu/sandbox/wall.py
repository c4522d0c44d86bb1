"""The fault wall: what really happens to a provider, by name, and what a router has to make of it.

    fault = WALL["quota_exhausted"]
    sandbox.openai.script(*fault.steps("openai"))

Each fault is told in the provider's own wire form (providers.md sections 1.8, 2.8, 3.8, 4.8, 5.8 and 7, 2026-11-22).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from functools import partial
from typing import Literal, TypeAlias

from spaturzu_translators.failures import FailureKind
from spaturzu_translators.messages import WIRES, JSONObject, Wire

from .errors import native_error
from .faults import (
    Cut,
    ErrorEvent,
    Failing,
    Html,
    Malformed,
    NoTerminal,
    Outage,
    Refused,
    Reset,
    Silence,
    Stall,
    Status,
    Step,
)
from .replies import Reply, ToolCall

TEXT = "The weather in Cluj is sunny and calm today, with a light wind from the west."
"""What everybody says who is well."""

Shape: TypeAlias = Literal["plain", "stream"]

Must: TypeAlias = Literal["same", "next", "answer", "resume", "honest", "stop"]
"""What a chain has to make of a fault of its primary, by default.

- `same`: the primary itself answers, whole.
- `next`: the next target answers, whole, and nothing of the primary's is heard.
- `answer`: either of the two.
- `resume`: the caller has had text already, and gets the whole answer all the same: no word lost, none said twice.
- `honest`: a whole answer, or the primary's own error; never a part as if it were the whole.
- `stop`: the primary's own word stands, and nobody else is asked.
"""

FaultName: TypeAlias = Literal[
    "rate_limit",
    "retry_after_seconds",
    "retry_after_fraction",
    "retry_after_ms",
    "retry_after_date",
    "retry_after_body",
    "retry_after_long",
    "rate_limit_persistent",
    "server_error_once",
    "unavailable",
    "overloaded",
    "reset",
    "refused",
    "silence",
    "late_first_token",
    "cut",
    "reset_mid_stream",
    "stall",
    "malformed_event",
    "malformed_run",
    "no_terminal",
    "no_done",
    "error_event_first",
    "error_event_late",
    "truncated",
    "context_overflow",
    "content_filter",
    "refusal",
    "flapping",
    "quota_exhausted",
    "bad_key",
    "html",
    "cut_in_tool_call",
    "cut_in_thinking",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class WallFault:
    """One fault. `steps(wire)` are for that wire, made anew each time: some hold a date.

    `must` says what a router has to do, for the shapes that the fault applies to, on the `wires` that can have
    it. `reply` is what everybody says who is well, and what a fault breaks off; `tools` says that it calls one.
    """

    name: FaultName
    about: str
    steps: Callable[[Wire], tuple[Step, ...]]
    must: Mapping[Shape, Must]
    wires: tuple[Wire, ...] = WIRES
    reply: Reply = field(default_factory=partial(Reply, TEXT))
    calls: int = 1
    """How many calls meet it, one after the other."""
    tries: int = 2
    """How many requests of one call may go to the primary before it is left; more are a waste of time or money."""
    kind: FailureKind | None = None
    """What kind of failure it is, where a chain may say otherwise what follows from it."""

    @property
    def tools(self) -> bool:
        """Does the request have to offer a tool?"""
        return bool(self.reply.tool_calls)


def _always(*steps: Step) -> Callable[[Wire], tuple[Step, ...]]:
    return lambda wire: steps


def _both(must: Must) -> Mapping[Shape, Must]:
    return {"plain": must, "stream": must}


def _after(**headers: str) -> Callable[[Wire], tuple[Step, ...]]:
    return _always(Status(429, headers={name.replace("_", "-"): value for name, value in headers.items()}))


def _in_milliseconds(wire: Wire) -> tuple[Step, ...]:
    name = "x-amz-retry-after" if wire == "bedrock" else "retry-after-ms"
    return (Status(429, headers={name: "200"}),)


def _as_a_date(wire: Wire) -> tuple[Step, ...]:
    """A date has whole seconds: this one is between one and two seconds ahead."""
    return (Status(429, headers={"retry-after": formatdate(int(time.time()) + 2, usegmt=True)}),)


def _in_the_body(wire: Wire) -> tuple[Step, ...]:
    """Gemini has a field for it; OpenAI writes it into the message."""
    body: JSONObject = native_error("gemini" if wire == "gemini" else "openai", "rate_limit").body
    error: JSONObject = body["error"]
    if wire == "gemini":
        told = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "0.2s"}
        return (Status(429, {"error": {**error, "details": [*error["details"], told]}}),)
    return (Status(429, {"error": {**error, "message": "Rate limit reached. Please try again in 200ms."}}),)


def _mid_call(wire: Wire) -> tuple[Step, ...]:
    """Gemini and Mistral send a call in one event: there the event itself is cut in two."""
    if wire in ("gemini", "mistral"):
        return (Cut(after_deltas=1, inside=True, framing="wrong", times=None),)
    starts = {"openai": 1, "openai_responses": 4, "bedrock": 2, "anthropic": 3}[wire]
    return (Cut(after_deltas=1 + starts + 1, framing="wrong", times=None),)


_FOR_EVER_S = 3600.0
"""Longer than any limit: who ends a silence is the one who waits."""

_CALLS = (ToolCall(name="weather", arguments={"city": "Cluj-Napoca"}),)

_FAULTS = (
    WallFault(
        name="rate_limit",
        about="one 429 that names no wait",
        steps=_always(Failing("rate_limit")),
        must=_both("answer"),
    ),
    WallFault(
        name="retry_after_seconds",
        about="one 429 that asks for 1 s",
        steps=_after(retry_after="1"),
        must=_both("same"),
    ),
    WallFault(
        name="retry_after_fraction",
        about="one 429 that asks for 0.2 s",
        steps=_after(retry_after="0.2"),
        must=_both("same"),
    ),
    WallFault(
        name="retry_after_ms",
        about="one 429 that asks for 200 ms",
        steps=_in_milliseconds,
        must=_both("same"),
        wires=("openai", "openai_responses", "anthropic", "bedrock", "mistral"),
    ),
    WallFault(
        name="retry_after_date",
        about="one 429 that names a date within 2 s",
        steps=_as_a_date,
        must=_both("same"),
    ),
    WallFault(
        name="retry_after_body",
        about="one 429 that asks for 200 ms in its body",
        steps=_in_the_body,
        must=_both("same"),
        wires=("openai", "openai_responses", "gemini"),
    ),
    WallFault(
        name="retry_after_long",
        about="a 429 that asks for 60 s",
        steps=_always(Status(429, headers={"retry-after": "60"}, times=None)),
        must=_both("next"),
        tries=1,
    ),
    WallFault(
        name="rate_limit_persistent",
        about="429 on every request",
        steps=_always(Failing("rate_limit", times=None)),
        must=_both("next"),
        tries=1,
    ),
    WallFault(name="server_error_once", about="one 500", steps=_always(Failing("server")), must=_both("same")),
    WallFault(
        name="unavailable",
        about="503 on every request",
        steps=_always(Status(503, times=None)),
        must=_both("next"),
    ),
    WallFault(
        name="overloaded", about="529 on every request", steps=_always(Status(529, times=None)), must=_both("next")
    ),
    WallFault(
        name="reset",
        about="every connection is reset instead of an answer",
        steps=_always(Reset(times=None)),
        must=_both("next"),
    ),
    WallFault(name="refused", about="the port is closed", steps=_always(Refused()), must=_both("next")),
    WallFault(
        name="silence",
        about="requests are taken and never answered",
        steps=_always(Silence(_FOR_EVER_S, times=None)),
        must=_both("next"),
        tries=1,
    ),
    WallFault(
        name="late_first_token",
        about="the stream opens, and its first word never comes",
        steps=_always(Stall(after_deltas=0, seconds=_FOR_EVER_S, times=None)),
        must={"stream": "next"},
        tries=1,
    ),
    WallFault(
        name="cut",
        about="the connection ends in the middle of the answer",
        steps=_always(Cut(after_deltas=2, framing="wrong", times=None)),
        must={"plain": "next", "stream": "resume"},
    ),
    WallFault(
        name="reset_mid_stream",
        about="the connection is reset in the middle of a stream",
        steps=_always(Reset(after_deltas=2, times=None)),
        must={"stream": "resume"},
    ),
    WallFault(
        name="stall",
        about="the answer stops in its middle and the connection stays open",
        steps=_always(Stall(after_deltas=2, seconds=_FOR_EVER_S, times=None)),
        must={"plain": "next", "stream": "resume"},
        tries=1,
    ),
    WallFault(
        name="malformed_event",
        about="one event in a stream is no JSON (Bedrock: its checksum is wrong)",
        steps=_always(Malformed(after_deltas=2)),
        must={"plain": "answer", "stream": "resume"},
    ),
    WallFault(
        name="malformed_run",
        about="four events in a row are no JSON",
        steps=_always(Malformed(after_deltas=2, count=4, times=None)),
        must={"stream": "resume"},
    ),
    WallFault(
        name="no_terminal",
        about="all of the text, and then no end",
        steps=_always(NoTerminal(times=None)),
        must={"stream": "resume"},
    ),
    WallFault(
        name="no_done",
        about="a whole stream that lacks its [DONE] only",
        steps=_always(Cut(after_events=-1)),
        must={"stream": "same"},
        wires=("openai", "mistral"),
    ),
    WallFault(
        name="error_event_first",
        about="an error inside a 200, before any content",
        steps=_always(ErrorEvent(after_deltas=0, times=None)),
        must=_both("next"),
    ),
    WallFault(
        name="error_event_late",
        about="an error inside a 200, after some of the text",
        steps=_always(ErrorEvent(after_deltas=2, times=None)),
        must={"stream": "resume"},
    ),
    WallFault(
        name="truncated",
        about="half an answer that ends as HTTP wants it",
        steps=_always(Cut(after_deltas=2, times=None)),
        must={"plain": "next", "stream": "resume"},
    ),
    WallFault(
        name="context_overflow",
        about="the prompt is too long for the model",
        steps=_always(Failing("context_overflow", times=None)),
        must=_both("next"),
        kind="context_overflow",
        tries=1,
    ),
    WallFault(
        name="content_filter",
        about="the prompt is refused",
        steps=_always(Failing("content_policy", times=None)),
        must=_both("stop"),
        kind="content_policy",
        tries=1,
    ),
    WallFault(
        name="refusal",
        about="the model answers that it will not, and nothing else",
        steps=_always(Reply("", finish="content_filter")),
        must=_both("stop"),
        kind="content_policy",
        wires=("openai", "openai_responses", "anthropic", "bedrock", "gemini"),
        tries=1,
    ),
    WallFault(
        name="flapping",
        about="for 10 s every other request fails with a 503",
        steps=_always(Outage(10, every=2)),
        must=_both("answer"),
        calls=10,
    ),
    WallFault(
        name="quota_exhausted",
        about="the account has no money left",
        steps=_always(Failing("quota_exhausted", times=None)),
        must=_both("next"),
        tries=1,
    ),
    WallFault(
        name="bad_key",
        about="the key is not accepted",
        steps=_always(Failing("auth", times=None)),
        must=_both("stop"),
        kind="auth",
        tries=1,
    ),
    WallFault(name="html", about="a web page on a 200", steps=_always(Html(times=None)), must=_both("next")),
    WallFault(
        name="cut_in_tool_call",
        about="the connection ends within a tool call's arguments",
        steps=_mid_call,
        must={"stream": "resume"},
        reply=Reply("Let me look. ", tool_calls=_CALLS, chunks=1),
    ),
    WallFault(
        name="cut_in_thinking",
        about="the connection ends within the model's thoughts",
        steps=_always(Cut(after_deltas=1, framing="wrong", times=None)),
        must={"stream": "honest"},
        reply=Reply(TEXT, reasoning="Let me think. Then answer."),
        wires=("openai_responses", "anthropic", "bedrock", "gemini", "mistral"),
    ),
)

WALL: Mapping[FaultName, WallFault] = {fault.name: fault for fault in _FAULTS}
"""Every fault by its name, in the order in which they are told."""
