"""A chat completion as a stream: `data: {chunk}` events, then `data: [DONE]`. Here they are read; `chunks` writes them.

Order of chunks and the shape of an error inside a stream: providers.md section 1.7, 2026-11-22.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ..codec import BadWire, as_list, as_object, as_seconds, replayed
from ..events import (
    ArgumentsDelta,
    Event,
    Failed,
    Finished,
    PartEnded,
    PartStarted,
    Restated,
    Started,
    TextDelta,
    UsageReported,
    last_word,
)
from ..ids import map_id
from ..messages import JSON, JSONObject, Opaque, Part, Reasoning, Refusal, Text, ToolCall
from ..requests import Request
from ..sse import data_frame
from .chunks import StreamEncoder
from .errors import decode_error_object
from .parts import call_extras, extras, keep, text_of
from .response import candidate_fields, decode_reason, decode_usage, top_fields

END = b"data: [DONE]\n\n"
TERMINAL = re.compile(rb"\"finish_reason\": ?\"")
"""A choice's reason. `[DONE]` is not looked at: some compatible servers leave it out, some send it after a cut."""

__all__ = ["END", "TERMINAL", "StreamDecoder", "StreamEncoder", "continuing", "frame"]

_WHO = "openai stream"
_DELTA = frozenset({"role", "content", "refusal", "tool_calls", "function_call", "reasoning_content", "audio"})
_TEXTS: tuple[tuple[str, type[Reasoning] | type[Text] | type[Refusal]], ...] = (
    ("reasoning_content", Reasoning),
    ("content", Text),
    ("refusal", Refusal),
)


def frame(value: JSONObject) -> bytes:
    """A chunk's bytes."""
    return data_frame(value)


@dataclass(slots=True)
class _Choice:
    """What one choice has said so far."""

    number: int
    parts: list[Part] = field(default_factory=list[Part])
    is_open: bool = False
    calls: dict[int, int] = field(default_factory=dict[int, int])
    """The wire's index of a call to its part's index."""
    call_ids: dict[int, str] = field(default_factory=dict[int, str])
    custom: JSONObject | None = None
    """A custom tool's call, which is opaque and so has to be whole."""
    audio: JSONObject | None = None
    logprobs: dict[str, list[JSON]] = field(default_factory=dict[str, "list[JSON]"])
    fields: dict[str, JSON] = field(default_factory=dict[str, JSON])
    in_message: dict[str, JSON] = field(default_factory=dict[str, JSON])
    finished: bool = False

    def start(self, part: Part) -> list[Event]:
        """End what is open and begin `part`."""
        events = self.end()
        self.parts.append(part)
        self.is_open = True
        return [*events, PartStarted(index=len(self.parts) - 1, part=part, candidate=self.number)]

    def end(self) -> list[Event]:
        """End the open part; a custom call, whole by now, is said here."""
        events: list[Event] = []
        if self.is_open:
            self.is_open = False
            events.append(PartEnded(index=len(self.parts) - 1, candidate=self.number))
        if self.custom is not None:
            value, self.custom = self.custom, None
            events += [*self.start(Opaque(issuer="openai", value=value)), *self.end()]
        return events


class StreamDecoder:
    """Chunks in, canonical events out. A part ends where another kind begins: the wire marks no ends."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._id = self._served = ""
        self._started = False
        self._failed = False
        self._held: dict[str, JSON] = {}
        self._choices: dict[int, _Choice] = {}

    def feed(self, frame: JSONObject) -> list[Event]:
        """The events of one chunk. Raises BadWire on what is not a chunk."""
        if self._failed:
            return []  # a chunk with usage of 0 may still come
        if frame.get("error"):
            self._failed = True
            return [Failed(failure=decode_error_object(frame["error"]))]
        choices, usage = frame.get("choices"), frame.get("usage")
        if choices is None and usage is None:
            raise BadWire(
                f"{_WHO}: a chunk has neither choices, usage nor an error, its keys are {sorted(frame)!r:.80}"
            )
        events = self._restated(frame) if self._started else self._start(frame)
        for item in as_list(choices or [], f"{_WHO}: choices"):
            events += self._feed_choice(as_object(item, f"{_WHO}: choices"))
        if usage is not None:
            events.append(UsageReported(usage=decode_usage(usage, f"{_WHO}: usage")))
        return events

    def close(self) -> list[Event]:
        """Nothing is held back."""
        return []

    def _start(self, frame: JSONObject) -> list[Event]:
        """Started, with the first chunk that has an id: Azure's first one has none, but says what it filtered."""
        self._held |= top_fields(frame)
        if not frame.get("id") and not frame.get("choices"):
            return []
        self._started = True
        self._id = text_of(frame.get("id") or "", f"{_WHO}: id")
        self._served = text_of(frame.get("model") or "", f"{_WHO}: model")
        return [
            Started(
                id=self._id,
                model=self._served or self._model,
                created=as_seconds(frame.get("created"), f"{_WHO}: created"),
                provider_fields=keep({**self._held}),
            )
        ]

    def _restated(self, frame: JSONObject) -> list[Event]:
        """What a chunk says of the whole answer that no chunk before it said so."""
        events = last_word(self._held, top_fields(frame), keep)
        served = frame.get("model")
        if served and served != self._served:
            self._served = text_of(served, f"{_WHO}: model")
            events.append(Restated(model=self._served))
        if not self._id and frame.get("id"):
            self._id = text_of(frame["id"], f"{_WHO}: id")
            events.append(Restated(id=self._id))
        return events

    def _feed_choice(self, item: JSONObject) -> list[Event]:
        number = item.get("index", 0)
        if type(number) is not int:
            raise BadWire(f"{_WHO}: choices[].index must be an integer, found {type(number).__name__}")
        choice = self._choices.setdefault(number, _Choice(number))
        if choice.finished:
            return []
        delta = as_object(item.get("delta") or {}, f"{_WHO}: choices[{number}].delta")
        events = _feed_texts(choice, delta) + self._feed_calls(choice, delta)
        if delta.get("audio") is not None:
            _add_audio(choice, as_object(delta["audio"], f"{_WHO}: delta.audio"))
        if item.get("logprobs") is not None:
            _add_logprobs(choice, as_object(item["logprobs"], f"{_WHO}: logprobs"))
        choice.in_message |= extras(delta, _DELTA)
        choice.fields |= candidate_fields(item, {})
        return events if item.get("finish_reason") is None else events + _finish(choice, item["finish_reason"])

    def _feed_calls(self, choice: _Choice, delta: JSONObject) -> list[Event]:
        events: list[Event] = []
        if delta.get("tool_calls") is not None:
            for number, item in enumerate(as_list(delta["tool_calls"], f"{_WHO}: delta.tool_calls")):
                events += self._feed_call(choice, as_object(item, f"{_WHO}: delta.tool_calls"), number)
        if delta.get("function_call") is not None:
            function = as_object(delta["function_call"], f"{_WHO}: delta.function_call")
            events += self._feed_call(choice, {"index": 0, "function": function}, 0)
        return events

    def _feed_call(self, choice: _Choice, call: JSONObject, number: int) -> list[Event]:
        index: JSON = call.get("index")
        index = number if type(index) is not int else index
        if call.get("type") == "custom" or call.get("custom") is not None:
            return _feed_custom(choice, call)
        function = as_object(call.get("function") or {}, f"{_WHO}: delta.tool_calls[].function")
        events: list[Event] = []
        if index not in choice.calls or _is_another(choice, index, call, function):
            events = choice.end()
            events += choice.start(self._call(choice, call, function, index))
        return events + _feed_arguments(choice, index, function)

    def _call(self, choice: _Choice, call: JSONObject, function: JSONObject, index: int) -> ToolCall:
        where = f"{_WHO}: delta.tool_calls[{index}]"
        default_id = map_id("openai", f"call_{self._id}_{choice.number}_{len(choice.parts)}")
        call_id = text_of(call.get("id") or default_id, f"{where}.id")
        choice.calls[index], choice.call_ids[index] = len(choice.parts), call_id
        name = text_of(function.get("name") or "", f"{where}.function.name")
        return ToolCall(id=call_id, name=name, provider_fields=keep(call_extras(call)))


def _is_another(choice: _Choice, index: int, call: JSONObject, function: JSONObject) -> bool:
    """Some compatible servers give every call the same index; a new id with a name is a new call."""
    return bool(call.get("id") and function.get("name")) and call["id"] != choice.call_ids[index]


def _feed_arguments(choice: _Choice, index: int, function: JSONObject) -> list[Event]:
    arguments = text_of(function.get("arguments") or "", f"{_WHO}: delta.tool_calls[{index}].function.arguments")
    if not arguments:
        return []
    part = choice.calls[index]
    if part != len(choice.parts) - 1 or not choice.is_open:
        raise BadWire(f"{_WHO}: arguments of tool call {index} came after the next part had begun")
    return [ArgumentsDelta(index=part, arguments=arguments, candidate=choice.number)]


def _feed_texts(choice: _Choice, delta: JSONObject) -> list[Event]:
    events: list[Event] = []
    for name, kind in _TEXTS:
        if text := delta.get(name):
            text_of(text, f"{_WHO}: delta.{name}")
            if not choice.is_open or not isinstance(choice.parts[-1], kind):
                events += choice.start(Reasoning(issuer="openai") if kind is Reasoning else kind(text=""))
            events.append(TextDelta(index=len(choice.parts) - 1, text=text, candidate=choice.number))
    return events


def _feed_custom(choice: _Choice, call: JSONObject) -> list[Event]:
    """A custom tool's call, gathered: its first fragment has the name, all have more of the input."""
    custom = as_object(call.get("custom") or {}, f"{_WHO}: delta.tool_calls[].custom")
    events: list[Event] = []
    if choice.custom is None or call.get("id"):
        events = choice.end()
        named = {"name": custom.get("name"), "input": ""}
        choice.custom = {"id": call.get("id") or "", "type": "custom", "custom": named}
    choice.custom["custom"]["input"] += text_of(custom.get("input") or "", f"{_WHO}: delta.tool_calls[].custom.input")
    return events


def _add_audio(choice: _Choice, audio: JSONObject) -> None:
    choice.audio = choice.audio or {}
    for name, value in audio.items():
        joins = name in ("data", "transcript") and isinstance(value, str)
        choice.audio[name] = choice.audio.get(name, "") + value if joins else value


def _add_logprobs(choice: _Choice, logprobs: JSONObject) -> None:
    for name, items in logprobs.items():
        if items is not None:
            choice.logprobs.setdefault(name, []).extend(as_list(items, f"{_WHO}: logprobs.{name}"))


def _finish(choice: _Choice, reason: JSON) -> list[Event]:
    choice.finished = True
    events = choice.end()
    if choice.audio is not None:
        events += choice.start(Opaque(issuer="openai", value={"audio": choice.audio})) + choice.end()
    finished = Finished(
        finish_reason=decode_reason(reason, choice.parts),
        candidate=choice.number,
        logprobs=choice.logprobs or None,
        provider_fields=keep(choice.fields | ({"message": choice.in_message} if choice.in_message else {})),
    )
    return [*events, finished]


def continuing(request: Request, frames: list[JSONObject]) -> StreamEncoder:
    """An encoder that goes on with a stream of which `frames` were sent."""
    encoder = StreamEncoder(request)
    replayed(StreamDecoder(request.model), encoder, frames)
    return encoder
