"""Streams: `CompletionChunk` objects in `data:` lines, ended by `[DONE]`. Source: providers.md 5.7, 2026-11-22.

Calls come whole, usage on the last chunk. A chunk with a finish reason may still carry content.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import cast

from ..codec import BadWire, as_object, replayed
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
    merge_usage,
)
from ..foreign import UNSIGNED
from ..loss import Loss, Losses, foreign_event_fields
from ..messages import JSON, JSONObject, Opaque, Part, Reasoning, Refusal, Text, ToolCall
from ..requests import Request
from ..responses import Usage
from ..sse import data_frame
from .content import arguments_text, decode_call, decode_chunk, encode_part, think_chunk
from .errors import decode_stream_error, encode_stream_error, is_error
from .reading import OWN, integer, kept, maybe_object, objects, own_fields, rest_of, string, wrong
from .response import (
    decode_usage,
    encode_answer_call,
    encode_finish,
    encode_logprobs,
    encode_usage,
    finish_fields,
    finish_reason,
)

HERE = "mistral stream"
TERMINAL = re.compile(rb'"finish_reason":\s*"')
"""It cannot stand in a JSON string, where quotes are escaped."""
END = b"data: [DONE]\n\n"
CONTENT_TYPE = "text/event-stream"
frame = data_frame

_CHUNK = frozenset({"id", "object", "created", "model", "choices", "usage", "p"})
"""`p` is padding of random length that hides how long a token was."""
_CHOICE = frozenset({"index", "delta", "finish_reason", "logprobs"})


class StreamDecoder:
    """Chunks in, events out."""

    __slots__ = ("_candidates", "_id", "_model", "_served", "_started", "_told")

    def __init__(self, model: str) -> None:
        self._model = model
        self._started = False
        self._id = self._served = ""
        self._told: dict[str, JSON] = {}
        self._candidates: dict[int, _Reading] = {}

    def feed(self, frame: JSONObject) -> list[Event]:
        """The events of one chunk. Raises BadWire."""
        if is_error(frame):
            return [Failed(failure=decode_stream_error(frame))]
        if "choices" not in frame:
            raise BadWire(f"{HERE}: expected a chunk with choices, found {sorted(frame)[:8]}")
        events = self._restated(frame) if self._started else [self._start(frame)]
        for choice in objects(frame, "choices", HERE):
            events += self._choice(choice)
        usage = decode_usage(maybe_object(frame, "usage", HERE), f"{HERE}: usage")
        return events if usage is None else [*events, UsageReported(usage=usage)]

    def close(self) -> list[Event]:
        """Nothing is held back."""
        return []

    def _start(self, frame: JSONObject) -> Event:
        self._started = True
        self._id = string(frame, "id", HERE) or ""
        self._served = string(frame, "model", HERE) or self._model
        fields = rest_of(frame, _CHUNK)
        self._told |= own_fields(fields)
        return Started(
            id=self._id,
            model=self._served,
            created=integer(frame, "created", HERE) or None,
            provider_fields=fields,
        )

    def _restated(self, frame: JSONObject) -> list[Event]:
        """What a chunk says of the whole answer that no chunk before it said so."""
        fields = rest_of(frame, _CHUNK)
        events = last_word(self._told, own_fields(fields), kept) if fields else []
        served = string(frame, "model", HERE) or self._served
        if served != self._served:
            self._served = served
            events.append(Restated(model=served))
        if not self._id and (given := string(frame, "id", HERE)):
            self._id = given
            events.append(Restated(id=given))
        return events

    def _choice(self, choice: JSONObject) -> list[Event]:
        number = integer(choice, "index", f"{HERE}: choice") or 0
        if number not in self._candidates:
            self._candidates[number] = _Reading(number, f"{self._id} {number}")
        return self._candidates[number].feed(choice)


class _Reading:
    """One candidate while its chunks arrive: which part is open, and what only its end can say."""

    __slots__ = ("_calls", "_finished", "_logprobs", "_next", "_number", "_open", "_seed")

    def __init__(self, number: int, seed: str) -> None:
        self._number = number
        self._seed = seed
        self._next = 0
        self._calls = 0
        self._open: Part | None = None
        self._logprobs: list[JSON] | None = None
        self._finished = False

    def feed(self, choice: JSONObject) -> list[Event]:
        who = f"{HERE}: choices[{self._number}]"
        delta = maybe_object(choice, "delta", who) or {}
        events = self._content(delta.get("content"), f"{who}.delta.content")
        for at, call in enumerate(objects(delta, "tool_calls", f"{who}.delta")):
            events += self._call(call, f"{who}.delta.tool_calls[{at}]")
        logprobs = maybe_object(choice, "logprobs", who)
        if logprobs is not None:
            self._logprobs = self._logprobs or []
            self._logprobs += objects(logprobs, "content", f"{who}.logprobs")
        reason = string(choice, "finish_reason", who)
        return events if reason is None or self._finished else [*events, *self._finish(reason, choice)]

    def _content(self, value: JSON, who: str) -> list[Event]:
        """Text, or chunks of which the first may go on with the open part."""
        if value is None or value == "":
            return []
        if isinstance(value, str):
            return self._part(Text(text=value))
        if not isinstance(value, list):
            raise wrong(who, "a string or a list of chunks", value)
        chunks = cast("list[JSON]", value)
        return [
            event
            for at, chunk in enumerate(chunks)
            for event in self._part(decode_chunk(as_object(chunk, f"{who}[{at}]"), f"{who}[{at}]"))
        ]

    def _part(self, part: Part) -> list[Event]:
        match part:
            case Text():
                started = [] if isinstance(self._open, Text) else self._begin(replace(part, text=""))
                return [*started, *self._more(part.text)]
            case Reasoning():
                opening = Reasoning(issuer=OWN)
                started = [] if isinstance(self._open, Reasoning) else self._begin(opening)
                return [*started, *self._more(part.text), *self._signature(part.signature)]
            case _:
                return [*self._begin(part), *self._end()]

    def _more(self, text: str) -> list[Event]:
        return [TextDelta(index=self._next - 1, text=text, candidate=self._number)] if text else []

    def _signature(self, signature: str | None) -> list[Event]:
        if signature is None:
            return []
        return [SignatureDelta(index=self._next - 1, signature=signature, candidate=self._number)]

    def _call(self, call: JSONObject, who: str) -> list[Event]:
        """A whole call; a nameless piece goes on with the open one, as some compatible servers send it."""
        function = maybe_object(call, "function", who) or {}
        if isinstance(self._open, ToolCall) and not function.get("name"):
            return self._arguments(arguments_text(function.get("arguments"), f"{who}.function"))
        whole = decode_call(call, who, f"{self._seed} {self._calls}")
        self._calls += 1
        return [*self._begin(replace(whole, arguments="")), *self._arguments(whole.arguments)]

    def _arguments(self, text: str) -> list[Event]:
        return [ArgumentsDelta(index=self._next - 1, arguments=text, candidate=self._number)] if text else []

    def _begin(self, part: Part) -> list[Event]:
        ended = self._end()
        self._open = part
        self._next += 1
        return [*ended, PartStarted(index=self._next - 1, part=part, candidate=self._number)]

    def _end(self) -> list[Event]:
        if self._open is None:
            return []
        self._open = None
        return [PartEnded(index=self._next - 1, candidate=self._number)]

    def _finish(self, reason: str, choice: JSONObject) -> list[Event]:
        self._finished = True
        return [
            *self._end(),
            Finished(
                finish_reason=finish_reason(reason, calls=self._calls > 0),
                candidate=self._number,
                logprobs=None if self._logprobs is None else {"content": self._logprobs},
                provider_fields=finish_fields(reason, rest_of(choice, _CHOICE)),
            ),
        ]


class StreamEncoder:
    """Events in, chunks out. The last finished candidate waits for the usage that belongs on its chunk."""

    __slots__ = ("_candidates", "_head", "_held", "_late", "_report", "_usage")

    def __init__(self, request: Request) -> None:
        self._head: JSONObject = {"id": "", "object": "chat.completion.chunk", "created": 0, "model": request.model}
        self._candidates: dict[int, _Writing] = {}
        self._held: list[JSONObject] = []
        self._late: dict[str, JSON] = {}
        self._usage: Usage | None = None
        self._report = Losses()

    @property
    def losses(self) -> tuple[Loss, ...]:
        """What could not be said so far."""
        return self._report.found()

    def feed(self, event: Event) -> list[JSONObject]:
        """The chunks that say `event`."""
        match event:
            case Started():
                return self._start(event)
            case Restated():
                self._report.extend(foreign_event_fields(event.provider_fields, "", OWN))
                self._late |= own_fields(event.provider_fields)
                self._late |= {"model": event.model} if event.model else {}
                self._late |= {"id": event.id} if event.id else {}
                return []
            case UsageReported():
                self._usage = merge_usage(self._usage, event.usage)
                return []
            case Failed():
                return [*self._release(), encode_stream_error(event.failure)]
            case Finished():
                return self._finish(event)
            case _:
                opening = self._opening(event.candidate)
                deltas = self._candidates[event.candidate].feed(event)
                return [*opening, *(self._chunk(event.candidate, delta) for delta in deltas)]

    def close(self) -> list[JSONObject]:
        """The held chunk, with usage and with what was said late of the whole answer."""
        chunks, usage = self._release(), self._usage
        if usage is None and not self._late:
            return chunks
        last: JSONObject = {**(chunks[-1] if chunks else {**self._head, "choices": []}), **self._late}
        if usage is None:
            return [*chunks[:-1], last]
        self._report.extend(foreign_event_fields(usage.provider_fields, "usage", OWN))
        return [*chunks[:-1], {**last, "usage": encode_usage(usage, self._report)}]

    def _start(self, event: Started) -> list[JSONObject]:
        self._report.extend(foreign_event_fields(event.provider_fields, "", OWN))
        self._head.update(id=event.id, created=event.created or 0, model=event.model)
        own = own_fields(event.provider_fields)
        return [{**chunk, **own} for chunk in self._opening(0)]

    def _opening(self, candidate: int) -> list[JSONObject]:
        """A candidate's first chunk names the role."""
        if candidate in self._candidates:
            return []
        self._candidates[candidate] = _Writing(f"candidates[{candidate}]", self._report)
        return [self._chunk(candidate, {"role": "assistant", "content": ""})]

    def _chunk(self, candidate: int, delta: JSONObject) -> JSONObject:
        return {**self._head, "choices": [{"index": candidate, "delta": delta, "finish_reason": None}]}

    def _finish(self, event: Finished) -> list[JSONObject]:
        chunks = [*self._opening(event.candidate), *self._release()]
        path = f"candidates[{event.candidate}]"
        self._report.extend(foreign_event_fields(event.provider_fields, path, OWN))
        if event.stop_sequence is not None:
            self._report.drop(f"{path}.stop_sequence")
        calls = self._candidates[event.candidate].calls > 0
        chunk = self._chunk(event.candidate, {"content": ""})
        chunk["choices"][0].update(
            **encode_finish(event.finish_reason, event.provider_fields, path, self._report, calls=calls, stream=True),
            **encode_logprobs(event.logprobs, path, self._report),
        )
        self._held = [chunk]
        return chunks

    def _release(self) -> list[JSONObject]:
        held, self._held = self._held, []
        return held


class _Writing:
    """One candidate while it is written: `feed` gives the deltas of an event."""

    __slots__ = ("_arguments", "_last", "_parts", "_path", "_report", "_written", "calls")

    def __init__(self, path: str, report: Losses) -> None:
        self.calls = 0
        self._path = path
        self._report = report
        self._parts: dict[int, Part] = {}
        self._arguments: dict[int, list[str]] = {}
        self._written: set[int] = set()
        self._last: type[Part] | None = None

    def feed(self, event: PartStarted | TextDelta | ArgumentsDelta | SignatureDelta | PartEnded) -> list[JSONObject]:
        match event:
            case PartStarted():
                return self._begin(event.index, event.part)
            case TextDelta():
                return self._text(event.index, event.text)
            case ArgumentsDelta():
                self._arguments.setdefault(event.index, []).append(event.arguments)
                return []
            case SignatureDelta():
                return self._signature(event.index, event.signature)
            case PartEnded():
                self._report.extend(foreign_event_fields(event.provider_fields, self._place(event.index), OWN))
                for name in own_fields(event.provider_fields):  # the chunk that they belong to is gone
                    self._report.drop(f"{self._place(event.index)}.provider_fields.{OWN}.{name}")
                return self._end(event.index, self._parts[event.index])

    def _place(self, index: int) -> str:
        return f"{self._path}.parts[{index}]"

    def _begin(self, index: int, part: Part) -> list[JSONObject]:
        self._parts[index] = part
        self._report.extend(foreign_event_fields(part.provider_fields, self._place(index), OWN))
        match part:
            case Text() | Refusal():
                return self._text(index, part.text)
            case Reasoning():
                started = self._text(index, part.text)
                return started if part.signature is None else [*started, *self._signature(index, part.signature)]
            case ToolCall():
                self._arguments[index] = [part.arguments]
                return []
            case _:
                chunk = encode_part(part, self._place(index), self._report)
                return [] if chunk is None else self._wrote(index, part, {"content": [chunk]})

    def _text(self, index: int, text: str) -> list[JSONObject]:
        if not text:
            return []
        part = self._parts[index]
        own = own_fields(part.provider_fields)
        if isinstance(part, Reasoning):
            mark = None if part.issuer == OWN else UNSIGNED
            return self._wrote(index, part, {"content": [think_chunk(text, mark, own)]})
        return self._wrote(index, part, {"content": [{"type": "text", "text": text, **own}] if own else text})

    def _signature(self, index: int, signature: str) -> list[JSONObject]:
        """Our own only: the caller would replay a foreign one to us."""
        part = self._parts[index]
        if not isinstance(part, Reasoning) or part.issuer != OWN:
            self._report.drop(f"{self._place(index)}.signature")
            return []
        return self._wrote(index, part, {"content": [think_chunk("", signature, {})]})

    def _wrote(self, index: int, part: Part, delta: JSONObject) -> list[JSONObject]:
        """`delta` goes out. Neighbours of one kind are read as one part, for no mark stands between them."""
        if index in self._written:
            return [delta]
        self._written.add(index)
        kind = type(part) if isinstance(part, Reasoning | ToolCall) else _read_as(delta)
        if kind is self._last and kind in (Text, Reasoning):
            self._report.approximate(f"{self._path}.parts")
        self._last = kind
        if isinstance(part, Refusal):
            self._report.emulate(self._place(index))
        return [delta]

    def _end(self, index: int, part: Part) -> list[JSONObject]:
        match part:
            case ToolCall():
                whole = replace(part, arguments="".join(self._arguments[index]))
                call = encode_answer_call(whole, self._place(index), self.calls, self._report)
                self.calls += 1
                return self._wrote(index, part, {"tool_calls": [call]})
            case Reasoning():
                self._end_reasoning(index, part)
            case Text() if part.cache is not None:
                self._report.drop(f"{self._place(index)}.cache")
            case _:
                pass
        return []

    def _end_reasoning(self, index: int, part: Reasoning) -> None:
        place = self._place(index)
        if index not in self._written:
            self._report.drop(place)
            return
        if part.redacted is not None:
            self._report.drop(f"{place}.redacted")


def _read_as(delta: JSONObject) -> type[Part]:
    """Does this content read as text? A plain-text document does too."""
    content = delta["content"]
    return Text if isinstance(content, str) or content[0].get("type") == "text" else Opaque


def continuing(request: Request, frames: list[JSONObject]) -> StreamEncoder:
    """An encoder that goes on with a stream of which `frames` were sent."""
    encoder = StreamEncoder(request)
    replayed(StreamDecoder(request.model), encoder, frames)
    return encoder
