"""What a stream has said so far: kept as it goes by, read when somebody asks, off the caller's path or at a break."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice

from spaturzu_translators.codec import BadWire, Codec, MalformedFrame, StreamDecoder
from spaturzu_translators.events import (
    Event,
    Failed,
    Finished,
    Folding,
    PartEnded,
    PartStarted,
    UsageReported,
    merge_usage,
)
from spaturzu_translators.messages import JSONObject, Part, Reasoning, Text, ToolCall
from spaturzu_translators.responses import Response, Usage

PIECES = 32_768
"""Of a stream in more pieces only the last ones are kept: it can be metered, but not resumed."""
TAIL_BYTES = 64 * 1024
"""Gemini's last event says `finishReason` before its search results: 7 KB recorded, 2026-11."""
END_BYTES = 512
"""Where the end of most streams stands; only the others are searched for it in the whole tail, which takes long."""


class Kept:
    """Whole events in `codec`'s format, in pieces. `add(piece)` takes the next ones."""

    __slots__ = ("_codec", "_pieces", "add")

    def __init__(self, codec: Codec, pieces: Iterable[bytes] = ()) -> None:
        self._codec = codec
        self._pieces = deque(pieces, PIECES)
        self.add: Callable[[bytes], None] = self._pieces.append
        """The container's own: it is called for each piece of a stream."""

    @property
    def count(self) -> int:
        """How many pieces there are."""
        return len(self._pieces)

    def copy(self) -> Kept:
        """The same, to go on with."""
        return Kept(self._codec, self._pieces)

    def _last(self, size: int) -> list[bytes]:
        """The last pieces, which together have `size` bytes at least, if there are as many."""
        found = list[bytes]()
        for piece in reversed(self._pieces):
            if size <= 0:
                break
            found.append(piece)
            size -= len(piece)
        return found[::-1]

    @property
    def complete(self) -> bool:
        """Do the last bytes say that the end is the end?"""
        terminal = self._codec.terminal
        for reach in (END_BYTES, TAIL_BYTES):
            tail = b"".join(self._last(reach))
            if terminal.search(tail, max(0, len(tail) - reach)):
                return True
        return False

    def frames(self, trace: re.Pattern[bytes]) -> Iterator[JSONObject]:
        """Those in which `trace` is found."""
        if not any(map(trace.search, self._pieces)):
            return
        scanner = self._codec.scanner()
        for raw in scanner.split(b"".join(self._pieces)):
            frame = scanner.read(raw) if trace.search(raw) else None
            if isinstance(frame, dict):
                yield frame

    def said(self, model: str) -> Said | None:
        """All that they say; None where not all are kept. `model` was asked for, where they name none."""
        if len(self._pieces) == PIECES:
            return None
        framer = self._codec.framer()
        frames = [*framer.feed(b"".join(self._pieces)), *framer.close()]
        return Said([frame for frame in frames if not isinstance(frame, MalformedFrame)], self._codec, model)

    def usage(self, model: str) -> Usage | None:
        """By the first events that name it and the last ones: each replaces what it knows."""
        scanner, usage = self._codec.scanner(), None
        first = islice(scanner.split(b"".join(islice(self._pieces, 1))), 2)
        last = [raw for raw in scanner.split(b"".join(self._last(END_BYTES * 8))) if b'"usage' in raw][-3:]
        decoder = self._codec.stream_decoder(model)
        for raw in (*first, *last):
            frame = scanner.read(raw)
            for event in _events(decoder, frame) if isinstance(frame, dict) else ():
                usage = merge_usage(usage, event.usage) if isinstance(event, UsageReported) else usage
        return usage


def _events(decoder: StreamDecoder, frame: JSONObject) -> list[Event]:
    """A dialect that only the caller's SDK can judge says nothing here."""
    try:
        return decoder.feed(frame)
    except BadWire:
        return []


def is_whole(arguments: str) -> bool:
    """Is it a JSON document, and not the beginning of one?"""
    try:
        json.loads(arguments)
    except (ValueError, RecursionError):
        return False
    return True


class Said:
    """An answer that is not over: its frames, its parts, and which of them are open."""

    def __init__(self, frames: list[JSONObject], codec: Codec, model: str) -> None:
        self.frames = frames
        self.parts: dict[tuple[int, int], Part] = {}
        """By candidate and index, as they began."""
        self.open: set[tuple[int, int]] = set()
        self.finished = False
        self._folding = Folding()
        decoder = codec.stream_decoder(model)
        for frame in frames:
            for event in _events(decoder, frame):
                self._add(event)

    def _add(self, event: Event) -> None:
        match event:
            case Failed():
                return
            case PartStarted():
                self.parts[event.candidate, event.index] = event.part
                self.open.add((event.candidate, event.index))
            case PartEnded():
                self.open.discard((event.candidate, event.index))
            case Finished():
                self.finished = True
            case _:
                pass
        self._folding.add(event)

    @property
    def in_call(self) -> bool:
        """Is a tool call open?"""
        return any(isinstance(self.parts[place], ToolCall) for place in self.open)

    @property
    def is_in_first_call(self) -> bool:
        """Is a tool call open, and nothing but text and thoughts before it? One whose arguments are whole is as good as
        closed: a caller that reads them may have made it.
        """
        response = self.response()
        parts = response.candidates[0].parts if self.in_call and response and response.candidates else ()
        if not parts or not isinstance(parts[-1], ToolCall) or is_whole(parts[-1].arguments):
            return False
        return all(isinstance(part, Text | Reasoning) for part in parts[:-1])

    def response(self) -> Response | None:
        """So far."""
        try:
            return self._folding.response()
        except ValueError:  # nothing but events without a start
            return None
