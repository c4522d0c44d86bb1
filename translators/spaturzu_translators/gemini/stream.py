"""Gemini's stream: every chunk is a whole GenerateContentResponse that holds what is new.

    {"candidates": [{"content": {"parts": [...], "role": "model"}, "finishReason"?, "index"}], "usageMetadata", ...}

Neighbouring texts are one part, and so are neighbouring thoughts; calls come whole; usage is cumulative; the last chunk
brings text and the finish reason together. Source: providers.md 4.7 and 8, 2026-11-22.
"""

from __future__ import annotations

from dataclasses import replace
from typing import assert_never

from ..codec import replayed
from ..events import (
    ArgumentsDelta,
    Event,
    Failed,
    Finished,
    Folding,
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
from ..failures import Failure
from ..loss import Loss, Losses
from ..messages import JSON, NOTHING, JSONObject, Part, ProviderFields, Reasoning, Refusal, Text, ToolCall
from ..requests import Request
from ..responses import Response, Usage
from .errors import decode_stream_error, encode_error
from .fields import fields, integer, items, own, own_fields, put_own, string
from .model_facts import wants_signatures
from .parts import SENTINEL, encode_text
from .response import (
    block_reason,
    call_prefix,
    candidate_fields,
    created_at,
    decode_parts,
    decode_usage,
    encode_answer_part,
    encode_citations,
    encode_finish,
    encode_head,
    encode_response,
    encode_usage,
    finish,
)

WHO = "gemini stream"
_CHUNK = frozenset({"candidates", "usageMetadata", "modelVersion", "responseId", "createTime"})


class StreamDecoder:
    """Chunks in, canonical events out."""

    __slots__ = ("_candidates", "_id", "_model", "_prefix", "_served", "_told", "_usage")

    def __init__(self, model: str) -> None:
        self._model = model
        self._prefix: str | None = None
        self._candidates: dict[int, _Candidate] = {}
        self._id = self._served = ""
        self._told: JSONObject = {}
        self._usage: JSON = None

    def feed(self, frame: JSONObject) -> list[Event]:
        """The events of one chunk. Raises BadWire on a frame of another format."""
        chunk = fields(frame, WHO)
        if "error" in chunk:
            return [Failed(failure=decode_stream_error(chunk))]
        events: list[Event] = self._start(chunk) if self._prefix is None else self._restated(chunk)
        for value in items(chunk.get("candidates", []), f"{WHO}: candidates"):
            events += self._candidate(fields(value, f"{WHO}: candidates"))
        if "promptFeedback" in chunk and not self._candidates and block_reason(chunk) is not None:
            events.append(Finished(finish_reason="content_filter"))
        if "usageMetadata" in chunk and chunk["usageMetadata"] != self._usage:
            self._usage = chunk["usageMetadata"]
            events.append(UsageReported(usage=decode_usage(self._usage)))
        return events

    def close(self) -> list[Event]:
        """Nothing is held back."""
        return []

    def _start(self, chunk: JSONObject) -> list[Event]:
        self._prefix = call_prefix(chunk)
        created, kept = created_at(chunk)
        self._told = _beside(chunk)
        self._served = string(chunk.get("modelVersion", self._model), f"{WHO}: modelVersion")
        self._id = string(chunk.get("responseId", ""), f"{WHO}: responseId")
        return [
            Started(
                id=self._id,
                model=self._served,
                created=created,
                provider_fields=own(kept | self._told),
            )
        ]

    def _restated(self, chunk: JSONObject) -> list[Event]:
        events = last_word(self._told, _beside(chunk), own)
        served = string(chunk.get("modelVersion", self._served), f"{WHO}: modelVersion")
        if served != self._served:
            self._served = served
            events.append(Restated(model=served))
        if (response_id := string(chunk.get("responseId", self._id), f"{WHO}: responseId")) != self._id:
            self._id = response_id
            events.append(Restated(id=response_id))
        return events

    def _candidate(self, chunk: JSONObject) -> list[Event]:
        number = integer(chunk.get("index", 0), f"{WHO}: candidates: index")
        if number not in self._candidates:
            self._candidates[number] = _Candidate(number, f"{self._prefix}_{number}")
        return self._candidates[number].feed(chunk)


def _beside(chunk: JSONObject) -> JSONObject:
    """What a chunk says of the whole answer without a canonical name."""
    return {name: value for name, value in chunk.items() if name not in _CHUNK}


class _Candidate:
    """One candidate's parts while they arrive: a text or a thought stays open until something else comes."""

    __slots__ = ("_calls", "_fields", "_logprobs", "_next", "_number", "_open", "_prefix")

    def __init__(self, number: int, prefix: str) -> None:
        self._number = number
        self._prefix = prefix
        self._next = 0
        self._calls = 0
        self._open: type[Text | Reasoning] | None = None
        self._fields: JSONObject = {}
        self._logprobs: JSONObject | None = None

    def feed(self, chunk: JSONObject) -> list[Event]:
        """What a chunk adds."""
        events: list[Event] = []
        parts = decode_parts(chunk, self._prefix, self._calls, f"{WHO}: candidates[{self._number}]")
        for part in parts:
            events += self._text(part) if isinstance(part, Text | Reasoning) else self._whole(part)
        if more := candidate_fields(chunk):
            self._fields |= more
        if "logprobsResult" in chunk:
            self._logprobs = _joined(self._logprobs, fields(chunk["logprobsResult"], f"{WHO}: logprobsResult"))
        if "finishReason" in chunk:
            events += self._finished(chunk)
        return events

    def _text(self, part: Text | Reasoning) -> list[Event]:
        """Text goes on, or begins. A signature, or another own field, ends it."""
        signature = part.signature if isinstance(part, Reasoning) else None
        ends = signature is not None or bool(part.provider_fields)
        if not part.text and not ends:
            return []
        events: list[Event] = []
        if self._open is not type(part):
            events += [*self._end(), self._begin(replace(part, text="", provider_fields=NOTHING))]
            self._open = type(part)
        index = self._next - 1
        if part.text:
            events.append(TextDelta(index=index, text=part.text, candidate=self._number))
        if signature is not None:
            events.append(SignatureDelta(index=index, signature=signature, candidate=self._number))
        return events + self._end(part.provider_fields) if ends else events

    def _begin(self, part: Part) -> Event:
        self._next += 1
        if isinstance(part, Reasoning):
            part = replace(part, signature=None)
        return PartStarted(index=self._next - 1, part=part, candidate=self._number)

    def _end(self, provider_fields: ProviderFields = NOTHING) -> list[Event]:
        if self._open is None:
            return []
        self._open = None
        return [PartEnded(index=self._next - 1, candidate=self._number, provider_fields=provider_fields)]

    def _whole(self, part: Part) -> list[Event]:
        events = self._end()
        if not isinstance(part, ToolCall):
            events.append(self._begin(part))
        else:
            self._calls += 1
            events.append(self._begin(replace(part, arguments="")))
            events.append(ArgumentsDelta(index=self._next - 1, arguments=part.arguments, candidate=self._number))
        events.append(PartEnded(index=self._next - 1, candidate=self._number))
        return events

    def _finished(self, chunk: JSONObject) -> list[Event]:
        reason, kept = finish(chunk, called=self._calls > 0)
        return [
            *self._end(),
            Finished(
                finish_reason=reason,
                candidate=self._number,
                logprobs=self._logprobs,
                provider_fields=own(self._fields | kept),
            ),
        ]


def _joined(known: JSONObject | None, more: JSONObject) -> JSONObject:
    """Log probabilities of a chunk after those of the chunks before."""
    if known is None:
        return more
    return {
        name: known[name] + value if isinstance(value, list) and isinstance(known.get(name), list) else value
        for name, value in {**known, **more}.items()
    }


class StreamEncoder:
    """Canonical events in, chunks out. Text flows; calls wait for their end; reasons and usage share the last chunk."""

    __slots__ = (
        "_called",
        "_finished",
        "_first",
        "_folding",
        "_head",
        "_open",
        "_pieces",
        "_request",
        "_usage",
        "_whole",
    )

    def __init__(self, request: Request) -> None:
        self._request = request
        self._head: JSONObject = {}
        self._first: ProviderFields = NOTHING
        self._open: dict[tuple[int, int], Part] = {}
        self._pieces: dict[tuple[int, int], list[str]] = {}
        self._called: set[int] = set()
        self._whole: set[int] = set()
        self._finished: list[JSONObject] = []
        self._usage: Usage | None = None
        self._folding = Folding()

    @property
    def losses(self) -> tuple[Loss, ...]:
        """The losses of the answer so far: those of a plain answer, and texts that ran together."""
        try:
            response = self._folding.response()
        except ValueError:
            return ()
        losses = Losses()
        losses.extend(encode_response(response, self._request).losses)
        for number, candidate in enumerate(response.candidates):
            if candidate.finish_reason is None and number in self._whole:
                losses.approximate(f"candidates[{number}].finish_reason")
        _report_joined(response, losses)
        return losses.found()

    def feed(self, event: Event) -> list[JSONObject]:
        """The chunks that say `event`."""
        if not isinstance(event, Failed):
            self._folding.add(event)
        match event:
            case Started():
                self._head = encode_head(event.id, event.model, event.created)
                self._first = event.provider_fields
                return []
            case Restated():
                self._first = {"gemini": {**self._first.get("gemini", {}), **own_fields(event.provider_fields)}}
                self._head |= {"modelVersion": event.model} if event.model else {}
                self._head |= {"responseId": event.id} if event.id else {}
                return []
            case PartStarted():
                return self._started(event)
            case TextDelta():
                return self._text(event)
            case ArgumentsDelta():
                self._pieces[event.candidate, event.index].append(event.arguments)
                return []
            case SignatureDelta():
                self._pieces[event.candidate, event.index].append(event.signature)
                return []
            case PartEnded():
                return self._ended(event)
            case Finished():
                self._finished.append(self._finish(event))
                return []
            case UsageReported():
                self._usage = merge_usage(self._usage, event.usage)
                return []
            case Failed():
                return [_error_frame(event.failure)]
            case _:
                assert_never(event)

    def close(self) -> list[JSONObject]:
        """The last chunk: how every candidate finished, and the usage."""
        if not self._finished and self._usage is None and not own_fields(self._first):
            return []
        last: JSONObject = {"candidates": self._finished} if self._finished else {}
        if self._usage is not None:
            last["usageMetadata"] = encode_usage(self._usage, Losses())
        return [self._chunk(last)]

    def _started(self, event: PartStarted) -> list[JSONObject]:
        key, part = (event.candidate, event.index), event.part
        self._open[key], self._pieces[key] = part, []
        match part:
            case Text() | Refusal() | Reasoning():
                return self._said(event.candidate, _text_part(part, part.text)) if part.text else []
            case ToolCall():
                return []
            case _:
                wire = encode_answer_part(part, "", Losses())
                return self._said(event.candidate, wire) if wire is not None else []

    def _text(self, event: TextDelta) -> list[JSONObject]:
        part = self._open[event.candidate, event.index]
        return self._said(event.candidate, _text_part(part, event.text)) if event.text else []

    def _ended(self, event: PartEnded) -> list[JSONObject]:
        key = (event.candidate, event.index)
        part, pieces = self._open.pop(key), self._pieces.pop(key)
        kept = {**part.provider_fields.get("gemini", NOTHING), **event.provider_fields.get("gemini", NOTHING)}
        match part:
            case ToolCall():
                return self._call(replace(part, provider_fields=own(kept)), pieces, event.candidate)
            case Reasoning(issuer="gemini") if signature := (part.signature or "") + "".join(pieces):
                return self._said(event.candidate, put_own(_text_part(part, ""), own(kept | _signed(signature))))
            case Text() | Refusal() | Reasoning():
                return self._said(event.candidate, put_own(_text_part(part, ""), own(kept))) if kept else []
            case _:
                return []

    def _call(self, part: ToolCall, pieces: list[str], candidate: int) -> list[JSONObject]:
        whole = replace(part, arguments=part.arguments + "".join(pieces))
        wire = encode_answer_part(whole, "", Losses()) or {}
        if candidate not in self._called and wants_signatures(self._request.model):
            wire.setdefault("thoughtSignature", SENTINEL)
        self._called.add(candidate)
        return self._said(candidate, wire)

    def _finish(self, event: Finished) -> JSONObject:
        self._whole.add(event.candidate)
        end = encode_finish(
            event.finish_reason or "stop",  # the word that ends a stream; without it the stream would look cut
            "",
            Losses(),
            called=event.candidate in self._called,
            stop_sequence=event.stop_sequence,
            logprobs=event.logprobs,
            provider_fields=event.provider_fields,
        )
        whole = self._folding.candidate(event.candidate)
        return {"content": {"role": "model"}, "index": event.candidate, **encode_citations(whole, "", Losses()), **end}

    def _said(self, candidate: int, part: JSONObject) -> list[JSONObject]:
        return [self._chunk({"candidates": [{"content": {"parts": [part], "role": "model"}, "index": candidate}]})]

    def _chunk(self, said: JSONObject) -> JSONObject:
        """A chunk with what every chunk repeats; the first one brings the answer's own fields too."""
        chunk = {**said, **self._head}
        if self._first:
            put_own(chunk, self._first)
            self._first = NOTHING
        return chunk


def _text_part(part: Part, text: str) -> JSONObject:
    wire = encode_text(text)
    if isinstance(part, Reasoning):
        wire["thought"] = True
        if part.issuer != "gemini":
            wire["thoughtSignature"] = SENTINEL
    return wire


def _signed(signature: str) -> JSONObject:
    return {"thoughtSignature": signature}


def _error_frame(failure: Failure) -> JSONObject:
    """google-genai raises its ClientError or ServerError by the code in it."""
    return encode_error(failure).body


def _report_joined(response: Response, losses: Losses) -> None:
    """Neighbouring parts of text have no border on this wire, and what is lost between two makes them neighbours."""
    lost = {loss.path for loss in losses.found() if loss.kind == "dropped"}
    for number, candidate in enumerate(response.candidates):
        paths = [f"candidates[{number}].parts[{index}]" for index in range(len(candidate.parts))]
        shown = [(path, part) for path, part in zip(paths, candidate.parts, strict=True) if path not in lost]
        first: tuple[str, Part] | None = None
        for path, part in ((path, part) for path, part in shown if _shown_as(part) != "nothing"):
            if first is not None and _shown_as(part) == _shown_as(first[1]) and _shown_as(part) != "whole":
                losses.approximate(first[0])
                losses.drop(path)
                first = None if _bordered(part) else first
            else:
                first = None if _bordered(part) else (path, part)


def _shown_as(part: Part) -> str:
    match part:
        case Text() | Refusal():
            return "text" if part.text or part.provider_fields.get("gemini") else "nothing"
        case Reasoning():
            return "thought"
        case _:
            return "whole"


def _bordered(part: Part) -> bool:
    """An own field, as a signature, ends a part."""
    signed = isinstance(part, Reasoning) and part.issuer == "gemini" and part.signature is not None
    return signed or bool(part.provider_fields.get("gemini"))


def continuing(request: Request, frames: list[JSONObject]) -> StreamEncoder:
    """An encoder that goes on with a stream of which `frames` were sent."""
    encoder = StreamEncoder(request)
    replayed(StreamDecoder(request.model), encoder, frames)
    return encoder
