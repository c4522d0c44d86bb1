"""A response as a stream: `event: {type}`, `data: {event}`. Here it is read; `frames` writes it.

Order of events, and the three forms of an error: providers.md section 1.R and recorded traffic, 2026-11. There is no
`[DONE]`: the last event has the whole response.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from ..codec import BadWire, FailedAnswer, as_list, as_object, as_seconds, replayed
from ..events import (
    ArgumentsDelta,
    Event,
    Failed,
    Finished,
    PartEnded,
    PartStarted,
    Restated,
    SignatureDelta,
    Started,
    TextDelta,
    UsageReported,
    last_word,
)
from ..messages import JSON, JSONObject, Part, ProviderFields, Reasoning, Refusal, Text, ToolCall
from ..requests import Request
from ..sse import named_frame
from .errors import decode_error_object
from .fields import given_id, keep, own, text_of
from .frames import StreamEncoder
from .items import REASONING, item_fields
from .response import (
    MESSAGE,
    check_status,
    decode_item,
    decode_reason,
    decode_usage,
    logprobs_of,
    top_fields,
)

END = b""
TERMINAL = re.compile(
    rb'(?:"type": ?"response\.(?:completed|incomplete|failed)"|"usage": ?\{)[^\r\n]*\}[\r\n]\s*'
    rb"(?:data: ?\[DONE\]\s*)?\Z"
)
"""The last event is whole: its name, or, where the answer is longer than what is kept, the usage that only it has."""

__all__ = ["END", "TERMINAL", "StreamDecoder", "StreamEncoder", "continuing", "frame"]

_WHO = "openai responses stream"


def frame(value: JSONObject) -> bytes:
    """An event's bytes."""
    return named_frame(str(value.get("type", "error")), value)


@dataclass(slots=True)
class _Open:
    """An output item that has begun. `parts` maps its content's index to the part's own."""

    item: JSONObject
    parts: dict[int, int] = field(default_factory=dict[int, int])
    ended: set[int] = field(default_factory=set[int])
    told: bool = False
    """Have deltas come?"""
    summarises: bool = False
    """Do they tell a summary, or else the thoughts themselves?"""
    paragraph: int = 0


class StreamDecoder:
    """Events in, canonical events out. What has no name in the canonical form is told whole when it is done."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._started = self._over = False
        self._items: dict[int, _Open] = {}
        self._parts: list[Part] = []
        self._done: set[int] = set()
        self._id = self._served = ""
        self._told: dict[str, JSON] = {}
        self._told_shared: dict[str, JSON] = {}
        self._logprobs: list[JSON] = []

    def feed(self, frame: JSONObject) -> list[Event]:
        """The canonical events of one event. Raises BadWire on what is none."""
        kind = frame.get("type")
        if kind == "error" or frame.get("error"):
            return self._fail(frame.get("error") or frame)
        if not isinstance(kind, str):
            raise BadWire(f"{_WHO}: an event has neither a type nor an error, its keys are {sorted(frame)!r:.80}")
        read = self._READERS.get(kind)
        if read is None or self._over:
            return []
        if self._started or "response" in frame:
            return read(self, frame)
        return [*self._start({}), *read(self, frame)]  # compatible servers may not say that it begins

    def close(self) -> list[Event]:
        """Nothing is held back."""
        return []

    def _fail(self, error: JSON) -> list[Event]:
        if self._over:
            return []
        self._over = True
        return [Failed(failure=decode_error_object(error))]

    def _begin(self, frame: JSONObject) -> list[Event]:
        response = as_object(frame.get("response"), f"{_WHO}: response")
        return self._start(response)

    def _start(self, response: JSONObject) -> list[Event]:
        fields = top_fields(response)
        if self._started:
            return self._restated(response, fields)
        self._started = True
        self._served = text_of(response.get("model") or self._model, f"{_WHO}: model")
        self._id = given_id(text_of(response.get("id") or "", f"{_WHO}: id"))
        self._told |= own(fields)
        self._told_shared |= fields.get("openai", {})
        return [
            Started(
                id=self._id,
                model=self._served,
                created=as_seconds(response.get("created_at"), f"{_WHO}: created_at"),
                provider_fields=fields,
            )
        ]

    def _restated(self, response: JSONObject, fields: ProviderFields) -> list[Event]:
        """Each event that has the response has all of it: the tier that served, and what was filtered, come late."""
        events = last_word(self._told, own(fields), keep)
        events += last_word(self._told_shared, fields.get("openai", {}), lambda news: keep({}, news))
        served = text_of(response.get("model") or self._served, f"{_WHO}: model")
        if served != self._served:
            self._served = served
            events.append(Restated(model=served))
        given = given_id(text_of(response.get("id") or "", f"{_WHO}: id"))
        if given and given != self._id:
            self._id = given
            events.append(Restated(id=given))
        return events

    def _add_item(self, frame: JSONObject) -> list[Event]:
        item = as_object(frame.get("item") or {}, f"{_WHO}: item")
        number = _index(frame, "output_index")
        if number in self._items:
            raise BadWire(f"{_WHO}: item {number} began twice")
        opened = self._items[number] = _Open(item)
        match item.get("type"):
            case "reasoning":
                fields = item_fields({**item, "status": None}, REASONING)
                kept = keep({"item": fields} if fields else {})
                return self._start_part(opened, 0, Reasoning(issuer="openai", provider_fields=kept))
            case "function_call":
                return self._start_part(opened, 0, self._call(item))
            case _:
                return []

    def _call(self, item: JSONObject) -> ToolCall:
        call = decode_item({**item, "arguments": "", "status": None}, f"{_WHO}: item", [])[0]
        assert isinstance(call, ToolCall)  # noqa: S101 - its type says so
        return call

    def _start_part(self, opened: _Open, content: int, part: Part) -> list[Event]:
        opened.parts[content] = len(self._parts)
        self._parts.append(part)
        return [PartStarted(index=opened.parts[content], part=part)]

    def _opened(self, frame: JSONObject) -> _Open:
        number = _index(frame, "output_index")
        if number not in self._items or number in self._done:
            raise BadWire(f"{_WHO}: {frame.get('type')} for item {number}, which is not open")
        return self._items[number]

    def _add_content(self, frame: JSONObject) -> list[Event]:
        opened = self._opened(frame)
        return self._content(opened, _index(frame, "content_index"), as_object(frame.get("part"), f"{_WHO}: part"))

    def _content(self, opened: _Open, content: int, part: JSONObject) -> list[Event]:
        if opened.item.get("type") != "message" or content in opened.parts:
            return []
        match part.get("type"):
            case "output_text":
                return self._start_part(opened, content, Text(text="", provider_fields=_beside(opened)))
            case "refusal":
                return self._start_part(opened, content, Refusal(text="", provider_fields=_beside(opened)))
            case _:
                return []

    def _add_text(self, frame: JSONObject) -> list[Event]:
        opened, content = self._opened(frame), _index(frame, "content_index")
        self._logprobs += as_list(frame.get("logprobs") or [], f"{_WHO}: logprobs")
        kind = "refusal" if frame["type"] == "response.refusal.delta" else "output_text"
        if content in opened.ended:
            raise BadWire(f"{_WHO}: {frame['type']} for content {content}, which has ended")
        events = self._content(opened, content, {"type": kind})
        opened.told = True
        return events + _text(opened.parts.get(content), frame)

    def _add_thought(self, frame: JSONObject) -> list[Event]:
        """A summary, whose next paragraph has the next index, or the thoughts themselves: whichever came first."""
        opened = self._opened(frame)
        is_summary = frame["type"] == "response.reasoning_summary_text.delta"
        if 0 not in opened.parts or (opened.told and is_summary != opened.summarises):
            return []
        paragraph = _index(frame, "summary_index" if is_summary else "content_index")
        parted = opened.told and paragraph != opened.paragraph
        opened.summarises, opened.told, opened.paragraph = is_summary, True, paragraph
        index = opened.parts[0]
        return [*([TextDelta(index=index, text="\n\n")] if parted else []), *_text(index, frame)]

    def _add_arguments(self, frame: JSONObject) -> list[Event]:
        opened = self._opened(frame)
        delta = text_of(frame.get("delta") or "", f"{_WHO}: delta")
        if not delta or 0 not in opened.parts:
            return []
        opened.told = True
        return [ArgumentsDelta(index=opened.parts[0], arguments=delta)]

    def _end_content(self, frame: JSONObject) -> list[Event]:
        opened, content = self._opened(frame), _index(frame, "content_index")
        part = as_object(frame.get("part") or {}, f"{_WHO}: part")
        return self._end_part(opened, content, part)

    def _end_part(self, opened: _Open, content: int, part: JSONObject) -> list[Event]:
        """The end of a message's part, with its citations."""
        if content not in opened.parts or content in opened.ended or opened.item.get("type") != "message":
            return []
        opened.ended.add(content)
        annotations = as_list(part.get("annotations") or [], f"{_WHO}: part.annotations")
        return [
            PartEnded(
                index=opened.parts[content], provider_fields=keep({"annotations": annotations} if annotations else {})
            )
        ]

    def _end_item(self, frame: JSONObject) -> list[Event]:
        number = _index(frame, "output_index")
        item = as_object(frame.get("item"), f"{_WHO}: item")
        if number in self._done:
            return []
        self._done.add(number)
        opened = self._items.setdefault(number, _Open(item))
        if item.get("type") != opened.item.get("type"):
            raise BadWire(f"{_WHO}: item {number} ends as another type than it began")
        where = f"{_WHO}: item"
        logprobs: list[JSON] = []
        if not opened.parts:
            events = self._whole(decode_item(item, where, logprobs))
            self._logprobs += logprobs
            return events
        match item.get("type"):
            case "message":
                return self._end_message(opened, item)
            case "reasoning":
                return self._end_thoughts(opened, item, where)
            case _:
                return self._end_call(opened, item, where)

    def _end_message(self, opened: _Open, item: JSONObject) -> list[Event]:
        content = [as_object(part, _WHO) for part in as_list(item.get("content") or [], _WHO)]
        events: list[Event] = []
        for at, part in enumerate(content):
            if at in opened.parts:
                events += self._end_part(opened, at, part)
            else:
                told = {**item, "content": [part]}
                events += self._whole(decode_item(told, _WHO, self._logprobs))
        return events

    def _end_thoughts(self, opened: _Open, item: JSONObject, where: str) -> list[Event]:
        """The encrypted content that counts comes with the end, and so does what thoughts say beside themselves."""
        index, whole = opened.parts[0], decode_item(item, where, [])[0]
        assert isinstance(whole, Reasoning)  # noqa: S101 - its type says so
        events: list[Event] = []
        if whole.text and not opened.told:
            events.append(TextDelta(index=index, text=whole.text))
        if whole.signature is not None:
            events.append(SignatureDelta(index=index, signature=whole.signature))
        self._parts[index] = whole
        return [*events, PartEnded(index=index, provider_fields=whole.provider_fields)]

    def _end_call(self, opened: _Open, item: JSONObject, where: str) -> list[Event]:
        index = opened.parts[0]
        arguments = text_of(item.get("arguments") or "", f"{where}.arguments")
        events: list[Event] = []
        if arguments and not opened.told:
            events.append(ArgumentsDelta(index=index, arguments=arguments))
        return [*events, PartEnded(index=index)]

    def _whole(self, parts: list[Part]) -> list[Event]:
        """Parts that come at once."""
        events: list[Event] = []
        for part in parts:
            index = len(self._parts)
            self._parts.append(part)
            events += [PartStarted(index=index, part=part), PartEnded(index=index)]
        return events

    def _finish(self, frame: JSONObject) -> list[Event]:
        response = as_object(frame.get("response"), f"{_WHO}: response")
        try:
            check_status(response)
        except FailedAnswer as failed:
            self._over = True
            return [Failed(failure=failed.failure)]
        events = self._start(response)
        for number, item in enumerate(as_list(response.get("output") or [], f"{_WHO}: output")):
            if number not in self._done:
                events += self._end_item({"output_index": number, "item": item})
        self._over = True
        reason = decode_reason(response, self._parts)
        logprobs = logprobs_of(_told_logprobs(response) or self._logprobs)
        if response.get("usage") is not None:
            events.append(UsageReported(usage=decode_usage(response["usage"], f"{_WHO}: usage")))
        return [*events, Finished(finish_reason=reason, logprobs=logprobs)]

    _READERS: ClassVar[dict[str, Callable[[StreamDecoder, JSONObject], list[Event]]]] = {
        "response.created": _begin,
        "response.in_progress": _begin,
        "response.queued": _begin,
        "response.output_item.added": _add_item,
        "response.content_part.added": _add_content,
        "response.output_text.delta": _add_text,
        "response.refusal.delta": _add_text,
        "response.reasoning_summary_text.delta": _add_thought,
        "response.reasoning_text.delta": _add_thought,
        "response.function_call_arguments.delta": _add_arguments,
        "response.content_part.done": _end_content,
        "response.output_item.done": _end_item,
        "response.completed": _finish,
        "response.incomplete": _finish,
        "response.failed": _finish,
    }


def _told_logprobs(response: JSONObject) -> list[JSON]:
    """The tokens' logprobs as the whole response has them: more of each than the deltas told."""
    tokens: list[JSON] = []
    for item in as_list(response.get("output") or [], f"{_WHO}: output"):
        decode_item(as_object(item, f"{_WHO}: output"), f"{_WHO}: output", tokens)
    return tokens


def _beside(opened: _Open) -> Mapping[str, Mapping[str, JSON]]:
    """What a message says beside its content, at its first part."""
    fields = {} if opened.parts else item_fields({**opened.item, "status": None}, MESSAGE)
    return keep({"item": fields} if fields else {})


def _text(index: int | None, frame: JSONObject) -> list[Event]:
    delta = text_of(frame.get("delta") or "", f"{_WHO}: delta")
    return [TextDelta(index=index, text=delta)] if delta and index is not None else []


def _index(frame: JSONObject, name: str) -> int:
    value = frame.get(name, 0)
    if type(value) is not int:
        raise BadWire(f"{_WHO}: {name} must be an integer, found {type(value).__name__}")
    return value


def continuing(request: Request, frames: list[JSONObject]) -> StreamEncoder:
    """An encoder that goes on with a stream of which `frames` were sent, and with their numbers."""
    encoder = StreamEncoder(request)
    replayed(StreamDecoder(request.model), encoder, frames)
    encoder.release()
    encoder.number_from(1 + max((_index(frame, "sequence_number") for frame in frames), default=-1))
    return encoder
