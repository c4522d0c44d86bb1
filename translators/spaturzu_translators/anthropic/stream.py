"""Streams of the messages API, both ways: named events, blocks one after another.

Source: providers.md 2.7, 2026-11-22.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias, cast

from ..citations import Citation, beside_last, said
from ..codec import BadWire, as_list, as_object, replayed
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
    merge_usage,
    restated,
)
from ..ids import map_id
from ..json_text import parsed_object
from ..loss import Loss, Losses, foreign_response_fields
from ..messages import (
    JSON,
    NOTHING,
    Blob,
    File,
    JSONObject,
    Opaque,
    Part,
    ProviderFields,
    Reasoning,
    Refusal,
    Text,
    ToolCall,
    ToolResult,
    Uri,
)
from ..requests import Request
from ..responses import Candidate, Response, Usage
from ..sse import named_frame
from .errors import decode_error_event, encode_error_event
from .reading import arguments_text, decode_block, kept_fields, own_fields, string, wrong
from .response import decode_usage, details_of, encode_stop, encode_usage, finish_of

WHO = "anthropic stream"

TERMINAL = re.compile(rb'"type"\s*:\s*"message_stop"')


def frame(frame: JSONObject) -> bytes:
    """A frame as a named event; the SDK skips events without a name."""
    return named_frame(frame["type"], frame)


class StreamDecoder:
    """Wire events in, canonical events out. Parts count from 0 in the order in which their blocks start."""

    __slots__ = ("_blocks", "_calls", "_finished", "_late", "_model", "_parts", "_started", "_usage")

    def __init__(self, model: str) -> None:
        self._model = model
        self._blocks: dict[int, _Block] = {}
        self._parts = 0
        self._usage: JSONObject = {}
        self._calls = False
        self._late: JSONObject = {}
        """What was said of the end before it came."""
        self._started = False
        self._finished = False

    def feed(self, frame: JSONObject) -> list[Event]:
        """The events of one frame. Pings and types nobody knows yet give none."""
        handle = _HANDLERS.get(kind := string(frame, "type", WHO))
        if handle is None:
            return []
        if self._started or kind in ("message_start", "error"):
            return handle(self, frame)
        self._started = True  # compatible servers may not say that it begins
        return [Started(id="", model=self._model), *handle(self, frame)]

    def close(self) -> list[Event]:
        """Nothing is held back: a block that did not end was cut."""
        return []

    def message_start(self, frame: JSONObject) -> list[Event]:
        message = as_object(frame.get("message"), f"{WHO}: message_start.message")
        own = {name: value for name, value in message.items() if name not in _MESSAGE and value is not None}
        if self._started:
            raise BadWire(f"{WHO}: a second message_start, or one after the answer began")
        self._started = True
        started = Started(
            id=string(message, "id", f"{WHO}: message_start.message"),
            model=message.get("model") or self._model,
            provider_fields=kept_fields(own),
        )
        return [started, *self._counted(message.get("usage"))]

    def block_start(self, frame: JSONObject) -> list[Event]:
        raw = as_object(frame.get("content_block"), f"{WHO}: content_block_start.content_block")
        number, self._parts = self._parts, self._parts + 1
        kind = string(raw, "type", f"{WHO}: content_block_start.content_block")
        if (index := _index(frame)) in self._blocks:
            raise BadWire(f"{WHO}: content_block_start for block {index} twice")
        self._blocks[index] = block = _Block(number, raw)
        self._calls = self._calls or kind == "tool_use"
        return block.start()

    def block_delta(self, frame: JSONObject) -> list[Event]:
        delta = as_object(frame.get("delta"), f"{WHO}: content_block_delta.delta")
        return self._block(frame).delta(delta)

    def block_stop(self, frame: JSONObject) -> list[Event]:
        block = self._block(frame)
        del self._blocks[frame["index"]]
        return block.stop()

    def _block(self, frame: JSONObject) -> _Block:
        block = self._blocks.get(_index(frame))
        if block is None:
            raise BadWire(f"{WHO}: {frame['type']} for block {frame['index']}, which is not open")
        return block

    def message_delta(self, frame: JSONObject) -> list[Event]:
        delta = as_object(frame.get("delta"), f"{WHO}: message_delta.delta")
        own = {name: value for name, value in frame.items() if name not in _MESSAGE_DELTA and value is not None}
        own.update((name, value) for name, value in delta.items() if name not in _STOP and value)
        self._late |= own
        events: list[Event] = []
        if delta.get("stop_reason") is not None or details_of(delta):
            events.append(self._finish(delta))
        elif self._finished and own:
            events.append(Restated(provider_fields=kept_fields(own)))
        return [*events, *self._counted(frame.get("usage"))]

    def _finish(self, delta: JSONObject) -> Finished:
        self._finished = True
        return Finished(
            finish_reason=finish_of(delta, calls=self._calls),
            stop_sequence=delta.get("stop_sequence"),
            provider_fields=kept_fields({**self._late, **details_of(delta)}),
        )

    def message_stop(self, frame: JSONObject) -> list[Event]:
        """The end; what it says beside that (Bedrock's invocation metrics) is the whole answer's."""
        own = {name: value for name, value in frame.items() if name != "type" and value is not None}
        events: list[Event] = [Restated(provider_fields=kept_fields(own))] if own else []
        if self._finished:
            return events
        self._finished = True
        return [Finished(finish_reason=None, provider_fields=kept_fields(self._late)), *events]

    def failed(self, frame: JSONObject) -> list[Event]:
        return [Failed(failure=decode_error_event(frame))]

    def _counted(self, usage: JSON) -> list[Event]:
        """Counts are cumulative: what a later event says replaces, what it leaves out stays."""
        if usage is None:
            return []
        counts = as_object(usage, f"{WHO}: usage")
        self._usage.update((name, value) for name, value in counts.items() if value is not None)
        return [UsageReported(usage=decode_usage(self._usage))]


_MESSAGE = frozenset(
    {
        "id",
        "type",
        "role",
        "model",
        "content",
        "stop_reason",
        "stop_sequence",
        "stop_details",
        "usage",
    }
)
_MESSAGE_DELTA = frozenset({"type", "delta", "usage"})
_STOP = frozenset({"stop_reason", "stop_sequence", "stop_details"})

_HANDLERS: dict[str, Callable[[StreamDecoder, JSONObject], list[Event]]] = {
    "message_start": StreamDecoder.message_start,
    "content_block_start": StreamDecoder.block_start,
    "content_block_delta": StreamDecoder.block_delta,
    "content_block_stop": StreamDecoder.block_stop,
    "message_delta": StreamDecoder.message_delta,
    "message_stop": StreamDecoder.message_stop,
    "error": StreamDecoder.failed,
}


def _index(frame: JSONObject) -> int:
    index: JSON = frame.get("index")
    return index if isinstance(index, int) else wrong(f"{WHO}: {frame['type']}.index", "a whole number", index)


class _Block:
    """One content block while it arrives. A block that only we can read is collected and comes whole."""

    __slots__ = ("citations", "json", "number", "opaque", "raw")

    def __init__(self, number: int, raw: JSONObject) -> None:
        self.number = number
        self.raw = raw
        self.opaque = raw.get("type") not in _STREAMED
        self.citations: list[JSON] = []
        self.json: list[str] = []

    def start(self) -> list[Event]:
        return [] if self.opaque else [PartStarted(index=self.number, part=_STREAMED[self.raw["type"]](self.raw))]

    def delta(self, delta: JSONObject) -> list[Event]:
        who = f"{WHO}: content_block_delta.delta"
        match delta.get("type"):
            case "text_delta" if not self.opaque:
                return [TextDelta(index=self.number, text=string(delta, "text", who))]
            case "thinking_delta" if not self.opaque:
                return [TextDelta(index=self.number, text=string(delta, "thinking", who))]
            case "signature_delta" if not self.opaque:
                signature = string(delta, "signature", who)
                return [SignatureDelta(index=self.number, signature=signature)] if signature else []
            case "input_json_delta":
                return self._arguments(string(delta, "partial_json", who))
            case "citations_delta" if not self.opaque:
                self.citations.append(delta.get("citation"))
                return []
            case _:
                self._collect(delta)
                return []

    def _arguments(self, piece: str) -> list[Event]:
        if self.opaque:
            self.json.append(piece)
            return []
        return [ArgumentsDelta(index=self.number, arguments=piece)] if piece else []

    def _collect(self, delta: JSONObject) -> None:
        """A delta of a future type: its strings append, other values replace."""
        if not self.opaque:
            return
        for name, value in delta.items():
            if name != "type":
                known = self.raw.get(name)
                joined: JSON = known + value if isinstance(known, str) and isinstance(value, str) else value
                self.raw = {**self.raw, name: joined}

    def stop(self) -> list[Event]:
        if not self.opaque:
            fields: JSONObject = {"citations": self.citations} if self.citations else {}
            return [PartEnded(index=self.number, provider_fields=kept_fields(fields))]
        if text := "".join(self.json):
            found = parsed_object(text)
            self.raw = {**self.raw, "input": {"_raw": text} if found is None else found}
        part = decode_block(self.raw, f"{WHO}: content_block", {})
        return [PartStarted(index=self.number, part=part), PartEnded(index=self.number)]


def _start_text(raw: JSONObject) -> Part:
    return decode_block(raw, f"{WHO}: content_block", {})


def _start_thinking(raw: JSONObject) -> Part:
    """The signature comes last, so the issuer is taken on trust; unsigned, it is never replayed anyway."""
    part = decode_block({**raw, "thinking": raw.get("thinking") or ""}, f"{WHO}: content_block", {})
    return replace(cast(Reasoning, part), issuer="anthropic")


def _start_call(raw: JSONObject) -> Part:
    """`input` is empty here and comes in deltas; some proxies send it at once."""
    part = cast(ToolCall, decode_block({**raw, "input": {}}, f"{WHO}: content_block", {}))
    arguments = arguments_text(raw["input"]) if raw.get("input") else ""
    return ToolCall(id=part.id, name=part.name, arguments=arguments, provider_fields=part.provider_fields)


_STREAMED: dict[JSON, Callable[[JSONObject], Part]] = {
    "text": _start_text,
    "thinking": _start_thinking,
    "tool_use": _start_call,
}

PartEvent: TypeAlias = PartStarted | TextDelta | ArgumentsDelta | SignatureDelta | PartEnded


class StreamEncoder:
    """Canonical events in, wire events out. Blocks never overlap: what comes for a later part waits its turn."""

    __slots__ = (
        "_block",
        "_blocks",
        "_calls",
        "_closed",
        "_fields",
        "_finished",
        "_late",
        "_losses",
        "_open",
        "_over",
        "_part",
        "_pieces",
        "_started",
        "_texts",
        "_usage",
        "_waiting",
    )

    def __init__(self, request: Request) -> None:
        self._losses = Losses()
        self._started: Started | None = None
        self._finished: Finished | None = None
        self._late: JSONObject = {}
        self._usage: Usage | None = None
        self._fields: dict[int, ProviderFields] = {}
        self._waiting: list[PartEvent] = []
        self._open: int | None = None
        self._over = False
        """Is the open text said? Its block is open until the next part, for what is said beside the whole answer."""
        self._part: Part | None = None
        self._pieces: list[str] = []
        self._texts: dict[int, str] = {}
        self._block: int | None = None
        self._blocks = 0
        self._calls = False
        self._closed = False

    @property
    def losses(self) -> tuple[Loss, ...]:
        """What could not be said so far."""
        self._losses.extend(foreign_response_fields(self._shadow(), "anthropic"))
        return self._losses.found()

    def _shadow(self) -> Response:
        """The answer's provider fields in their places, and nothing else of it."""
        count = max(self._fields, default=-1) + 1
        parts = tuple(Text(text="", provider_fields=self._fields.get(index, NOTHING)) for index in range(count))
        finished = self._finished.provider_fields if self._finished else NOTHING
        return Response(
            id="",
            model="",
            candidates=(Candidate(parts=parts, provider_fields=finished),),
            usage=self._usage,
            provider_fields=self._started.provider_fields if self._started else NOTHING,
        )

    def feed(self, event: Event) -> list[JSONObject]:
        """The frames that say `event`. There is one answer on this wire; others are lost."""
        if self._closed:
            return []
        match event:
            case Started():
                return self._start(event)
            case Restated():
                self._restate(event)
                return []
            case UsageReported():
                self._usage = merge_usage(self._usage, event.usage)
                return []
            case Failed():
                self._closed = True
                return [encode_error_event(event.failure)]
            case _ if event.candidate:
                self._losses.drop(f"candidates[{event.candidate}]", "meaning")
                return []
            case Finished():
                self._finished = event
                return self._end_all()
            case _:
                return self._said(event)

    def close(self) -> list[JSONObject]:
        """The end of a complete stream. One that did not finish gets no end: its reader must see that it was cut."""
        if self._closed or self._finished is None:
            return []
        self._closed = True
        finished = self._finished
        candidate = Candidate(
            finish_reason=finished.finish_reason,
            stop_sequence=finished.stop_sequence,
            logprobs=finished.logprobs,
            provider_fields=finished.provider_fields,
        )
        own = own_fields(finished.provider_fields)
        beside = {name: value for name, value in own.items() if name in _BESIDE_DELTA}
        delta = {
            **{name: value for name, value in own.items() if name not in _BESIDE_DELTA},
            **encode_stop(candidate, self._losses, calls=self._calls),
        }
        usage = encode_usage(self._usage, self._losses)
        ending = {"type": "message_delta", "delta": delta, "usage": usage, **beside}
        return [ending, {**self._late, "type": "message_stop"}]

    def _start(self, event: Started) -> list[JSONObject]:
        """Nobody knows the usage yet: zeros, which `message_delta` replaces."""
        self._started = event
        if event.created is not None:
            self._losses.drop("created")
        message: JSONObject = {
            "id": event.id,
            "type": "message",
            "role": "assistant",
            "model": event.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {"input_tokens": 0, "output_tokens": 0},
            **own_fields(event.provider_fields),
        }
        return [{"type": "message_start", "message": message}]

    def _restate(self, event: Restated) -> None:
        """The last event tells it. The model and the id have been said by then."""
        if event.id is not None and self._started is not None and event.id != self._started.id:
            self._losses.approximate("id")
        if event.model is not None and self._started is not None and event.model != self._started.model:
            self._losses.approximate("model")
        self._started = restated(self._started, event)
        self._late |= own_fields(event.provider_fields)

    def _said(self, event: PartEvent) -> list[JSONObject]:
        if self._over:
            return [*self._end(None), *self._said(event)]
        if self._open is None and isinstance(event, PartStarted):
            return self._begin(event)
        if event.index != self._open:
            self._waiting.append(event)
            return []
        match event:
            case PartStarted():
                return []
            case TextDelta():
                return self._text(event.text)
            case ArgumentsDelta():
                return self._delta({"type": "input_json_delta", "partial_json": event.arguments})
            case SignatureDelta():
                return self._signature(event)
            case PartEnded() if self._block is not None and isinstance(self._part, Text) and not self._waiting:
                self._keep(event.provider_fields)
                self._over = True
                return []
            case PartEnded():
                return [*self._end(event), *self._resume()]

    def _begin(self, event: PartStarted) -> list[JSONObject]:
        """Text and thoughts begin with their first words, so that no empty block stands in the answer."""
        self._open, self._part, self._block, self._pieces = event.index, event.part, None, []
        self._fields[event.index] = event.part.provider_fields
        match event.part:
            case Text() | Refusal():
                return self._text(event.part.text)
            case Reasoning():
                return self._thought(event.part)
            case ToolCall():
                return self._call(event.part)
            case Opaque():
                return self._opaque(event.part)
            case Blob() | Uri() | File() | ToolResult():
                self._losses.drop(self._path, "meaning")
                return []

    @property
    def _path(self) -> str:
        return f"candidates[0].parts[{self._open}]"

    def _text(self, text: str) -> list[JSONObject]:
        if not text:
            return []
        if isinstance(self._part, Reasoning):
            return [*self._open_block(_THOUGHT), *self._delta({"type": "thinking_delta", "thinking": text})]
        if isinstance(self._part, Refusal):
            self._losses.emulate(self._path)
        self._pieces.append(text)
        return [*self._open_block({"type": "text", "text": ""}), *self._delta({"type": "text_delta", "text": text})]

    def _thought(self, part: Reasoning) -> list[JSONObject]:
        if part.issuer == "anthropic" and part.redacted is not None:
            return self._open_block({"type": "redacted_thinking", "data": part.redacted})
        if part.redacted is not None:
            self._losses.drop(f"{self._path}.redacted")
        signed = [] if part.signature is None else self._signature(SignatureDelta(index=0, signature=part.signature))
        return [*self._text(part.text), *signed]

    def _signature(self, event: SignatureDelta) -> list[JSONObject]:
        """Only our own signature means anything to whoever reads this wire."""
        if not isinstance(self._part, Reasoning) or self._part.issuer != "anthropic":
            self._losses.drop(f"{self._path}.signature")
            return []
        delta = {"type": "signature_delta", "signature": event.signature}
        return [*self._open_block(_THOUGHT), *self._delta(delta)]

    def _call(self, part: ToolCall) -> list[JSONObject]:
        self._calls = True
        own = own_fields(part.provider_fields)
        block: JSONObject = {
            "type": "tool_use",
            "id": map_id("anthropic", part.id),
            "name": part.name,
            "input": {},
            **own,
        }
        frames = self._open_block(block)
        if part.arguments:
            frames += self._delta({"type": "input_json_delta", "partial_json": part.arguments})
        return frames

    def _opaque(self, part: Opaque) -> list[JSONObject]:
        """Our own block as it was; where it has an input, that comes as a delta, as the API sends it."""
        if part.issuer != "anthropic":
            self._losses.drop(self._path, "meaning")
            return []
        if not part.value.get("input"):
            return self._open_block(part.value)
        delta = {"type": "input_json_delta", "partial_json": arguments_text(part.value["input"])}
        return [*self._open_block({**part.value, "input": {}}), *self._delta(delta)]

    def _open_block(self, block: JSONObject) -> list[JSONObject]:
        if self._block is not None:
            return []
        self._block, self._blocks = self._blocks, self._blocks + 1
        return [{"type": "content_block_start", "index": self._block, "content_block": block}]

    def _delta(self, delta: JSONObject) -> list[JSONObject]:
        return (
            [{"type": "content_block_delta", "index": self._block, "delta": delta}] if self._block is not None else []
        )

    def _end(self, event: PartEnded | None) -> list[JSONObject]:
        self._keep(event.provider_fields if event else NOTHING)
        frames: list[JSONObject] = []
        if self._block is None:
            if isinstance(self._part, Reasoning):
                self._losses.drop(self._path)
        else:
            self._cite()
            frames = [*self._citations(), {"type": "content_block_stop", "index": self._block}]
        self._open = self._part = self._block = None
        self._over = False
        return frames

    def _keep(self, fields: ProviderFields) -> None:
        """What only the end of the open part brought."""
        if fields and self._open is not None:
            self._fields[self._open] = _joined(self._fields[self._open], fields)

    def _cite(self) -> None:
        """Another provider's citations, in our form."""
        if not isinstance(self._part, Text) or self._open is None:
            return
        self._texts[self._open] = "".join(self._pieces)
        told = said(self._fields[self._open], "anthropic", 0, self._beside())
        if told is not None:
            self._fields[self._open] = told
            self._losses.approximate(f"{self._path}.provider_fields")

    def _beside(self) -> list[Citation]:
        """What another provider said of the open text beside its whole answer, which is over."""
        return beside_last(self._texts, self._finished.provider_fields, "anthropic") if self._finished else []

    def settle(self) -> None:
        """The frames that were sent ended the open text, if it is said."""
        if self._over:
            self._end(None)

    def _citations(self) -> list[JSONObject]:
        if not isinstance(self._part, Text) or self._open is None:
            return []
        citations = as_list(own_fields(self._fields[self._open]).get("citations", []), f"{WHO}: citations")
        return [frame for item in citations for frame in self._delta({"type": "citations_delta", "citation": item})]

    def _resume(self) -> list[JSONObject]:
        """What waited for the block that just ended."""
        waiting, self._waiting = self._waiting, []
        return [frame for event in waiting for frame in self._said(event)]

    def _end_all(self) -> list[JSONObject]:
        frames: list[JSONObject] = []
        while self._open is not None:
            frames += [*self._end(None), *self._resume()]
        return frames


_THOUGHT: JSONObject = {"type": "thinking", "thinking": "", "signature": ""}
_BESIDE_DELTA = frozenset({"context_management"})
"""Fields of `message_delta` that stand beside its `delta`."""


def _joined(start: ProviderFields, end: ProviderFields) -> ProviderFields:
    return {name: {**start.get(name, {}), **end.get(name, {})} for name in {*start, *end}}


def continuing(request: Request, frames: list[JSONObject]) -> StreamEncoder:
    """An encoder that goes on with a stream of which `frames` were sent."""
    encoder = StreamEncoder(request)
    replayed(StreamDecoder(request.model), encoder, frames)
    encoder.settle()
    return encoder
