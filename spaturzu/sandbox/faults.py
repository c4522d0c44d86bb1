"""What can go wrong with a provider, as values to script: `sandbox.openai.script(Status(429), Reply("Hi"))`.

Every fault answers `times` requests (None: every one from now on) and then makes way for the next step. Those that
begin an answer before they break it say `reply`, or the wire's default reply.

Where in a stream: `after_events` counts the provider's own events; `after_deltas`, where it is given, those with
content, which is the same place for all five providers. A plain answer has no events: it breaks at its half.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass, field
from typing import Literal, TypeAlias

from spaturzu_translators.messages import JSONObject

from .errors import ErrorKind
from .replies import Reply

Framing: TypeAlias = Literal["right", "missing", "wrong"]
"""How HTTP delimits a broken-off body: as a whole one, by the end of the connection only, or with more announced."""

StreamErrorKind: TypeAlias = Literal["overloaded", "rate_limit", "server"]


@dataclass(frozen=True, slots=True)
class Status:
    """An HTTP error. Without a `body` it is the provider's own for that status; `headers` add to its own."""

    status: int
    body: JSONObject | str | bytes | None = None
    _: KW_ONLY
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    delay_s: float = 0.0
    times: int | None = 1


@dataclass(frozen=True, slots=True)
class Failing:
    """The provider's own error of one kind: its status, headers and body; `headers` add to them."""

    kind: ErrorKind
    _: KW_ONLY
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    times: int | None = 1


@dataclass(frozen=True, slots=True)
class Refused:
    """The port is closed while this step is next, for `seconds`; None: until a reset, or another default."""

    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset:
    """The connection is reset (TCP RST) after so many bytes of the answer, head included, or so many stream events."""

    after_bytes: int = 0
    after_events: int | None = None
    after_deltas: int | None = None
    reply: Reply | None = None
    times: int | None = 1


@dataclass(frozen=True, slots=True)
class Silence:
    """The request is read and never answered; the connection closes after `seconds`."""

    seconds: float = 60.0
    _: KW_ONLY
    times: int | None = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """The answer ends early and the connection closes: after so many stream events, or half of a plain body.

    A negative `after_events` counts from the end, as in a slice: -1 leaves out OpenAI's `[DONE]` only. `inside`: half
    of the next event still comes.
    """

    after_events: int = 0
    after_deltas: int | None = None
    inside: bool = False
    framing: Framing = "right"
    reply: Reply | None = None
    times: int | None = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Stall:
    """The answer pauses for `seconds` after so many stream events (0: after the head), or half of a plain body."""

    after_events: int = 0
    after_deltas: int | None = None
    seconds: float = 60.0
    reply: Reply | None = None
    times: int | None = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Malformed:
    """`text` in place of JSON: as a whole body on a 200, or as `count` events more after so many, before the rest.

    Bedrock's streams have checksums: there the event is a frame that fails its own.
    """

    after_events: int = 0
    after_deltas: int | None = None
    count: int = 1
    text: str = '{"id": "broken", "choices": ['
    reply: Reply | None = None
    times: int | None = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Html:
    """A web page, as proxies and captive portals send it."""

    status: int = 200
    body: str = "<!doctype html><html><head><title>Gateway</title></head><body><h1>Please wait</h1></body></html>"
    times: int | None = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorEvent:
    """The provider's error inside a stream, on a 200. A plain answer has it as its body, as some proxies do."""

    after_events: int = 0
    after_deltas: int | None = None
    kind: StreamErrorKind = "overloaded"
    reply: Reply | None = None
    times: int | None = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class NoTerminal:
    """A stream with all of its text that ends without its terminal events. A plain answer is whole."""

    reply: Reply | None = None
    times: int | None = 1


@dataclass(frozen=True, slots=True)
class Outage:
    """Every request fails with `status` for `seconds` from the first one that meets it; then the next step.

    `every=2`: only every other one, the first among them; those between get the default reply.
    """

    seconds: float
    status: int = 503
    _: KW_ONLY
    every: int = 1
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


Answering: TypeAlias = (
    Reply | Status | Failing | Reset | Silence | Cut | Stall | Malformed | Html | ErrorEvent | NoTerminal
)
"""Steps that a request uses up."""


@dataclass(frozen=True, slots=True)
class Held:
    """`step` answers once `until()` is true, as often as `step` does; after `seconds` without, the connection closes.

    For what has to happen in an order, where a delay would be a guess:
    `Held(Reply("Slow."), lambda: sandbox.mistral.requests)`. `until` is asked in a thread of the server's.
    """

    step: Answering
    until: Callable[[], object]
    _: KW_ONLY
    seconds: float = 60.0


Fault: TypeAlias = (
    Status
    | Failing
    | Refused
    | Reset
    | Silence
    | Cut
    | Stall
    | Malformed
    | Html
    | ErrorEvent
    | NoTerminal
    | Outage
    | Held
)

Step: TypeAlias = Reply | Fault
"""One entry of a wire's script."""
