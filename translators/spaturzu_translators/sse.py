"""Server-sent events that carry JSON: incremental, both ways. Lines end in LF, CRLF or CR, as the standard allows."""

from __future__ import annotations

import json
from typing import cast

from .codec import MalformedFrame
from .messages import JSONObject

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


def _parsed(payload: bytes) -> list[JSONObject | MalformedFrame]:
    if payload.strip() in (b"[DONE]", b""):
        return []
    try:
        value = json.loads(payload)
    except ValueError as error:
        return [MalformedFrame(f"an event of {len(payload)} bytes is not JSON ({type(error).__name__})")]
    return [cast(JSONObject, value)] if isinstance(value, dict) else [MalformedFrame("an event is not a JSON object")]


def json_bytes(value: JSONObject) -> bytes:
    """Compact JSON. Half of a surrogate pair, which models do write, has no UTF-8: then all is escaped."""
    try:
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()


def data_frame(frame: JSONObject) -> bytes:
    """`frame` as an event without a name."""
    return b"data: " + json_bytes(frame) + b"\n\n"


def named_frame(name: str, frame: JSONObject) -> bytes:
    """`frame` as an event called `name`."""
    return b"event: " + name.encode() + b"\n" + data_frame(frame)
