"""A streamed answer on its way to the caller: items in, the caller's bytes out. Free of I/O.

Nothing is let out before the hop is committed: its first event with content. Until then the call may still fall back,
and what came before (lifecycle events) is held. A stream is complete only on its provider's terminal signal.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Generic, TypeVar

from spaturzu_translators.codec import BadWire, Codec, MalformedFrame
from spaturzu_translators.events import Event, Failed, Finished, PartStarted, Started, is_content
from spaturzu_translators.failures import Failure
from spaturzu_translators.loss import Loss
from spaturzu_translators.messages import JSONObject, ToolCall
from spaturzu_translators.requests import Request
from spaturzu_translators.structured import Unwrapping

Item = TypeVar("Item")

HELD_EVENTS, HELD_BYTES = 64, 256 * 1024
TAIL_BYTES = 64 * 1024
"""Gemini's last event says `finishReason` before its search results: 7 KB recorded, 2026-11."""
END_BYTES = 512
"""Where the end of most streams stands; only the others are searched for it in the whole tail, which takes long."""
SLICE_BYTES = 1024

TRUNCATED = Failure(kind="server", code="stream_truncated")
MALFORMED = Failure(kind="server", code="malformed_event")


class Relay(ABC, Generic[Item]):
    """`feed` gives the bytes to let out now. After it, `failure` says that the stream is over and why."""

    def __init__(self, codec: Codec, request: Callable[[], Request]) -> None:
        self.codec = codec
        self._request = request
        self.committed = False
        self.ended = False
        self.failure: Failure | None = None
        self.model = ""
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

    @abstractmethod
    def feed(self, item: Item) -> bytes:
        """The next item of the source."""

    def end(self) -> bytes:
        """The source is exhausted."""
        self.ended = True
        return self._end()

    @abstractmethod
    def _end(self) -> bytes: ...

    def broke(self, failure: Failure) -> bytes:
        """The source failed. After the commit, the caller's SDK is told in its own in-stream form."""
        self.failure = failure
        if not self.committed:
            return b""
        encoder = self.codec.stream_encoder(self._request())
        return b"".join(map(self.codec.frame, encoder.feed(Failed(failure=failure))))

    def _hold(self, data: bytes, events: list[Event]) -> bytes:
        """Keep `data` until one of the events is content, or too much is kept."""
        self._held.append(data)
        self._held_bytes += len(data)
        full = self._held_events > HELD_EVENTS or self._held_bytes > HELD_BYTES
        return self._let_out() if full or any(map(is_content, events)) else b""

    def _let_out(self) -> bytes:
        self.committed = True
        data = b"".join(self._held)
        self._held.clear()
        return data


class NativeRelay(Relay[bytes]):
    """The caller's own provider answers: its bytes go out as they came.

    Decoded only until the commit; later only the last bytes are kept, to see that the end is the end.
    """

    def __init__(self, codec: Codec, request: Callable[[], Request]) -> None:
        super().__init__(codec, request)
        self._framer, self._decoder = codec.framer(), codec.stream_decoder("")
        self._tail: list[bytes] = []
        self._tail_bytes = 0

    def feed(self, item: bytes) -> bytes:
        """Raw bytes of the answer."""
        self._tail.append(item)
        self._tail_bytes += len(item)
        if self._tail_bytes > 4 * TAIL_BYTES:
            self._cut_tail()
        if self.committed:
            return item
        return self._hold(item, self._events(item)) if self.failure is None else b""

    @property
    def complete(self) -> bool:
        """Do the last bytes say that the end is the end?"""
        self._cut_tail()
        tail, terminal = self._tail[0], self.codec.terminal
        return any(terminal.search(tail, max(0, len(tail) - reach)) for reach in (END_BYTES, TAIL_BYTES))

    def _cut_tail(self) -> None:
        tail = b"".join(self._tail)[-TAIL_BYTES:]
        self._tail, self._tail_bytes = [tail], len(tail)

    def _events(self, data: bytes) -> list[Event]:
        """The events of `data`, up to the first with content: the rest nobody needs decoded."""
        events: list[Event] = []
        for at in range(0, len(data), SLICE_BYTES):
            for frame in self._framer.feed(data[at : at + SLICE_BYTES]):
                self._held_events += 1
                if isinstance(frame, MalformedFrame):
                    self.failure = MALFORMED
                    return []
                events += self._decoded(frame)
            if self.failure is not None or any(map(is_content, events)):
                break
        return events

    def _decoded(self, frame: JSONObject) -> list[Event]:
        try:
            events = self._decoder.feed(frame)
        except BadWire:
            return [Finished(finish_reason=None)]  # a dialect that only the caller's SDK can judge
        for event in events:
            if isinstance(event, Started):
                self.model = event.model
            elif isinstance(event, Failed):
                self.failure = event.failure
        return events

    def _end(self) -> bytes:
        """Complete only if the last bytes say so."""
        return self._let_out() if self.complete else self.broke(TRUNCATED)


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
    ) -> None:
        super().__init__(codec, lambda: request)
        self._decoder = (source or codec).stream_decoder(model)
        self._encoder = codec.stream_encoder(request) if source else None
        self._renamed = renamed_tools
        self._unwrapping = Unwrapping() if unwrap else None
        self._finished = False
        self.model = model

    @property
    def complete(self) -> bool:
        """Has the target finished?"""
        return self._finished

    @property
    def losses(self) -> tuple[Loss, ...]:
        """What the caller's shape could not say of this answer."""
        return self._encoder.losses if self._encoder else ()

    def feed(self, item: JSONObject) -> bytes:
        """A frame of the target's stream."""
        self._held_events += 1
        try:
            events = [self._seen(event) for event in self._decoder.feed(item)]
        except BadWire:
            return self.broke(MALFORMED)
        if self.failure is not None:
            return self.broke(self.failure)
        return self._out(self._said(events) if self._encoder else self.codec.frame(item), events)

    def _end(self) -> bytes:
        """Complete only if the target finished."""
        events = [self._seen(event) for event in self._decoder.close()]
        if not self._finished:
            return self.broke(TRUNCATED)
        closing = self._encoder.close() if self._encoder else []
        said = self._said(events) + b"".join(map(self.codec.frame, closing)) + self.codec.end
        return self._let_out() + said if not self.committed else said

    def _out(self, data: bytes, events: list[Event]) -> bytes:
        return data if self.committed else self._hold(data, events)

    def _said(self, events: list[Event]) -> bytes:
        if self._encoder is None:
            return b""
        return b"".join(self.codec.frame(frame) for event in events for frame in self._encoder.feed(event))

    def _seen(self, event: Event) -> Event:
        if self._unwrapping is not None:
            event = self._unwrapping.event(event)
        match event:
            case Started():
                self.model = event.model or self.model
            case Finished():
                self._finished = True
            case Failed():
                self.failure = event.failure
            case PartStarted(part=ToolCall() as part) if part.name in self._renamed:
                return replace(event, part=replace(part, name=self._renamed[part.name]))
            case _:
                pass
        return event
