"""What every provider's folder offers: one `Codec`, assembled from its four files. All of it is free of I/O."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from importlib import import_module
from typing import Any, Protocol, cast

from .events import Event, UsageReported
from .failures import ErrorReply, Failure
from .foreign import Stripped
from .loss import Encoded, Loss
from .messages import JSON, JSONObject, Provider, ProviderFields, Wire, is_array, is_object
from .requests import Request, WireRequest
from .responses import Response, Usage


class BadWire(ValueError):
    """It is not this provider's format. The message says who, what and where: `openai request: messages[2] ...`."""


class FailedAnswer(BadWire):
    """A whole body, on a 200, that says that the call failed; `.failure` says why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(f"the answer says that it failed: {failure.kind}")
        self.failure = failure


@dataclass(frozen=True, slots=True)
class MalformedFrame:
    """A frame of a stream that is not readable (bad JSON, bad checksum): `why`, never its text."""

    why: str


class Framer(Protocol):
    """Bytes in, frames out; any split of the bytes gives the same frames."""

    def feed(self, data: bytes) -> list[JSONObject | MalformedFrame]:
        """The frames that `data` completes."""
        ...

    def close(self) -> list[JSONObject | MalformedFrame]:
        """The end of the bytes: what was pending, if it was whole."""
        ...


class Scanner(Protocol):
    """Bytes in, whole events out as they came: for a stream that its own provider sends, which nobody has to decode."""

    def whole(self, data: bytes) -> bytes:
        """What is whole of `data` and of what was held before; the rest is held."""
        ...

    def rest(self) -> bytes:
        """The end of the bytes: what was held."""
        ...

    def passes(self, data: bytes) -> bool:
        """Is this plain, and is nothing held? False says only: see what is whole."""
        ...

    def reader(
        self, keep: Callable[[bytes], None], odd: Callable[[bytes], bytes], without: bytes = b""
    ) -> Callable[[bytes], bytes]:
        """A function for each piece of a stream: what `passes` is kept and given back, all else is `odd`'s to do.

        `without`: bytes that are left out of what is given back; they stand in text events only.
        """
        ...

    def plain(self, data: bytes) -> bool:
        """Are these whole events all well-formed, and none of them an error? False says only: look at each."""
        ...

    def learn(self, event: bytes) -> None:
        """An event that was looked at, and is harmless: those that are built like it are plain."""
        ...

    def split(self, data: bytes) -> Iterator[bytes]:
        """Each of these whole events."""
        ...

    def read(self, event: bytes) -> JSONObject | MalformedFrame | None:
        """What one whole event says; None where it says nothing."""
        ...


class StreamDecoder(Protocol):
    """A provider's stream events in, canonical events out."""

    def feed(self, frame: JSONObject) -> list[Event]:
        """The events of one frame. Raises BadWire on a frame that is not this provider's."""
        ...

    def close(self) -> list[Event]:
        """The end of the stream: events that were held back. No `Finished` is invented."""
        ...


class StreamEncoder(Protocol):
    """Canonical events in, one provider's stream events out."""

    def feed(self, event: Event) -> list[JSONObject]:
        """The frames that say `event`."""
        ...

    def close(self) -> list[JSONObject]:
        """The frames that end a complete stream."""
        ...

    @property
    def losses(self) -> tuple[Loss, ...]:
        """What could not be said so far."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Codec:
    """One provider's wire.

    `decode_*` are total: every valid body decodes. `encode_*` say what they lost. All raise BadWire on JSON that is
    nested too deeply for Python, and nothing else.
    `frame(frame)` gives a frame's bytes, `end` the bytes after the last one. `terminal` finds, in the last bytes of
    a complete stream, that it was complete. `continuing(request, frames)` is an encoder that goes on with a stream of
    which `frames` were sent.
    """

    provider: Provider
    decode_request: Callable[[WireRequest], Request]
    encode_request: Callable[[Request], Encoded[WireRequest]]
    decode_response: Callable[[JSONObject, str], Response]
    """The body and the model that was asked for (Bedrock's body names none). Raises FailedAnswer where it says so."""
    encode_response: Callable[[Response, Request], Encoded[JSONObject]]
    """The response, and the request that it answers."""
    decode_usage: Callable[[JSONObject], Usage | None]
    """The usage object of an answer, which its body has under `usage_key`. Raises BadWire."""
    stream_decoder: Callable[[str], StreamDecoder]
    """Takes the model that was asked for."""
    stream_encoder: Callable[[Request], StreamEncoder]
    continuing: Callable[[Request, list[JSONObject]], StreamEncoder]
    framer: Callable[[], Framer]
    scanner: Callable[[], Scanner]
    frame: Callable[[JSONObject], bytes]
    end: bytes
    terminal: re.Pattern[bytes]
    stream_content_type: str
    decode_error: Callable[[ErrorReply], Failure]
    encode_error: Callable[[Failure], ErrorReply]
    strip: Callable[[JSONObject, str], Stripped]
    """A request's body and model: the body without thoughts that another provider had (`foreign`)."""
    unknown: Callable[[JSONObject], str | None] = lambda body: None
    """The member of a request's body that names what another provider gave and this one has never heard of."""
    usage_key: str = "usage"
    prefills: Callable[[str], bool] = lambda model: False
    """Does the model go on with a last turn of the assistant's?"""
    seals_thoughts: bool = False
    """Does a signature end the thoughts of an answer? Without it they are worth nothing to whoever sends them back."""
    tells_malformed: bool = True
    """Can an answer say that it is not what the model was to make of it? Else it is no answer (providers.md 6.1)."""
    hands_errors_on: bool = False
    """Does its SDK give the errors of a stream to the caller as events, and raise those in an envelope only?"""
    timed: Callable[[float], ProviderFields] | None = None
    """What an answer says of the seconds that it took, on a wire whose answers have a place for them."""
    second: Wire | None = None
    """The wire's name where it is not the provider's first one."""

    @property
    def wire(self) -> Wire:
        """The name that `codec` takes."""
        return self.second or self.provider


def replayed(decoder: StreamDecoder, encoder: StreamEncoder, frames: list[JSONObject]) -> None:
    """Bring `encoder` to where it would be if it had written `frames`. What they count is not its to report."""
    for frame in frames:
        for event in decoder.feed(frame):
            if not isinstance(event, UsageReported):
                encoder.feed(event)


@cache
def codec(wire: Wire) -> Codec:
    """The codec of `wire`, loaded when first asked for."""
    found = cast(Codec, import_module(f"{__package__}.{wire}").CODEC)
    return replace(found, **{name: _bounded(getattr(found, name)) for name in _WALKING})


_WALKING = ("decode_request", "encode_request", "decode_response", "encode_response")
"""What goes through values that may be nested as deeply as their sender likes."""


def _bounded(convert: Callable[..., Any]) -> Callable[..., Any]:
    """`convert`, which raises BadWire where JSON is nested too deeply for Python."""

    def converted(*given: Any) -> Any:
        try:
            return convert(*given)
        except RecursionError:
            raise BadWire("nested too deeply") from None

    return converted


def as_object(value: JSON, who: str) -> JSONObject:
    """`value` if it is a JSON object, else BadWire with `who` as its subject."""
    if is_object(value):
        return value
    raise BadWire(f"{who}: expected a JSON object, found {type(value).__name__}")


def as_seconds(value: JSON, who: str) -> int | None:
    """Whole Unix seconds; None where there are none: 0 (Azure's first chunk) is no time. BadWire on any other value."""
    if value is None or type(value) is int or (type(value) is float and math.isfinite(value)):
        return int(value) if value else None
    raise BadWire(f"{who} must be a finite number, found {type(value).__name__}")


def as_list(value: JSON, who: str) -> list[JSON]:
    """`value` if it is a JSON array, else BadWire with `who` as its subject."""
    if is_array(value):
        return value
    raise BadWire(f"{who}: expected a JSON array, found {type(value).__name__}")
