"""Canonical events as chunks of a chat completion; what stands where: providers.md sections 1.7 and 8, 2026-11-22."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import assert_never

from ..citations import answer_of, beside_answer, moved, of_answer
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
)
from ..loss import Loss, Losses, foreign_event_fields
from ..messages import JSON, Blob, JSONObject, Opaque, Part, ProviderFields, Reasoning, Refusal, Text, ToolCall
from ..requests import Request
from ..responses import Usage
from ..sound import spoken
from .errors import encode_error_object
from .parts import encode_call, is_call, own
from .response import (
    answers_in_functions,
    drop_own,
    drop_stop_sequence,
    encode_created,
    encode_logprobs,
    encode_reason,
    encode_usage,
    seal,
)

_SLOTS: dict[type[Text | Refusal | Reasoning], str] = {
    Reasoning: "reasoning_content",
    Text: "content",
    Refusal: "refusal",
}


@dataclass(slots=True)
class _Telling:
    """What was told of one candidate."""

    number: int
    path: str
    kind: type[Text | Refusal | Reasoning] | None = None
    """Of the last part that showed text: the next of its kind runs on in it."""
    part: Part | None = None
    shown: bool = False
    said: int = 0
    """Characters of the answer's text, and below where the part begins in it and what it rests on."""
    begins: int = 0
    texts: dict[int, list[str]] = field(default_factory=dict[int, list[str]])
    """The pieces of each part of it."""
    citations: list[JSONObject] = field(default_factory=list[JSONObject])
    call: int = -1
    refuses: bool = False
    muted: bool = False

    def spoken(self) -> dict[int, str]:
        """Each part of the text."""
        return {at: "".join(pieces) for at, pieces in self.texts.items()}


class StreamEncoder:
    """Canonical events in, chunks out. Usage comes last, if the caller asked for it."""

    def __init__(self, request: Request) -> None:
        self._asks_usage = request.stream_usage
        self._in_functions = answers_in_functions(request)
        self._losses = Losses()
        self._base: JSONObject = {}
        self._tellings: dict[int, _Telling] = {}
        self._usage: Usage | None = None
        self._untold = False
        """Has the answer been restated since its last chunk?"""
        self._failed = False

    @property
    def losses(self) -> tuple[Loss, ...]:
        """What could not be said so far."""
        return self._losses.found()

    def feed(self, event: Event) -> list[JSONObject]:
        """The chunks that say `event`."""
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
                self._failed = True
                return [{"error": encode_error_object(event.failure)}]
            case _:
                return self._feed_candidate(event)

    def close(self) -> list[JSONObject]:
        """The chunk with the usage, or with what else was said after the end."""
        if self._failed:
            return []
        last: list[JSONObject] = [{**self._base, "choices": []}] if self._untold else []
        if self._usage is None:
            return last
        self._report_foreign(self._usage.provider_fields, "usage")
        wire = encode_usage(self._usage, self._losses)
        return [{**self._base, "choices": [], "usage": wire}] if self._asks_usage else last

    def _start(self, event: Started) -> list[JSONObject]:
        self._report_foreign(event.provider_fields, "")
        self._base = {
            **own(event.provider_fields),
            "id": event.id,
            "object": "chat.completion.chunk",
            "created": encode_created(event.created),
            "model": event.model,
        }
        return [self._open(0)]

    def _restate(self, event: Restated) -> None:
        self._report_foreign(event.provider_fields, "")
        named = {name: said for name, said in (("id", event.id), ("model", event.model)) if said}
        news = {**own(event.provider_fields), **named}
        self._base = {**news, **self._base, **news}
        self._untold = self._untold or bool(news)

    def _open(self, number: int) -> JSONObject:
        self._tellings[number] = _Telling(number, f"candidates[{number}]")
        return self._chunk(number, {"role": "assistant", "content": ""})

    def _chunk(self, number: int, delta: JSONObject, reason: str | None = None, **more: JSON) -> JSONObject:
        choice = {"index": number, "delta": delta, "logprobs": None, "finish_reason": reason, **more}
        return {**self._base, "choices": [choice]}

    def _feed_candidate(
        self, event: PartStarted | TextDelta | ArgumentsDelta | SignatureDelta | PartEnded | Finished
    ) -> list[JSONObject]:
        opening = [] if event.candidate in self._tellings else [self._open(event.candidate)]
        telling = self._tellings[event.candidate]
        match event:
            case PartStarted():
                return opening + self._start_part(event, telling)
            case TextDelta():
                return opening + self._text(event.text, event.index, telling)
            case ArgumentsDelta():
                return opening + self._arguments(event.arguments, telling)
            case SignatureDelta():
                self._losses.drop(f"{telling.path}.parts[{event.index}].signature")
                return opening
            case PartEnded():
                return opening + self._end_part(event, telling)
            case Finished():
                return opening + self._finish(event, telling)
            case _:
                assert_never(event)

    def _start_part(self, event: PartStarted, telling: _Telling) -> list[JSONObject]:
        telling.part, telling.shown, telling.muted = event.part, False, False
        telling.begins = telling.said
        path = f"{telling.path}.parts[{event.index}]"
        self._report_foreign(event.part.provider_fields, path)
        match event.part:
            case Text() | Refusal():
                drop_own(event.part.provider_fields, path, self._losses)
                return self._text(event.part.text, event.index, telling)
            case Reasoning():
                drop_own(event.part.provider_fields, path, self._losses)
                seal(event.part, path, self._losses)
                return self._text(event.part.text, event.index, telling)
            case ToolCall():
                return self._call(encode_call(event.part, event.part.name), path, telling)
            case Opaque() if is_call(event.part):
                telling.shown = True
                return self._call(event.part.value, path, telling)
            case Opaque(value={"audio": audio}) if event.part.issuer == "openai":
                return [self._chunk(telling.number, {"audio": audio})]
            case Blob(modality="audio"):
                self._losses.approximate(path)
                return [self._chunk(telling.number, {"audio": spoken([event.part], None)})]
            case _:
                self._losses.drop(path, "meaning")
                return []

    def _text(self, text: str, index: int, telling: _Telling) -> list[JSONObject]:
        if not text:
            return []
        kind = (
            Refusal if isinstance(telling.part, Refusal) else Reasoning if isinstance(telling.part, Reasoning) else Text
        )
        if not telling.shown and telling.kind is kind:
            self._losses.approximate(f"{telling.path}.parts")
        telling.shown, telling.kind = True, kind
        telling.refuses |= kind is Refusal
        if kind is Text:
            telling.said += len(text)
            telling.texts.setdefault(index, []).append(text)
        return [self._chunk(telling.number, {_SLOTS[kind]: text})]

    def _call(self, call: JSONObject, path: str, telling: _Telling) -> list[JSONObject]:
        """A call's first fragment, with its id and name; the deprecated form has one call and no id."""
        telling.kind = None
        telling.call += 1
        function = {**call["function"], "arguments": ""} if "function" in call else None
        if self._in_functions:
            telling.muted = telling.call > 0 or function is None
            if telling.muted:
                self._losses.drop(path, "meaning")
                return []
            return [self._chunk(telling.number, {"function_call": function})]
        fragment = {"index": telling.call, **call} | ({"function": function} if function else {})
        return [self._chunk(telling.number, {"tool_calls": [fragment]})]

    def _arguments(self, arguments: str, telling: _Telling) -> list[JSONObject]:
        if telling.muted:
            return []
        telling.shown = True
        function = {"arguments": arguments}
        if self._in_functions:
            return [self._chunk(telling.number, {"function_call": function})]
        return [self._chunk(telling.number, {"tool_calls": [{"index": telling.call, "function": function}]})]

    def _end_part(self, event: PartEnded, telling: _Telling) -> list[JSONObject]:
        path = f"{telling.path}.parts[{event.index}]"
        self._report_foreign(event.provider_fields, path)
        if isinstance(telling.part, Text | Refusal | Reasoning):
            drop_own(event.provider_fields, path, self._losses)
        if isinstance(telling.part, Text) and (telling.part.provider_fields or event.provider_fields):
            self._cite(telling, {**telling.part.provider_fields, **event.provider_fields}, path)
        if telling.shown:
            return []
        if isinstance(telling.part, ToolCall):
            return self._arguments(telling.part.arguments or "{}", telling)
        if isinstance(telling.part, Reasoning):
            self._losses.drop(f"{telling.path}.parts[{event.index}]")
        return []

    def _cite(self, telling: _Telling, fields: ProviderFields, path: str) -> None:
        """A text's citations stand beside the whole answer here."""
        found = beside_answer(fields, "openai", telling.begins, telling.said - telling.begins)
        if found:
            telling.citations += found
            moved(telling.shown, f"{path}.provider_fields", self._losses)

    def _finish(self, event: Finished, telling: _Telling) -> list[JSONObject]:
        self._report_foreign(event.provider_fields, telling.path)
        self._untold = False
        calls, path = telling.call >= 0, telling.path
        reason = encode_reason(event.finish_reason, path, self._losses, calls=calls, refuses=telling.refuses)
        drop_stop_sequence(event.stop_sequence, path, self._losses)
        fields = dict(own(event.provider_fields))
        delta = dict(fields.pop("message", {}))
        if event.provider_fields.keys() - {"openai"}:
            telling.citations += of_answer(answer_of(telling.spoken(), event.provider_fields), "openai")
        if telling.citations and "annotations" not in delta:
            delta["annotations"] = telling.citations
            self._losses.approximate(f"{path}.provider_fields")
        logprobs = encode_logprobs(event.logprobs, path, self._losses)
        wire = "function_call" if self._in_functions and reason == "tool_calls" else reason
        return [self._chunk(telling.number, delta, wire, **{**fields, "logprobs": logprobs})]

    def _report_foreign(self, fields: ProviderFields, path: str) -> None:
        self._losses.extend(foreign_event_fields(fields, path, "openai"))
