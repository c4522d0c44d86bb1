"""ConverseStream: frames `{event type: payload}`, in the order of providers.md section 3.7 (2026-11-22).

Text and reasoning blocks have no start frame; usage comes in `metadata`, after `messageStop`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, assert_never, cast

from ..citations import beside_last, said
from ..codec import as_object, replayed
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
from ..eventstream import event_frame
from ..foreign import UNSIGNED
from ..ids import map_id
from ..json_text import dumps, parsed_object
from ..loss import Loss, Losses, foreign_event_fields
from ..messages import JSON, NOTHING, JSONObject, Part, Provider, ProviderFields, Reasoning, Refusal, Text, ToolCall
from ..requests import Request
from ..responses import Candidate, Usage
from .content import Reading, Writing, decode_block, encode_part
from .errors import decode_frame_error, encode_frame_error
from .model_facts import facts_of
from .response import (
    MORE,
    beside,
    decode_usage,
    encode_finish,
    encode_usage,
    finish,
    report_head,
    served_model,
)
from .wire import (
    OWN,
    a_text,
    an_object,
    integer_at,
    keep,
    list_at,
    object_at,
    object_or_none,
    own_fields,
    text_at,
)

WHO = "bedrock stream"
TERMINAL = re.compile(rb":event-type\x07\x00(?:\x0bmessageStop|\x08metadata)")
frame = event_frame
_METADATA = frozenset({"usage", "metrics", "p"})
"""`p` is padding of random length that hides how long a token was."""
_TOOL_USE = frozenset({"toolUseId", "name", "input", "type"})


@dataclass(slots=True)
class _Block:
    """A block while its frames come. `index` is the part's, once it began; `whole` collects one that comes whole."""

    index: int | None = None
    whole: JSONObject | None = None
    citations: list[JSON] = field(default_factory=list[JSON])


class StreamDecoder:
    """Frames in, events out. Blocks without canonical name, and images, are held until they are whole."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._signer: Provider = facts_of(model).signer
        self._started = False
        self._calls = False
        self._parts = 0
        self._blocks: dict[int, _Block] = {}

    def feed(self, frame: JSONObject) -> list[Event]:
        """The events of one frame; a frame of an unknown type says nothing."""
        found = as_object(frame, WHO)
        events: list[Event] = []
        for name, payload in found.items():
            handle = _HANDLERS.get(name)
            if handle is not None:
                events += handle(self, as_object(payload, f"{WHO}: {name}"), f"{WHO}: {name}")
            elif failure := decode_frame_error(name, payload):
                events.append(Failed(failure=failure))
        if events and not self._started:
            self._started = True
            events = [Started(id="", model=self._model), *events]
        return events

    def close(self) -> list[Event]:
        """Nothing is held back but blocks that were cut, and those stay unsaid."""
        return []

    def message_start(self, payload: JSONObject, where: str) -> list[Event]:
        if self._started:
            return []
        self._started = True
        return [Started(id="", model=self._model)]

    def block_start(self, payload: JSONObject, where: str) -> list[Event]:
        start, block = an_object(payload, "start", where), self._block(payload, where)
        use = object_at(start, "toolUse", f"{where}.start")
        if use is None or use.get("type", "tool_use") != "tool_use":
            block.whole = {name: {**found} for name, value in start.items() if (found := object_or_none(value))}
            return []
        self._calls = True
        own = {name: value for name, value in use.items() if name not in _TOOL_USE}
        call = ToolCall(
            id=a_text(use, "toolUseId", where),
            name=a_text(use, "name", where),
            provider_fields=keep(own) if own else NOTHING,
        )
        return self._begin(block, call)

    def block_delta(self, payload: JSONObject, where: str) -> list[Event]:
        delta, block = an_object(payload, "delta", where), self._block(payload, where)
        if block.whole is not None:
            _collect(block.whole, delta)
            return []
        events: list[Event] = []
        for kind in delta:
            if kind in _DELTAS:
                events += _DELTAS[kind](self, block, delta, f"{where}.delta")
        return events

    def text(self, block: _Block, delta: JSONObject, where: str) -> list[Event]:
        said = a_text(delta, "text", where)
        events = self._begin_once(block, Text(text=""))
        return [*events, TextDelta(index=block.index or 0, text=said)] if said else events

    def arguments(self, block: _Block, delta: JSONObject, where: str) -> list[Event]:
        use = an_object(delta, "toolUse", where)
        piece = a_text(use, "input", f"{where}.toolUse")
        if not piece or block.index is None:
            return []
        return [ArgumentsDelta(index=block.index, arguments=piece)]

    def thought(self, block: _Block, delta: JSONObject, where: str) -> list[Event]:
        found = an_object(delta, "reasoningContent", where)
        if found.get("redactedContent") is not None:
            return self._begin(block, Reasoning(redacted=a_text(found, "redactedContent", where), issuer="bedrock"))
        events = self._begin_once(block, Reasoning(issuer=self._signer))
        text, signature = text_at(found, "text", where), text_at(found, "signature", where)
        if text:
            events.append(TextDelta(index=block.index or 0, text=text))
        if signature:
            events.append(SignatureDelta(index=block.index or 0, signature=signature))
        return events

    def citation(self, block: _Block, delta: JSONObject, where: str) -> list[Event]:
        block.citations.append(an_object(delta, "citation", where))
        return self._begin_once(block, Text(text=""))

    def block_stop(self, payload: JSONObject, where: str) -> list[Event]:
        number = integer_at(payload, "contentBlockIndex", where) or 0
        block = self._blocks.pop(number, None)
        if block is None:
            return []
        events: list[Event] = []
        if block.whole is not None:
            events = self._begin(block, decode_block(_whole(block.whole), f"{WHO}: block {number}", Reading()))
        if block.index is None:
            return events
        own = keep({"citations": block.citations}) if block.citations else NOTHING
        return [*events, PartEnded(index=block.index, provider_fields=own)]

    def message_stop(self, payload: JSONObject, where: str) -> list[Event]:
        more = object_at(payload, MORE, where)
        reason, stop_sequence, own = finish(text_at(payload, "stopReason", where), more, calls=self._calls)
        return [Finished(finish_reason=reason, stop_sequence=stop_sequence, provider_fields=own)]

    def metadata(self, payload: JSONObject, where: str) -> list[Event]:
        """Usage, and beside it what a plain body says at its top."""
        usage = decode_usage(object_at(payload, "usage", where))
        events: list[Event] = [] if usage is None else [UsageReported(usage=usage)]
        if own := beside(payload, _METADATA):
            model = served_model(payload, "")
            events.append(Restated(provider_fields=keep(own), model=model or None))
        return events

    def _block(self, payload: JSONObject, where: str) -> _Block:
        number = integer_at(payload, "contentBlockIndex", where) or 0
        return self._blocks.setdefault(number, _Block())

    def _begin_once(self, block: _Block, part: Part) -> list[Event]:
        return [] if block.index is not None else self._begin(block, part)

    def _begin(self, block: _Block, part: Part) -> list[Event]:
        block.index = self._parts
        self._parts += 1
        return [PartStarted(index=block.index, part=part)]


def _collect(whole: JSONObject, delta: JSONObject) -> None:
    """Add a delta to a block that is wanted whole: text grows, lists grow, objects merge."""
    for kind, value in delta.items():
        held: JSONObject = whole.setdefault(kind, {})
        if isinstance(value, list):
            held["content"] = [*held.get("content", []), *cast("list[JSON]", value)]
        for name, item in (object_or_none(value) or {}).items():
            held[name] = held[name] + item if isinstance(item, str) and isinstance(held.get(name), str) else item


def _whole(whole: JSONObject) -> JSONObject:
    """The block as a plain answer shows it: a call's input is an object there."""
    use = object_or_none(whole.get("toolUse"))
    if use is not None:
        text = text_at(use, "input", f"{WHO}: toolUse") or "{}"
        parsed = parsed_object(text)
        use["input"] = {"_raw": text} if parsed is None else parsed
    return whole


_HANDLERS: dict[str, Callable[[StreamDecoder, JSONObject, str], list[Event]]] = {
    "messageStart": StreamDecoder.message_start,
    "contentBlockStart": StreamDecoder.block_start,
    "contentBlockDelta": StreamDecoder.block_delta,
    "contentBlockStop": StreamDecoder.block_stop,
    "messageStop": StreamDecoder.message_stop,
    "metadata": StreamDecoder.metadata,
}
_DELTAS: dict[str, Callable[[StreamDecoder, _Block, JSONObject, str], list[Event]]] = {
    "text": StreamDecoder.text,
    "toolUse": StreamDecoder.arguments,
    "reasoningContent": StreamDecoder.thought,
    "citation": StreamDecoder.citation,
}


@dataclass(slots=True)
class _Open:
    """A part while its events come. `block` is its number on the wire once something of it was said."""

    part: Part
    block: int | None = None
    texts: int = 0
    pieces: list[str] = field(default_factory=list[str])
    signed: bool = False


class StreamEncoder:
    """Events in, frames out. `metadata` closes every complete stream, as botocore's users expect."""

    def __init__(self, request: Request) -> None:
        self._losses = Losses()
        self._writing = Writing(losses=self._losses, facts=facts_of(request.model), replaying=False)
        self._open: dict[int, _Open] = {}
        self._over: PartEnded | None = None
        """Ended the latest text, whose block is open until the next part, for what is said beside the whole answer."""
        self._texts: dict[int, str] = {}
        self._blocks = 0
        self._calls = False
        self._usage: Usage | None = None
        self._started: Started | None = None
        self._complete = False

    @property
    def losses(self) -> tuple[Loss, ...]:
        """What could not be said so far."""
        return self._losses.found()

    def feed(self, event: Event) -> list[JSONObject]:
        """The frames that say `event`."""
        match event:
            case Started():
                return self._start(event)
            case Restated():
                self._losses.extend(foreign_event_fields(event.provider_fields, "", OWN))
                self._started = restated(self._started, event)
                report_head(event.id or "", None, self._losses)
                return []
            case UsageReported(usage=usage):
                self._usage = merge_usage(self._usage, usage)
                return []
            case Failed(failure=failure):
                self._complete = False
                return [encode_frame_error(failure)]
            case PartStarted() | TextDelta() | ArgumentsDelta() | SignatureDelta() | PartEnded() | Finished():
                return self._of_candidate(event)
            case _:
                assert_never(event)

    def close(self) -> list[JSONObject]:
        """Usage, and what stood beside it; nothing where the stream did not finish."""
        if not self._complete:
            return []
        if self._usage is not None:
            self._losses.extend(foreign_event_fields(self._usage.provider_fields, "usage", OWN))
        own = own_fields(self._started.provider_fields) if self._started else {}
        return [{"metadata": {**encode_usage(self._usage, self._losses), **own}}]

    def _start(self, event: Started) -> list[JSONObject]:
        self._started = event
        self._losses.extend(foreign_event_fields(event.provider_fields, "", OWN))
        report_head(event.id, event.created, self._losses)
        return [{"messageStart": {"role": "assistant"}}]

    def _of_candidate(
        self, event: PartStarted | TextDelta | ArgumentsDelta | SignatureDelta | PartEnded | Finished
    ) -> list[JSONObject]:
        """Converse streams one answer."""
        if event.candidate:
            self._losses.drop(f"candidates[{event.candidate}]", "meaning")
            return []
        if self._over is not None:
            beside = event.provider_fields if isinstance(event, Finished) else NOTHING
            return [*self._release(beside), *self._of_candidate(event)]
        match event:
            case PartStarted(index=index, part=part):
                return self._part_started(index, part)
            case TextDelta(index=index, text=text):
                return self._said(index, text)
            case ArgumentsDelta(index=index, arguments=arguments):
                return self._delta(index, {"toolUse": {"input": arguments}}) if arguments else []
            case SignatureDelta(index=index, signature=signature):
                return self._signed(index, signature)
            case PartEnded():
                return self._ended(event)
            case Finished():
                return self._finished(event)
            case _:
                assert_never(event)

    def _part_started(self, index: int, part: Part) -> list[JSONObject]:
        self._losses.extend(foreign_event_fields(part.provider_fields, f"candidates[0].parts[{index}]", OWN))
        opened = self._open[index] = _Open(part)
        match part:
            case ToolCall():
                return self._call_started(opened, index, part)
            case Text() | Refusal():
                return self._said(index, part.text)
            case Reasoning() if part.redacted is None:
                frames = self._said(index, part.text)
                return frames if part.signature is None else frames + self._signed(index, part.signature)
            case _:
                return self._at_once(opened, part, index)

    def _call_started(self, opened: _Open, index: int, call: ToolCall) -> list[JSONObject]:
        self._calls = True
        start = {"toolUseId": map_id("bedrock", call.id), "name": call.name, **own_fields(call.provider_fields)}
        number = self._number(opened)
        frames: list[JSONObject] = [{"contentBlockStart": {"start": {"toolUse": start}, "contentBlockIndex": number}}]
        return frames + self._delta(index, {"toolUse": {"input": call.arguments}}) if call.arguments else frames

    def _said(self, index: int, text: str) -> list[JSONObject]:
        if not text:
            return []
        if isinstance(self._open[index].part, Reasoning):
            return self._delta(index, {"reasoningContent": {"text": text}})
        self._open[index].pieces.append(text)
        return self._delta(index, {"text": text})

    def _signed(self, index: int, signature: str) -> list[JSONObject]:
        """A signature goes to its own vendor's callers only."""
        part = self._open[index].part
        if isinstance(part, Reasoning) and (part.issuer in ("bedrock", self._writing.facts.signer)):
            if part.issuer != self._writing.facts.signer:
                self._losses.approximate(f"candidates[0].parts[{index}].issuer")
            self._open[index].signed = True
            return self._delta(index, {"reasoningContent": {"signature": signature}})
        self._losses.drop(f"candidates[0].parts[{index}].signature")
        return []

    def _at_once(self, opened: _Open, part: Part, index: int) -> list[JSONObject]:
        """Media, redacted thoughts and Bedrock's own blocks come whole: frames where the wire has deltas for them."""
        path = f"candidates[0].parts[{index}]"
        blocks = encode_part(part, path, self._writing)
        frames: list[JSONObject] = []
        for block in blocks:
            said = _streamed(block)
            if said is None:
                self._losses.drop(path, "meaning")
                continue
            start, deltas = said
            number = self._number(opened)
            if start:
                frames.append({"contentBlockStart": {"start": start, "contentBlockIndex": number}})
            frames += [{"contentBlockDelta": {"delta": delta, "contentBlockIndex": number}} for delta in deltas]
        return frames

    def _ended(self, event: PartEnded) -> list[JSONObject]:
        opened = self._open[event.index]
        if opened.block is None or not isinstance(opened.part, Text):
            return self._part_ended(event)
        self._over = event
        return []

    def settle(self) -> None:
        """The frames that were sent ended the latest text, if it is over."""
        self._release(NOTHING)

    def _release(self, beside: ProviderFields) -> list[JSONObject]:
        over, self._over = self._over, None
        return [] if over is None else self._part_ended(over, beside)

    def _part_ended(self, event: PartEnded, beside: ProviderFields = NOTHING) -> list[JSONObject]:
        opened = self._open.pop(event.index)
        frames: list[JSONObject] = []
        part, path = opened.part, f"candidates[0].parts[{event.index}]"
        self._losses.extend(foreign_event_fields(event.provider_fields, path, OWN))
        frames += [self._framed(opened, {"citation": item}) for item in self._citations(opened, event, path, beside)]
        if isinstance(part, ToolCall) and not opened.texts:
            frames.append(self._framed(opened, {"toolUse": {"input": "{}"}}))  # callers parse what they collected
        if opened.block is None:
            if isinstance(part, Reasoning):
                self._losses.drop(path)
            return frames
        if isinstance(part, Reasoning) and part.redacted is None and part.issuer != OWN and not opened.signed:
            frames.append(self._framed(opened, {"reasoningContent": {"signature": UNSIGNED}}))
        self._report_part(part, path)
        return [*frames, {"contentBlockStop": {"contentBlockIndex": opened.block}}]

    def _citations(self, opened: _Open, event: PartEnded, path: str, beside: ProviderFields) -> list[Any]:
        """Ours, or another provider's in our form: of this text, and `beside` an answer that ends with it."""
        if not isinstance(opened.part, Text):
            return []
        self._texts[event.index] = "".join(opened.pieces)
        fields = {**own_fields(opened.part.provider_fields), **own_fields(event.provider_fields)}
        if opened.block is not None and (opened.part.provider_fields or event.provider_fields or beside):
            more = beside_last(self._texts, beside, OWN)
            told = said({**opened.part.provider_fields, **event.provider_fields}, OWN, 0, more)
            if told is not None:
                self._losses.approximate(f"{path}.provider_fields")
                fields = own_fields(told)
        return list_at(fields, "citations", WHO)

    def _report_part(self, part: Part, path: str) -> None:
        if isinstance(part, Refusal):
            self._losses.emulate(path)

    def _finished(self, event: Finished) -> list[JSONObject]:
        candidate = Candidate(
            finish_reason=event.finish_reason,
            stop_sequence=event.stop_sequence,
            logprobs=event.logprobs,
            provider_fields=event.provider_fields,
        )
        self._losses.extend(foreign_event_fields(event.provider_fields, "candidates[0]", OWN))
        self._complete = True
        return [{"messageStop": encode_finish(candidate, calls=self._calls, losses=self._losses)}]

    def _delta(self, index: int, delta: JSONObject) -> list[JSONObject]:
        return [self._framed(self._open[index], delta)]

    def _framed(self, opened: _Open, delta: JSONObject) -> JSONObject:
        opened.texts += 1
        return {"contentBlockDelta": {"delta": delta, "contentBlockIndex": self._number(opened)}}

    def _number(self, opened: _Open) -> int:
        if opened.block is None:
            opened.block = self._blocks
            self._blocks += 1
        return opened.block


def _streamed(block: JSONObject) -> tuple[JSONObject, list[JSONObject]] | None:
    """A whole block as a start and deltas, or None where the stream has none for its kind."""
    match block:
        case {"reasoningContent": {"redactedContent": _}}:
            return {}, [block]
        case {"image": {"format": format_, "source": source}}:
            return {"image": {"format": format_}}, [{"image": {"source": source}}]
        case {"toolUse": {"input": _, **start}}:
            return {"toolUse": start}, [{"toolUse": {"input": dumps(block["toolUse"]["input"])}}]
        case {"toolResult": {"content": content, **start}}:
            return {"toolResult": start}, [{"toolResult": content}]
        case _:
            return None


def continuing(request: Request, frames: list[JSONObject]) -> StreamEncoder:
    """An encoder that goes on with a stream of which `frames` were sent."""
    encoder = StreamEncoder(request)
    replayed(StreamDecoder(request.model), encoder, frames)
    encoder.settle()
    return encoder
