"""AWS event-stream framing (application/vnd.amazon.eventstream): incremental, both ways, checksums verified.

A frame is `{event type: payload}`, as botocore shows it. Layout: total length, headers length, their CRC-32,
headers, payload, CRC-32 of all before it; all big-endian. Source: the AWS documentation of the encoding.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable, Iterator

from .codec import MalformedFrame
from .messages import JSON, JSONObject
from .sse import json_bytes

_PRELUDE = struct.Struct(">III")
_MAX_FRAME = 16 * 1024 * 1024 + 16
_HEADER_SIZES = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}


class EventStreamFramer:
    """Frames `{event type or exception type: payload}`.

    A bad checksum is a MalformedFrame; that of a prelude ends the reading, since nobody knows where the next begins.
    """

    __slots__ = ("_broken", "_buffer")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._broken = False

    def feed(self, data: bytes) -> list[JSONObject | MalformedFrame]:
        """The frames that `data` completes."""
        if self._broken:
            return []
        self._buffer += data
        frames: list[JSONObject | MalformedFrame] = []
        while (frame := self._next()) is not None:
            frames.append(frame)
        return frames

    def close(self) -> list[JSONObject | MalformedFrame]:
        """The end of the bytes: half a frame is malformed."""
        if self._broken or not self._buffer:
            return []
        return [self._give_up(f"the bytes end inside a frame, {len(self._buffer)} bytes of it came")]

    def _next(self) -> JSONObject | MalformedFrame | None:
        if self._broken or len(self._buffer) < _PRELUDE.size:
            return None
        total, headers_length, prelude_crc = _PRELUDE.unpack_from(self._buffer)
        if zlib.crc32(self._buffer[:8]) != prelude_crc or not 16 + headers_length <= total <= _MAX_FRAME:
            return self._give_up("a frame's prelude fails its checksum")
        if len(self._buffer) < total:
            return None
        message = bytes(self._buffer[:total])
        del self._buffer[:total]
        if zlib.crc32(message[:-4]) != int.from_bytes(message[-4:], "big"):
            return MalformedFrame("a frame fails its checksum")
        return _parsed(message[12 : 12 + headers_length], message[12 + headers_length : -4])

    def _give_up(self, why: str) -> MalformedFrame:
        self._broken = True
        self._buffer.clear()
        return MalformedFrame(why)


class EventStreamScanner:
    """Whole frames as they came, for a stream that goes on to a reader of its own; decoded only where they look odd."""

    __slots__ = ("_held", "_lost")

    def __init__(self) -> None:
        self._held = b""
        self._lost = False

    def whole(self, data: bytes) -> bytes:
        """What is whole of `data` and of what was held before; the rest is held."""
        data = self._held + data if self._held else data
        end = self._end(data)
        self._held = data[end:]
        return data[:end] if self._held else data

    def _end(self, data: bytes) -> int:
        """Where the last whole frame ends. After a broken prelude nobody knows: then all is whole."""
        at, size = 0, len(data)
        while size - at >= _PRELUDE.size and not self._lost:
            total = int.from_bytes(data[at : at + 4], "big")
            self._lost = not 16 <= total <= _MAX_FRAME
            if self._lost or at + total > size:
                break
            at += total
        return size if self._lost else at

    def rest(self) -> bytes:
        """The end of the bytes: what was held."""
        rest, self._held = self._held, b""
        return rest

    def passes(self, data: bytes) -> bool:
        """Is `data`, with nothing held before it, one whole frame whose checksum holds, and no error?"""
        return len(data) == int.from_bytes(data[:4], "big") and not self._held and self.plain(data)

    def reader(
        self, keep: Callable[[bytes], None], odd: Callable[[bytes], bytes], without: bytes = b""
    ) -> Callable[[bytes], bytes]:
        """What `passes` is kept and given back; all else is `odd`'s to do. Nothing is left out of a frame."""

        def read(data: bytes) -> bytes:
            if self.passes(data):
                keep(data)
                return data
            return odd(data)

        return read

    def plain(self, data: bytes) -> bool:
        """Are these whole frames nothing but events whose checksums hold, none of them an error?"""
        if b":exception-type" in data or b":error-code" in data:
            return False
        at, view = 0, memoryview(data)
        while at < len(data):
            end = at + int.from_bytes(view[at : at + 4], "big")
            if end <= at or zlib.crc32(view[at : end - 4]) != int.from_bytes(view[end - 4 : end], "big"):
                return False
            at = end
        return True

    def learn(self, event: bytes) -> None:
        """Checksums need no examples."""

    def split(self, data: bytes) -> Iterator[bytes]:
        """Each of these whole frames."""
        at = 0
        while at < len(data):
            size = int.from_bytes(data[at : at + 4], "big")
            end = at + size if _PRELUDE.size <= size <= len(data) - at else len(data)
            yield data[at:end]
            at = end

    def read(self, event: bytes) -> JSONObject | MalformedFrame | None:
        """What one whole frame says."""
        framer = EventStreamFramer()
        said = [*framer.feed(event), *framer.close()]
        return said[0] if said else None


def _parsed(headers: bytes, payload: bytes) -> JSONObject | MalformedFrame:
    try:
        named = _headers(headers)
        value: JSON = json.loads(payload) if payload else {}
    except (ValueError, RecursionError, struct.error, IndexError, KeyError) as error:
        return MalformedFrame(f"a frame of {len(payload)} payload bytes is unreadable ({type(error).__name__})")
    kind = named.get(":exception-type") or named.get(":event-type") or named.get(":error-code")
    return {kind: value} if kind else MalformedFrame("a frame names no event type")


def _headers(data: bytes) -> dict[str, str]:
    """The string headers; others are skipped by their size."""
    headers: dict[str, str] = {}
    at = 0
    while at < len(data):
        name = data[at + 1 : at + 1 + data[at]].decode()
        at += 1 + data[at]
        kind, at = data[at], at + 1
        if kind in (6, 7):
            (length,) = struct.unpack_from(">H", data, at)
            headers[name] = data[at + 2 : at + 2 + length].decode()
            at += 2 + length
        else:
            at += _HEADER_SIZES[kind]
    return headers


def event_frame(frame: JSONObject) -> bytes:
    """`{name: payload}` as bytes. A name that ends in `Exception` becomes an exception frame."""
    ((name, payload),) = frame.items()
    kind = "exception" if name.endswith("Exception") else "event"
    headers = b"".join(
        _string_header(header, value)
        for header, value in (
            (f":{kind}-type", name),
            (":content-type", "application/json"),
            (":message-type", kind),
        )
    )
    body = json_bytes(payload)
    prelude = struct.pack(">II", 16 + len(headers) + len(body), len(headers))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + headers + body
    return message + struct.pack(">I", zlib.crc32(message))


def _string_header(name: str, value: str) -> bytes:
    return bytes([len(name)]) + name.encode() + b"\x07" + struct.pack(">H", len(value.encode())) + value.encode()
