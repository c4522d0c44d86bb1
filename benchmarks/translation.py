"""What a translation costs beside `json.loads` and `json.dumps` of the same payload, in all twenty directions.

A request is decoded by the caller's codec and encoded by the target's; the payload is the caller's own. A streamed
event is a text delta: its JSON text in, JSON text out, beside a conversion written by hand that gives the same JSON.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from statistics import median

from spaturzu_translators import DIRECTIONS, PROVIDERS, Direction, codec
from spaturzu_translators.events import PartStarted, Started, TextDelta
from spaturzu_translators.messages import JSONObject, Message, Part, Provider, Text, ToolCall, ToolResult
from spaturzu_translators.requests import Request, Tool, WireRequest

from .by_hand import READ, WRITE
from .measure import Row, Times, compare

ROUNDS = 101
PROSE = 'The quick brown fox said "jumps", over the lazy dog; the café was closed.\nIt went on to the next one. '


def rows() -> Iterator[Row]:
    """For each case the worst direction, and the median of all twenty."""
    yield from _case("1 turn", _requests(_chat(1)), 2.0)
    yield from _case("50 turns with tools", _requests(_with_tools(50)), 1.5)
    yield from _case("200 turns of 100 KB each", _requests(_chat(200, size=100_000)), 0.5, rounds=5)
    yield from _case("200 turns, 100 KB in all", _requests(_chat(200, size=500)), 0.5)
    yield from _summary("4 x the turns (200 with tools / 50)", _growth(), 4.4, "us")
    yield from _summary("a streamed text event / by hand, as JSON text", _events(as_text=True), 3.0, "us")
    yield from _summary("a streamed text event / by hand, as dicts", _events(as_text=False), None, "us")


def _case(name: str, bodies: dict[Provider, WireRequest], bound: float | None, rounds: int = ROUNDS) -> Iterator[Row]:
    seen = {direction: _beside_json(direction, bodies[direction.primary], rounds) for direction in DIRECTIONS}
    yield from _summary(name, seen, bound, "us")


def _summary(name: str, seen: dict[Direction, Times], bound: float | None, unit: str) -> Iterator[Row]:
    """Two lines; the bound is on the worst."""
    lines = {direction: times.row(f"{name}: {direction}", "us", bound) for direction, times in seen.items()}
    ranked = sorted(lines.values(), key=lambda row: row.judged)
    yield replace(ranked[-1], name=f"{ranked[-1].name} (worst)")
    middle = median(row.judged for row in ranked)
    near = min(ranked, key=lambda row: abs(row.judged - middle))
    yield replace(near, name=f"{name}: median of 20", ratio=middle, low=ranked[0].judged, high=ranked[-1].judged)


def _beside_json(direction: Direction, wire: WireRequest, rounds: int) -> Times:
    text = json.dumps(wire.body)
    calls = max(1, 40_000 // len(text))
    return compare(
        lambda: _times(calls, lambda: _translate(direction, wire)),
        lambda: _times(calls, lambda: json.dumps(json.loads(text))),
        rounds=rounds,
        calls=calls,
        warm=1,
    )


def _growth() -> dict[Direction, Times]:
    few, many = _requests(_with_tools(50)), _requests(_with_tools(200))
    return {
        direction: compare(
            lambda d=direction: _times(1, lambda: _translate(d, many[d.primary])),
            lambda d=direction: _times(1, lambda: _translate(d, few[d.primary])),
            rounds=ROUNDS,
        )
        for direction in DIRECTIONS
    }


def _translate(direction: Direction, wire: WireRequest) -> object:
    return codec(direction.target).encode_request(codec(direction.primary).decode_request(wire))


def _times(calls: int, work: Callable[[], object]) -> None:
    for _ in range(calls):
        work()


def _requests(request: Request) -> dict[Provider, WireRequest]:
    """One request in five shapes, its calls with the ids that each provider gives."""
    return {
        provider: codec(provider).encode_request(replace(request, messages=_named(request.messages, provider))).value
        for provider in PROVIDERS
    }


_CALL_IDS: dict[Provider, tuple[str, int]] = {
    "openai": ("call_", 24),
    "anthropic": ("toolu_01", 22),
    "bedrock": ("tooluse_", 22),
    "gemini": ("", 8),
    "mistral": ("", 9),
}
"""What a provider's call ids begin with, and how many letters and digits follow (providers.md 6.3, 2026-11-22)."""


def _named(messages: tuple[Message, ...], provider: Provider) -> tuple[Message, ...]:
    prefix, length = _CALL_IDS[provider]

    def named(part: Part) -> Part:
        match part:
            case ToolCall():
                return replace(part, id=prefix + sha256(part.id.encode()).hexdigest()[:length])
            case ToolResult():
                return replace(part, call_id=prefix + sha256(part.call_id.encode()).hexdigest()[:length])
            case _:
                return part

    return tuple(replace(message, parts=tuple(map(named, message.parts))) for message in messages)


def _prose(size: int) -> str:
    return (PROSE * (size // len(PROSE) + 1))[:size]


def _chat(turns: int, size: int = 100) -> Request:
    text = _prose(size)
    messages = [
        Message(role="assistant" if number % 2 else "user", parts=(Text(text=text),)) for number in range(turns)
    ]
    if turns % 2 == 0:
        messages.append(Message(role="user", parts=(Text(text="And now?"),)))
    return Request(
        model="m", max_tokens=500, temperature=0.5, system=(Text(text="Be brief."),), messages=tuple(messages)
    )


def _with_tools(turns: int) -> Request:
    """A question, a call, its result, an answer, and so on."""
    messages = tuple(_turn(number) for number in range(turns + 1 - turns % 2))
    names = ("weather", "search", "calendar")
    return Request(model="m", max_tokens=500, messages=messages, tools=tuple(map(_tool, names)))


def _turn(number: int) -> Message:
    call_id = f"call{number // 4:05d}"
    match number % 4:
        case 0:
            return Message(role="user", parts=(Text(text=_prose(200)),))
        case 1:
            arguments = json.dumps({"city": "Cluj", "days": number, "units": "metric"})
            return Message(role="assistant", parts=(ToolCall(id=call_id, name="weather", arguments=arguments),))
        case 2:
            content = (Text(text=_prose(400)),)
            return Message(role="user", parts=(ToolResult(call_id=call_id, name="weather", content=content),))
        case _:
            return Message(role="assistant", parts=(Text(text=_prose(200)),))


def _tool(name: str) -> Tool:
    properties = {"city": {"type": "string", "description": _prose(60)}, "days": {"type": "integer"}}
    parameters = {"type": "object", "properties": properties, "required": ["city"]}
    return Tool(name=name, description=_prose(120), parameters=parameters)


def _events(*, as_text: bool) -> dict[Direction, Times]:
    return {direction: _event(direction, as_text) for direction in DIRECTIONS}


def _event(direction: Direction, as_text: bool) -> Times:
    """Of a stream on its way from the target to the caller, the second text delta."""
    frame = _delta_frame(direction.target)
    ours, by_hand = _machine(direction), _hand(direction)
    assert ours(frame) == by_hand(frame), (direction, ours(frame), by_hand(frame))
    if not as_text:
        return compare(lambda: _times(300, lambda: ours(frame)), lambda: _times(300, lambda: by_hand(frame)),
                       rounds=ROUNDS, calls=300, warm=1)  # fmt: skip
    text = json.dumps(frame)
    return compare(
        lambda: _times(300, lambda: json.dumps(ours(json.loads(text)))),
        lambda: _times(300, lambda: json.dumps(by_hand(json.loads(text)))),
        rounds=ROUNDS,
        calls=300,
        warm=1,
    )


_OPENING = (Started(id="id", model="m", created=5), PartStarted(index=0, part=Text(text="")))


def _delta_frame(provider: Provider) -> JSONObject:
    encoder = codec(provider).stream_encoder(Request(model="m", messages=(), stream=True))
    for event in (*_OPENING, TextDelta(index=0, text="One ")):
        encoder.feed(event)
    (frame,) = encoder.feed(TextDelta(index=0, text="and two"))
    return frame


def _machine(direction: Direction) -> Callable[[JSONObject], JSONObject]:
    """Both codecs, in the middle of a stream."""
    opening = codec(direction.target).stream_encoder(Request(model="m", messages=(), stream=True))
    decoder = codec(direction.target).stream_decoder("m")
    encoder = codec(direction.primary).stream_encoder(Request(model="m", messages=(), stream=True))
    for event in (*_OPENING, TextDelta(index=0, text="One ")):
        for frame in opening.feed(event):
            for decoded in decoder.feed(frame):
                encoder.feed(decoded)

    def convert(frame: JSONObject) -> JSONObject:
        (converted,) = (said for event in decoder.feed(frame) for said in encoder.feed(event))
        return converted

    return convert


def _hand(direction: Direction) -> Callable[[JSONObject], JSONObject]:
    read, write = READ[direction.target], WRITE[direction.primary](_started(direction))

    def convert(frame: JSONObject) -> JSONObject:
        return write(read(frame))

    return convert


def _started(direction: Direction) -> JSONObject:
    """What the caller's frames say of the whole stream, read off one of ours."""
    return _machine(direction)(_delta_frame(direction.target))
