"""A streamed answer on its way to the caller: items in, the caller's bytes out. Free of I/O.

Nothing is let out before the hop is committed: its first event with content. Until then the call may still fall back,
and what came before (lifecycle events) is held. A stream is complete only on its provider's terminal signal.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Generic, TypeVar

from spaturzu_translators.codec import BadWire, Codec, MalformedFrame
from spaturzu_translators.events import (
    Event,
    Failed,
    Finished,
    PartEnded,
    PartStarted,
    Restated,
    Started,
    UsageReported,
    is_content,
    merge_usage,
)
from spaturzu_translators.failures import Failure
from spaturzu_translators.loss import Loss
from spaturzu_translators.messages import JSONObject, Opaque, ProviderFields, ToolCall
from spaturzu_translators.one_call import FirstCall
from spaturzu_translators.requests import Request
from spaturzu_translators.responses import Candidate, Response, Usage
from spaturzu_translators.structured import Unwrapping

from .answers import MALFORMED_ANSWER, REFUSED, Refusals
from .hosted import Hosted, hosted_in, hosted_in_stream
from .kept import Kept, Said

Item = TypeVar("Item")

HELD_EVENTS, HELD_BYTES = 64, 256 * 1024
MALFORMED_IN_A_ROW = 3

TRUNCATED = Failure(kind="server", code="stream_truncated")
MALFORMED = Failure(kind="server", code="malformed_event")


class Relay(ABC, Generic[Item]):
    """`feed` gives the bytes to let out now. After it, `failure` says that the stream is over and why.

    `kept` has what came of the answer, in the caller's format. `malformed` counts events that were skipped. With
    `refusals` a stream that is a refusal and nothing else fails at its end, with nothing let out.
    """

    def __init__(
        self, codec: Codec, request: Callable[[], Request], kept: Kept | None = None, refusals: Refusals | None = None
    ) -> None:
        self.codec = codec
        self.kept = Kept(codec) if kept is None else kept
        self._refusals = refusals
        self._shows = is_content if refusals is None else refusals.shows
        self._request = request
        self.committed = False
        self.ended = False
        self.failure: Failure | None = None
        self.started: Started | None = None
        self.malformed = 0
        self.model = ""
        self._malformed_in_a_row = self._kept_before = 0
        self._held: list[bytes] = []
        self._held_bytes = self._held_events = 0

    @property
    def losses(self) -> tuple[Loss, ...]:
        """What the caller's shape could not say of this answer."""
        return ()

    @property
    @abstractmethod
    def complete(self) -> bool:
        """Has the terminal signal come?"""

    @property
    def thoughts_are_sealed(self) -> bool:
        """Does whoever answers end thoughts with a signature?"""
        return self.codec.seals_thoughts

    @abstractmethod
    def feed(self, item: Item) -> bytes:
        """The next item of the source."""

    def reader(self) -> Callable[[Item], bytes]:
        """`feed`, for the rest of a committed stream."""
        return self.feed

    @abstractmethod
    def usage(self) -> Usage | None:
        """What the provider reported so far."""

    def hosted(self) -> Hosted:
        """What the provider ran for it itself, as far as it came."""
        return hosted_in_stream(self.codec.wire, self.kept)

    def partial(self) -> Response | None:
        """What came of the answer so far; None before anything did, or where it is too long to be kept."""
        said = self.said()
        return None if said is None else said.response()

    def said(self) -> Said | None:
        """The same, and where it stands."""
        return self.kept.said(self.model)

    def end(self) -> bytes:
        """The source is exhausted."""
        self.ended = True
        return self._end()

    @abstractmethod
    def _end(self) -> bytes: ...

    def as_it_came(self) -> bytes:
        """A stream that was refused for being a refusal: all of it, let out after all."""
        self.failure = None
        return self._let_out()

    def broke(self, failure: Failure) -> bytes:
        """The source failed: nothing more comes of it."""
        self.failure = failure
        return b""

    @property
    def last_word(self) -> bytes:
        """What the provider said of the failure, where the caller's SDK hands it on as an event."""
        return b""

    def error(self) -> bytes:
        """The failure of a committed stream, as the caller's SDK is told of it inside the stream: it raises there."""
        assert self.failure is not None  # noqa: S101 - asked for after it only
        encoder = self.codec.stream_encoder(self._request())
        return b"".join(map(self.codec.frame, encoder.feed(Failed(failure=self.failure))))

    def _skip(self) -> None:
        """A malformed event is left out; too many are no accident. What may be part of a call is no detail either."""
        self.malformed += 1
        in_a_row = self._kept_before == self.kept.count
        self._malformed_in_a_row = self._malformed_in_a_row + 1 if in_a_row else 1
        self._kept_before = self.kept.count
        if self._malformed_in_a_row >= MALFORMED_IN_A_ROW or self._calls():
            self.failure = MALFORMED

    @abstractmethod
    def _calls(self) -> bool:
        """Is a tool call open? Without a fragment of its arguments it would be another call."""

    def _hold(self, data: bytes, *, content: bool) -> bytes:
        """Keep `data` until there is content, or too much is kept."""
        self._held.append(data)
        self._held_bytes += len(data)
        many = self._held_events > HELD_EVENTS and not (self._refusals and self._refusals.spoken)
        return self._let_out() if content or many or self._held_bytes > HELD_BYTES else b""

    def _let_out(self) -> bytes:
        self.committed = True
        data = b"".join(self._held)
        self._held.clear()
        return data

    def _is_refused(self, last: Iterable[Event]) -> bool:
        """It is over, with these last events: has it been a refusal and nothing else?"""
        if self._refusals is None or self.committed:
            return False
        return not any(map(self._shows, last)) and self._refusals.all


class NativeRelay(Relay[bytes]):
    """The caller's own provider answers: its events go out as they came.

    Decoded only until the commit; later only what looks odd is looked at. `hides` leaves out the chunk with the usage
    that we asked for and the caller did not, and that each other chunk has none.
    """

    def __init__(
        self,
        codec: Codec,
        request: Callable[[], Request],
        *,
        hides: bool = False,
        refusals: Refusals | None = None,
    ) -> None:
        super().__init__(codec, request, refusals=refusals)
        self._scanner, self._decoder = codec.scanner(), codec.stream_decoder("")
        self._passes, self._keep = self._scanner.passes, self.kept.add
        self._hides = hides
        self._error = b""

    def feed(self, item: bytes) -> bytes:
        """Raw bytes of the answer; what is let out are whole events."""
        data = self._fed(item)
        return data.replace(_NO_USAGE, b"") if self._hides else data

    def _fed(self, item: bytes) -> bytes:
        if self.committed and self._passes(item):
            self._keep(item)
            return item
        data = self._scanner.whole(item)
        return self._looked_at(data) if data and self.failure is None else b""

    def reader(self) -> Callable[[bytes], bytes]:
        """`feed`, for the rest of a committed stream: in one call for a piece that is one plain event."""
        return self._scanner.reader(self._keep, self.feed, _NO_USAGE if self._hides else b"")

    def _looked_at(self, data: bytes) -> bytes:
        """Whole events, one by one, up to the commit; from there on only where not all are plain."""
        if self.committed and self._scanner.plain(data):
            self._keep(data)
            return data
        out, at = list[bytes](), 0
        for raw in self._scanner.split(data):
            was = self.committed
            out.append(self._event(raw))
            at += len(raw)
            if self.failure is not None:
                break
            if self.committed and not was:
                out.append(self._looked_at(data[at:]) if at < len(data) else b"")
                break
        return b"".join(out)

    def _event(self, raw: bytes) -> bytes:
        if self.committed and self._passes(raw):
            self._keep(raw)
            return raw
        frame = self._scanner.read(raw)
        if isinstance(frame, MalformedFrame):
            self._skip()
            return b""
        events = [] if frame is None else self._events(frame)
        if self.failure is not None:
            self._error = raw
            return b""
        self._keep(raw)
        self._held_events += frame is not None  # a comment keeps the connection alive, and is no event
        if self._hides and frame is not None and _is_usage_only(frame):
            return b""
        self._scanner.learn(raw)
        return raw if self.committed else self._hold(raw, content=any(map(self._shows, events)))

    def _events(self, frame: JSONObject) -> list[Event]:
        """What a frame says; after the commit only whether it is an error."""
        decoder = self.codec.stream_decoder("") if self.committed else self._decoder
        try:
            events = decoder.feed(frame)
        except BadWire:
            return [Finished(finish_reason=None)]  # a dialect that only the caller's SDK can judge
        for event in events:
            if isinstance(event, Started) and not self.committed:
                self.started, self.model = event, event.model
            elif isinstance(event, Failed):
                self.failure = event.failure
        return events

    def _calls(self) -> bool:
        said = self.said()
        return said is not None and said.in_call

    @property
    def complete(self) -> bool:
        """Do the last bytes say that the end is the end?"""
        return self.kept.complete

    def usage(self) -> Usage | None:
        """Read from the few events that tell it."""
        return self.kept.usage(self.model)

    @property
    def last_word(self) -> bytes:
        """The provider's own error as it came, where the SDK does not raise it."""
        return self._error if self.codec.hands_errors_on else b""

    def error(self) -> bytes:
        """The provider's own error as it came, or one in its form."""
        return self._error if self._error and not self.codec.hands_errors_on else super().error()

    def as_it_came(self) -> bytes:
        """Without what is hidden."""
        data = super().as_it_came()
        return data.replace(_NO_USAGE, b"") if self._hides else data

    def _end(self) -> bytes:
        """Complete only if the last bytes say so; of an event that is not whole only those count that say it."""
        data = self._ended()
        return data.replace(_NO_USAGE, b"") if self._hides else data

    def _ended(self) -> bytes:
        rest = self._scanner.rest()
        out = self._looked_at(rest) if rest and self.failure is None else b""
        if self.failure is None and not self.complete:
            self.failure = TRUNCATED
        if self.failure is not None or self.committed:
            return out
        return self.broke(REFUSED) if self._is_refused(self._decoder.close()) else self._let_out()


_NO_USAGE = b',"usage":null'
"""What each chunk says until the last, where usage is asked for. In a text the quotes would be escaped."""


def _is_usage_only(frame: JSONObject) -> bool:
    """The chunk that `stream_options.include_usage` adds (providers.md 1.7, 2026-11-22)."""
    return frame.get("choices") == [] and frame.get("usage") is not None


class FrameRelay(Relay[JSONObject]):
    """A target answers, frame by frame. `source` is None where it is of the caller's own provider."""

    def __init__(
        self,
        codec: Codec,
        request: Request,
        *,
        source: Codec | None,
        model: str,
        renamed_tools: Mapping[str, str],
        unwrap: bool = False,
        one_call: bool = False,
        kept: Kept | None = None,
        refusals: Refusals | None = None,
        elapsed_s: Callable[[], float],
    ) -> None:
        super().__init__(codec, lambda: request, kept, refusals)
        self._source = source or codec
        self._decoder = self._source.stream_decoder(model)
        self._encoder = codec.stream_encoder(request) if source else None
        self._cannot_tell = source is not None and not codec.tells_malformed and (request.candidate_count or 1) == 1
        """Would the end of a malformed answer look like any other? Of several answers, the others may be sound."""
        self._hides = not request.stream_usage
        self._renamed = renamed_tools
        self._unwrapping = Unwrapping() if unwrap else None
        self._first_call = FirstCall() if one_call else None
        self._elapsed_s = elapsed_s
        self._finished = self._in_call = self._untold = False
        self._usage: Usage | None = None
        self._ran, self._ends = list[Opaque](), list[ProviderFields]()
        self.model = model
        self.answer_id = ""
        """What names an answer whose events do not."""

    @property
    def complete(self) -> bool:
        """Has the target finished?"""
        return self._finished

    @property
    def losses(self) -> tuple[Loss, ...]:
        """What the caller's shape could not say of this answer."""
        left_out = self._first_call.losses if self._first_call else ()
        return left_out + self._encoder.losses if self._encoder else ()

    @property
    def thoughts_are_sealed(self) -> bool:
        """Does the target end thoughts with a signature?"""
        return self._source.seals_thoughts

    def usage(self) -> Usage | None:
        """As its events told it."""
        return self._usage

    def hosted(self) -> Hosted:
        """As its events told it, in whatever shape the caller gets it."""
        candidates = (Candidate(parts=tuple(self._ran)), *(Candidate(provider_fields=own) for own in self._ends))
        return hosted_in(Response(id="", model=self.model, candidates=candidates))

    def feed(self, item: JSONObject) -> bytes:
        """A frame of the target's stream."""
        events = self._read(item)
        if events is None or self.failure is not None or self._untold:
            return b""
        return self._out(self._told(item, events), events)

    def _read(self, item: JSONObject) -> list[Event] | None:
        """The events of a frame; None for one that is skipped."""
        try:
            events = self._all_seen(self._decoder.feed(item))
        except BadWire:
            self._skip()
            return None
        self._held_events += 1
        return events

    def _calls(self) -> bool:
        return self._in_call

    def _end(self) -> bytes:
        """Complete only if the target finished."""
        if self.failure is not None:
            return b""
        events = self._all_seen(self._decoder.close())
        if not self._finished:
            return self.broke(TRUNCATED)
        if self._untold:
            return self.broke(MALFORMED_ANSWER)
        refused = self._is_refused(events)
        said = self._said(events) + self._closing()
        self.kept.add(said)
        if refused:
            self._held.append(said)
            return self.broke(REFUSED)
        return self._let_out() + said if not self.committed else said

    def _closing(self) -> bytes:
        if self._encoder is None:
            return self.codec.end
        timed = self._measured()
        return timed + b"".join(map(self.codec.frame, self._encoder.close())) + self.codec.end

    def _measured(self) -> bytes:
        """What the caller's wire says of how long it took."""
        timed = self.codec.timed
        return b"" if timed is None else self._said([Restated(provider_fields=timed(self._elapsed_s()))])

    def _out(self, data: bytes, events: list[Event]) -> bytes:
        self.kept.add(data)
        return data if self.committed else self._hold(data, content=any(map(self._shows, events)))

    def _told(self, item: JSONObject, events: list[Event]) -> bytes:
        if self._encoder is not None:
            return self._said(events)
        return b"" if self._hides and _is_usage_only(item) else self.codec.frame(item)

    def _said(self, events: Iterable[Event]) -> bytes:
        if self._encoder is None:
            return b""
        return b"".join(self.codec.frame(frame) for event in events for frame in self._encoder.feed(event))

    def _all_seen(self, events: list[Event]) -> list[Event]:
        if self._first_call is not None:
            events = [taken for event in events if (taken := self._first_call.event(event)) is not None]
        return [self._seen(event) for event in events]

    def _seen(self, event: Event) -> Event:
        if self._unwrapping is not None:
            event = self._unwrapping.event(event)
        match event:
            case Started():
                event = event if event.id else replace(event, id=self.answer_id)
                self.started, self.model = event, event.model or self.model
            case Restated():
                self.model = event.model or self.model
            case Finished():
                self._finished = True
                self._ends.append(event.provider_fields)
                self._untold |= event.finish_reason == "malformed" and self._cannot_tell
            case Failed():
                self.failure = event.failure
            case UsageReported():
                self._usage = merge_usage(self._usage, event.usage)
            case PartStarted(part=ToolCall() as part):
                self._in_call = True
                if part.name in self._renamed:
                    return replace(event, part=replace(part, name=self._renamed[part.name]))
            case PartStarted(part=Opaque() as part):
                self._ran.append(part)
            case PartEnded():
                self._in_call = False
            case _:
                pass
        return event
