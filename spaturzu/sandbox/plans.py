"""From a step of the script to the actions that answer a request. Pure: the server performs them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from itertools import groupby
from typing import TypeAlias, assert_never

from spaturzu_translators.messages import JSONObject

from .dialects import Asked, Dialect
from .errors import NativeError, native_error
from .faults import (
    Cut,
    ErrorEvent,
    Failing,
    Framing,
    Held,
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
from .ids import SERIAL
from .replies import Reply
from .server import Abort, Action, HangUp, Send, Wait

Plan: TypeAlias = tuple[Action, ...]

_READING_TIME_S = 0.02
"""What was sent before a reset may be lost with it; so long a client has to read it."""

_PHRASES: dict[int, str] = {status.value: status.phrase for status in HTTPStatus} | {529: "Overloaded"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    """An answer before HTTP frames it: a stream's events, or a plain body in two halves."""

    headers: Mapping[str, str]
    parts: tuple[bytes, ...]
    streamed: bool
    opening: int = 0
    terminal: int = 0
    status: int = 200

    def place(self, after_events: int, after_deltas: int | None) -> int:
        """Before which of the parts a fault strikes; a plain body has one such place, its half.

        A stream with fewer deltas is struck all the same, before it says that it is complete.
        """
        if not self.streamed:
            return 1
        if after_deltas is None:
            return after_events
        return min(self.opening + after_deltas, len(self.parts) - self.terminal)

    def head(self, sent: Iterable[bytes], framing: Framing = "right") -> Send:
        """The head of a response whose body will be `sent`."""
        match framing, self.streamed:
            case "missing", _:
                length = {}
            case _, True:
                length = {"transfer-encoding": "chunked"}
            case _:
                parts = sent if framing == "right" else self.parts
                length = {"content-length": str(sum(map(len, parts)))}
        return Send(_head(self.status, {**self.headers, **length}))

    def framed(self, sent: Iterable[bytes], framing: Framing = "right") -> list[Action]:
        """The body's parts in their framing, without the end."""
        if self.streamed and framing != "missing":
            return [Send(b"%x\r\n%b\r\n" % (len(part), part)) for part in sent if part]
        return [Send(part) for part in sent]

    @property
    def end(self) -> list[Action]:
        """What ends a body in right framing."""
        return [Send(b"0\r\n\r\n")] if self.streamed else []

    def whole(self, parts: tuple[bytes, ...] | None = None) -> list[Action]:
        """The whole answer, or `parts` as if they were the whole."""
        sent = self.parts if parts is None else parts
        return [self.head(sent), *self.framed(sent), *self.end]


def _head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} {_PHRASES.get(status, 'Unknown')}", *(f"{name}: {headers[name]}" for name in headers)]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def plan(step: Step, asked: Asked, dialect: Dialect, default: Reply, serial: str = SERIAL) -> Plan:
    """How `dialect`'s provider answers by `step`. `default` is the reply that a fault breaks if it names none."""
    return _merged(step, _actions(step, asked, dialect, default, serial))


def json_plan(dialect: Dialect, body: JSONObject) -> Plan:
    """A 200 with `body`."""
    return _merged(None, _answer_of_body(dialect, body).whole())


def error_plan(dialect: Dialect, error: NativeError) -> Plan:
    """An error answer."""
    return _merged(None, _answer_of_body(dialect, error.body, error.status, error.headers).whole())


def spoken(step: Step, default: Reply) -> Reply | None:
    """The reply that `step` says, whole or in part."""
    match step:
        case Reply():
            return step
        case Reset() | Cut() | Stall() | Malformed() | ErrorEvent() | NoTerminal():
            return step.reply or default
        case Held():
            return spoken(step.step, default)
        case _:
            return None


def _actions(step: Step, asked: Asked, dialect: Dialect, default: Reply, serial: str) -> list[Action]:
    match step:
        case Reply():
            return _reply(step, asked, dialect, serial)
        case Status():
            return [*_pause(step.delay_s), *_status(step, dialect).whole()]
        case Failing():
            return _failing(step, asked, dialect).whole()
        case Outage():
            return _status(Status(step.status, headers=step.headers), dialect).whole()
        case Html():
            headers = {"content-type": "text/html; charset=utf-8"}
            return _answer_of_body(dialect, step.body, step.status, headers).whole()
        case Silence():
            return [Wait(step.seconds), HangUp()]
        case Refused():
            return [Abort()]
        case Held():
            return [Wait(step.seconds, step.until), *_actions(step.step, asked, dialect, default, serial)]
        case Reset() | Cut() | Stall() | Malformed() | ErrorEvent() | NoTerminal():
            reply = step.reply or default
            return [*_pause(reply.delay_s), *_broken(step, _answer(reply, asked, dialect, serial), asked, dialect)]
        case _:
            assert_never(step)


def _pause(seconds: float) -> list[Action]:
    return [Wait(seconds)] if seconds else []


def _reply(reply: Reply, asked: Asked, dialect: Dialect, serial: str) -> list[Action]:
    answer = _answer(reply, asked, dialect, serial)
    if not (answer.streamed and reply.chunk_delay_s):
        return [*_pause(reply.delay_s), *answer.whole()]
    first, *others = answer.framed(answer.parts)
    spaced = [action for part in others for action in (Wait(reply.chunk_delay_s), part)]
    return [*_pause(reply.delay_s), answer.head(answer.parts), first, *spaced, *answer.end]


def _answer(reply: Reply, asked: Asked, dialect: Dialect, serial: str) -> _Answer:
    if reply.body is not None:
        raw = {"content-type": dialect.stream_type} if asked.stream and not isinstance(reply.body, dict) else {}
        return _answer_of_body(dialect, reply.body, headers={"content-type": dialect.json_type, **raw, **reply.headers})
    if not asked.stream:
        return _answer_of_body(dialect, dialect.plain(reply, asked, serial), headers=reply.headers)
    stream = dialect.stream(reply, asked, serial)
    headers = _headers(dialect, {"content-type": dialect.stream_type, "cache-control": "no-cache", **reply.headers})
    return _Answer(
        headers=headers, parts=stream.events, streamed=True, opening=stream.opening, terminal=stream.terminal
    )


def _answer_of_body(
    dialect: Dialect, body: JSONObject | str | bytes, status: int = 200, headers: Mapping[str, str] | None = None
) -> _Answer:
    data, kind = _data(body, dialect)
    half = (len(data) + 1) // 2
    return _Answer(
        status=status,
        headers=_headers(dialect, {"content-type": kind, **(headers or {})}),
        parts=(data[:half], data[half:]),
        streamed=False,
    )


def _data(body: JSONObject | str | bytes, dialect: Dialect) -> tuple[bytes, str]:
    match body:
        case dict():
            return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode(), dialect.json_type
        case str():
            return body.encode(), "text/plain; charset=utf-8"
        case _:
            return body, "application/octet-stream"


def _headers(dialect: Dialect, headers: Mapping[str, str]) -> dict[str, str]:
    name, prefix = dialect.id_header
    lower = {name.lower(): value for name, value in headers.items()}
    return {"server": "spaturzu-sandbox", name: f"{prefix}{SERIAL}", **lower}


def _status(status: Status, dialect: Dialect) -> _Answer:
    native = native_error(dialect.provider, status.status)
    if status.body is None:
        return _answer_of_body(dialect, native.body, status.status, {**native.headers, **status.headers})
    return _answer_of_body(dialect, status.body, status.status, status.headers)


def _failing(failing: Failing, asked: Asked, dialect: Dialect) -> _Answer:
    """A failure that comes on a 200 is a stream where a stream was asked for."""
    native = native_error(dialect.provider, failing.kind)
    headers = {**native.headers, **failing.headers}
    if native.status == HTTPStatus.OK and asked.stream:
        streamed = _headers(dialect, {"content-type": dialect.stream_type, **headers})
        return _Answer(headers=streamed, parts=dialect.blocked, streamed=True)
    return _answer_of_body(dialect, native.body, native.status, headers)


_Breaking: TypeAlias = Reset | Cut | Stall | Malformed | ErrorEvent | NoTerminal


def _broken(fault: _Breaking, answer: _Answer, asked: Asked, dialect: Dialect) -> list[Action]:
    match fault:
        case Reset():
            return _reset(fault, answer)
        case Cut():
            sent = _cut_parts(fault, answer)
            closing = replace(answer, headers={**answer.headers, "connection": "close"})
            end = answer.end if fault.framing == "right" else []
            return [closing.head(sent, fault.framing), *closing.framed(sent, fault.framing), *end, HangUp()]
        case Stall():
            at = answer.place(fault.after_events, fault.after_deltas)
            before, after = answer.framed(answer.parts[:at]), answer.framed(answer.parts[at:])
            return [answer.head(answer.parts), *before, Wait(fault.seconds), *after, *answer.end]
        case Malformed():
            if not answer.streamed:
                return _answer_of_body(dialect, fault.text, headers={"content-type": dialect.json_type}).whole()
            at = answer.place(fault.after_events, fault.after_deltas)
            broken = (dialect.broken_event(fault.text),) * fault.count
            return answer.whole((*answer.parts[:at], *broken, *answer.parts[at:]))
        case ErrorEvent():
            if not answer.streamed:
                return _answer_of_body(dialect, native_error(dialect.provider, fault.kind).body).whole()
            at = answer.place(fault.after_events, fault.after_deltas)
            return answer.whole((*answer.parts[:at], dialect.error_event(fault.kind, asked)))
        case NoTerminal():
            return answer.whole(answer.parts[: -answer.terminal] if answer.terminal else None)
        case _:
            assert_never(fault)


def _cut_parts(fault: Cut, answer: _Answer) -> tuple[bytes, ...]:
    at = answer.place(fault.after_events, fault.after_deltas)
    half = [part[: len(part) // 2] for part in answer.parts[at:][:1] if fault.inside and answer.streamed]
    return (*answer.parts[:at], *half)


def _reset(fault: Reset, answer: _Answer) -> list[Action]:
    if fault.after_events is not None or fault.after_deltas is not None:
        sent = answer.parts[: answer.place(fault.after_events or 0, fault.after_deltas)]
        return [answer.head(sent, "wrong"), *answer.framed(sent), Wait(_READING_TIME_S), Abort()]
    data = b"".join(action.data for action in answer.whole() if isinstance(action, Send))[: fault.after_bytes]
    return [Send(data), Wait(_READING_TIME_S), Abort()] if data else [Abort()]


def _merged(step: Step | None, actions: list[Action]) -> Plan:
    """Neighbouring sends as one, unless the reply wants each event to leave by itself."""
    if isinstance(step, Held):
        return _merged(step.step, actions)
    if isinstance(step, Reply) and step.flush_each:
        return tuple(actions)
    merged: list[Action] = []
    for is_send, group in groupby(actions, lambda action: isinstance(action, Send)):
        run = list(group)
        merged += [Send(b"".join(each.data for each in run if isinstance(each, Send)))] if is_send else run
    return tuple(merged)
