"""Server-sent events that carry JSON: incremental, both ways. Lines end in LF, CRLF or CR, as the standard allows."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import cast

from .codec import BadWire, MalformedFrame
from .messages import JSONObject
from .sse_patterns import Matches, beginning, is_utf8, known, made, outline

MAX_EVENT_BYTES = 64 * 1024 * 1024


class SseFramer:
    """`data:` payloads as JSON objects. `[DONE]`, comments and empty events give nothing."""

    __slots__ = ("_buffer", "_data")

    def __init__(self) -> None:
        self._buffer = b""
        self._data: list[bytes] = []

    def feed(self, data: bytes) -> list[JSONObject | MalformedFrame]:
        """The frames that `data` completes."""
        buffer = self._buffer + data
        held = buffer.endswith(b"\r")  # a CR at the end may be half of a CRLF
        lines = (buffer[:-1] if held else buffer).replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        self._buffer = lines.pop() + (b"\r" if held else b"")
        if len(self._buffer) > MAX_EVENT_BYTES:
            self._buffer = b""
            return [MalformedFrame(f"a line of over {MAX_EVENT_BYTES} bytes")]
        return [frame for line in lines for frame in self._line(line)]

    def close(self) -> list[JSONObject | MalformedFrame]:
        """The end of the bytes. An event that only lacks its blank line still counts."""
        return [*self.feed(b"\n\n"), *self.feed(b"\n")] if self._buffer or self._data else []

    def _line(self, line: bytes) -> list[JSONObject | MalformedFrame]:
        if line.startswith(b"data:"):
            self._data.append(line[6:] if line[5:6] == b" " else line[5:])
            return []
        if line or not self._data:
            return []
        payload, self._data = b"\n".join(self._data), []
        return _parsed(payload)


_BREAKS = (b"\n\n", b"\r\n\r\n", b"\r\r")
_BREAK = re.compile(b"|".join(_BREAKS))

_MOST_KINDS = 8
_MOST_LOOKS = 8
"""At how many pieces of a stream it is looked how they begin."""
_NEVER = b"\n\n"
"""No event begins with it."""


class SseScanner:
    """Whole events as they came, for a stream that goes on to a reader of its own; decoded only where they look odd."""

    __slots__ = ("_held", "_kinds", "_matches", "_seen")

    def __init__(self) -> None:
        self._held = bytearray()
        self._seen: set[bytes] = set()
        self._kinds: list[Matches] = []
        self._matches: Matches = _nothing
        """The first of the kinds: what came last comes next."""

    def whole(self, data: bytes) -> bytes:
        """What is whole of `data` and of what was held before; the rest is held."""
        if not self._held and data.endswith((b"\n\n", b"\r\n\r\n")):
            return data
        held, start, end = self._held, max(0, len(self._held) - 3), 0
        held += data
        for gap in _BREAKS:
            at = held.rfind(gap, max(start, end))
            end = at + len(gap) if at >= 0 else end
        found = bytes(held[:end])
        del held[:end]
        if len(held) > MAX_EVENT_BYTES:
            return found + self.rest()
        return found

    def rest(self) -> bytes:
        """The end of the bytes: what was held."""
        rest = bytes(self._held)
        self._held.clear()
        return rest

    def passes(self, data: bytes) -> bool:
        """Is `data`, with nothing held before it, one or more whole events of a kind that was learned?"""
        return not self._held and self.plain(data)

    def reader(
        self, keep: Callable[[bytes], None], odd: Callable[[bytes], bytes], without: bytes = b""
    ) -> Callable[[bytes], bytes]:
        """What `passes` is kept and given back, all else is `odd`'s to do. One call for each piece of a stream."""
        held, head, at, rest = self._held, _NEVER, 0, _nothing
        last, looks = b"", _MOST_LOOKS

        def read(data: bytes) -> bytes:
            """One event that begins as the last ones did, or else any number of them."""
            if not data.startswith(head) or not rest(data, at) or held or not (data.isascii() or is_utf8(data)):
                return read_any(data)
            keep(data)
            return data.replace(without, b"") if without else data

        def read_any(data: bytes) -> bytes:
            nonlocal head, at, rest, last, looks
            if not self.passes(data):
                return odd(data)
            if looks and data != last:
                looks -= 1
                head, rest = beginning(data, last) or (head, rest)
                at, last = len(head), data
            keep(data)
            return data.replace(without, b"") if without else data

        return read

    def plain(self, data: bytes) -> bool:
        """The same of events that were given back as whole."""
        if self._matches(data):
            return data.isascii() or is_utf8(data)
        return self._is_of_another_kind(data)

    def _is_of_another_kind(self, data: bytes) -> bool:
        for at, matches in enumerate(self._kinds):
            if at and matches(data):
                self._kinds.insert(0, self._kinds.pop(at))
                self._matches = matches
                return data.isascii() or is_utf8(data)
        return False

    def learn(self, event: bytes) -> None:
        """One that was read, and is harmless. Its kind is learned once there has been another of it."""
        outlined = outline(event)
        matches = known(event, outlined)
        if matches is None and outlined in self._seen:
            matches = made(event, outlined)
        if matches is None:
            self._seen.add(outlined)
        elif matches not in self._kinds and len(self._kinds) < _MOST_KINDS:
            self._kinds.insert(0, matches)
            self._matches = matches

    def split(self, data: bytes) -> Iterator[bytes]:
        """Each of these whole events."""
        at = 0
        for gap in _BREAK.finditer(data):
            yield data[at : gap.end()]
            at = gap.end()
        if at < len(data):
            yield data[at:]

    def read(self, event: bytes) -> JSONObject | MalformedFrame | None:
        """What one whole event says: nothing, if it is a comment, empty or `[DONE]`."""
        framer = SseFramer()
        said = [*framer.feed(event), *framer.close()]
        return said[0] if said else None


def _nothing(data: bytes, at: int = 0) -> None:
    """Matches what no kind has been learned of."""


def _parsed(payload: bytes) -> list[JSONObject | MalformedFrame]:
    if payload.strip() in (b"[DONE]", b""):
        return []
    try:
        value = json.loads(payload)
    except (ValueError, RecursionError) as error:
        return [MalformedFrame(f"an event of {len(payload)} bytes is not JSON ({type(error).__name__})")]
    return [cast(JSONObject, value)] if isinstance(value, dict) else [MalformedFrame("an event is not a JSON object")]


def json_bytes(value: JSONObject) -> bytes:
    """Compact JSON. Half of a surrogate pair, which models do write, has no UTF-8: then all is escaped."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()
    except RecursionError:
        raise BadWire("an event is nested too deeply to be written") from None


def data_frame(frame: JSONObject) -> bytes:
    """`frame` as an event without a name."""
    return b"data: " + json_bytes(frame) + b"\n\n"


def named_frame(name: str, frame: JSONObject) -> bytes:
    """`frame` as an event called `name`."""
    return b"event: " + name.encode() + b"\n" + data_frame(frame)
