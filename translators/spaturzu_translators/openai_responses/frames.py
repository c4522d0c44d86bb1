"""Canonical events as events of a Responses stream, numbered, in the order that the SDK's helper insists on.

Source: providers.md section 1.R and openai 3.54 `lib/streaming/responses`, 2026-11-22.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import assert_never

from ..citations import answer_of, beside_texts, said
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
from ..loss import Loss, Losses, foreign_event_fields
from ..messages import JSON, JSONObject, Opaque, Part, ProviderFields, Reasoning, Refusal, Text, ToolCall
from ..requests import Request
from ..responses import Usage
from .errors import error_event
from .fields import OWN, not_answered, own
from .items import is_item
from .response import Answer, drop_stop_sequence, echo, encode_usage, ending, opening, spoken


@dataclass(slots=True)
class _Held:
    """A text that is over, whose end is not told yet: what the answer rests on may come with the answer's end."""

    part: Text | Refusal
    content: JSONObject
    text: str
    fields: Mapping[str, JSON]


_CandidateEvent = PartStarted | TextDelta | ArgumentsDelta | SignatureDelta | PartEnded | Finished


class StreamEncoder:
    """Canonical events in, numbered events out. The last one has the whole response, so it comes with `close`."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._losses = Losses()
        self._number = 0
        self._started: Started | None = None
        self._opening: JSONObject = {}
        self._answer = Answer("", self._losses)
        self._message: JSONObject | None = None
        self._part: Part | None = None
        self._item: JSONObject | None = None
        """Of the open part: its content in a message, or its item."""
        self._pieces: list[str] = []
        self._signature: str | None = None
        self._held: _Held | None = None
        self._texts: dict[int, JSONObject] = {}
        """The content of each text that is over, by its part's index."""
        self._finished: Finished | None = None
        self._usage: Usage | None = None
        self._failed = False

    @property
    def losses(self) -> tuple[Loss, ...]:
        """What could not be said so far."""
        return self._losses.found()

    def feed(self, event: Event) -> list[JSONObject]:
        """The events that say `event`."""
        match event:
            case Started():
                return self._start(event)
            case Restated():
                return self._restate(event)
            case UsageReported():
                self._usage = merge_usage(self._usage, event.usage)
                return []
            case Failed():
                self._failed = True
                return [*self.release(), error_event(event.failure, self._next())]
            case _ if event.candidate:
                self._losses.drop(f"candidates[{event.candidate}]", "meaning")
                return []
            case _:
                return self._feed_candidate(event)

    def close(self) -> list[JSONObject]:
        """The whole response."""
        if self._finished is None or self._failed:
            return []
        self._cite_late(self._finished.provider_fields)
        frames = [*self.release(), *self._end_message()]
        usage = None
        if self._usage is not None:
            self._report(self._usage.provider_fields, "usage")
            usage = encode_usage(self._usage, self._losses)
        self._answer.log(self._finished.logprobs)
        status = ending(self._finished.finish_reason, self._answer, self._losses)
        body = {**self._opening, "output": self._answer.output, **status, "usage": usage}
        return [*frames, self._frame(status["status"], response=body)]

    def _cite_late(self, beside: ProviderFields) -> None:
        """What another provider says beside its whole answer stands beside its texts here (Gemini's grounding)."""
        if not beside.keys() - {OWN}:
            return
        held = self._held
        told = {at: held.text if held and held.content is text else text["text"] for at, text in self._texts.items()}
        whole = beside_texts(answer_of(told, beside), "candidates[0]", OWN, self._losses)
        for at, text in self._texts.items():
            if annotations := own(whole.parts[at].provider_fields).get("annotations"):
                text["annotations"] = [*text["annotations"], *annotations]

    def number_from(self, number: int) -> None:
        """What the next event is numbered."""
        self._number = number

    def _next(self) -> int:
        self._number += 1
        return self._number - 1

    def _frame(self, kind: str, **said: JSON) -> JSONObject:
        return {"type": f"response.{kind}", **said, "sequence_number": self._next()}

    def _at(self, kind: str, **said: JSON) -> JSONObject:
        """An event about the latest item."""
        output = self._answer.output
        return self._frame(kind, item_id=output[-1]["id"], output_index=len(output) - 1, **said)

    def _item_frame(self, kind: str, item: JSONObject) -> JSONObject:
        index = len(self._answer.output) - 1
        return self._frame(f"output_item.{kind}", output_index=index, item=item)

    def _start(self, event: Started) -> list[JSONObject]:
        self._report(event.provider_fields, "")
        self._answer = Answer(event.id, self._losses)
        self._started = event
        self._opening = self._begun(event, event.created)
        return [self._frame(kind, response=self._opening) for kind in ("created", "in_progress")]

    def _begun(self, started: Started, created: int | None) -> JSONObject:
        return opening(started.id, started.model, created, started.provider_fields, echo(self._request))

    def _restate(self, event: Restated) -> list[JSONObject]:
        """The last event tells it, with the whole response."""
        self._report(event.provider_fields, "")
        self._started = restated(self._started, event)
        if self._started is not None:
            self._opening = self._begun(self._started, self._opening["created_at"])
        return []

    def _report(self, fields: ProviderFields, path: str) -> None:
        if fields:
            self._losses.extend(not_answered(foreign_event_fields(fields, path, OWN)))

    def _feed_candidate(self, event: _CandidateEvent) -> list[JSONObject]:
        match event:
            case PartStarted():
                return self._start_part(event)
            case TextDelta():
                return self._say(event.text)
            case ArgumentsDelta():
                return self._argue(event.arguments)
            case SignatureDelta():
                return self._sign(event)
            case PartEnded():
                return self._end_part(event)
            case Finished():
                self._report(event.provider_fields, "candidates[0]")
                drop_stop_sequence(event.stop_sequence, self._losses)
                self._finished = event
                return []
            case _:
                assert_never(event)

    def _start_part(self, event: PartStarted) -> list[JSONObject]:
        path, part = f"candidates[0].parts[{event.index}]", event.part
        self._report(part.provider_fields, path)
        over = self.release()
        self._part, self._item, self._pieces, self._signature = part, None, [], None
        match part:
            case Text() | Refusal() | Reasoning():
                return over + self._say(part.text)
            case ToolCall():
                return [*over, *self._end_message(), *self._call(part)]
            case Opaque() if is_item(part):
                before = [*over, *self._end_message()]
                self._answer.add(part, path)
                return [*before, self._item_frame("added", part.value), self._item_frame("done", part.value)]
            case _:
                return over + self._whole(part, path)

    def _whole(self, part: Part, path: str) -> list[JSONObject]:
        """A part of a message that comes at once, or what cannot be said."""
        if not isinstance(part, Opaque) or part.issuer != OWN:
            self._losses.drop(path, "meaning")
            return []
        frames, message = self._in_message(part)
        content = spoken(part, path, self._losses)
        message["content"].append(content)
        index = len(message["content"]) - 1
        told = [self._at(f"content_part.{kind}", content_index=index, part=content) for kind in ("added", "done")]
        return [*frames, *told]

    def _in_message(self, part: Text | Refusal | Opaque) -> tuple[list[JSONObject], JSONObject]:
        """The message that `part` stands in, and the events that open it."""
        before = self._end_message() if "item" in own(part.provider_fields) else []
        message, begins = self._answer.message(part)
        if not begins:
            return before, message
        self._message = message
        return [*before, self._item_frame("added", {**message, "status": "in_progress", "content": []})], message

    def _end_message(self) -> list[JSONObject]:
        message, self._message = self._message, None
        return [] if message is None else [self._item_frame("done", message)]

    def _say(self, text: str) -> list[JSONObject]:
        if not text:
            return []
        self._pieces.append(text)
        match self._part:
            case Text():
                return [*self._open_content(self._part), self._content("output_text.delta", delta=text, logprobs=[])]
            case Refusal():
                return [*self._open_content(self._part), self._content("refusal.delta", delta=text)]
            case Reasoning():
                return [*self._open_thoughts(self._part), self._summary("text.delta", delta=text)]
            case _:
                return []

    def _open_content(self, part: Text | Refusal) -> list[JSONObject]:
        if self._item is not None:
            return []
        frames, message = self._in_message(part)
        self._item = (
            {"type": "output_text", "text": "", "annotations": [], "logprobs": []}
            if isinstance(part, Text)
            else {"type": "refusal", "refusal": ""}
        )
        message["content"].append(self._item)
        self._answer.refuses |= isinstance(part, Refusal)
        return [*frames, self._content("content_part.added", part=dict(self._item))]

    def _content(self, kind: str, **said: JSON) -> JSONObject:
        """An event about the latest part of the open message."""
        return self._at(kind, content_index=len(self._answer.output[-1]["content"]) - 1, **said)

    def _open_thoughts(self, part: Reasoning, *, shows: bool = True) -> list[JSONObject]:
        if self._item is not None:
            return []
        before = self._end_message()
        fields: Mapping[str, JSON] = own(part.provider_fields).get("item", {})
        empty: JSONObject = {"id": self._answer.new_id("rs"), "type": "reasoning", "summary": [], **fields}
        self._item = self._answer.put(empty)
        frames = [*before, self._item_frame("added", dict(empty))]
        return [*frames, self._summary("part.added", part={"type": "summary_text", "text": ""})] if shows else frames

    def _summary(self, kind: str, **said: JSON) -> JSONObject:
        return self._at(f"reasoning_summary_{kind}", summary_index=0, **said)

    def _call(self, part: ToolCall) -> list[JSONObject]:
        self._item = self._answer.call(part)
        self._item["arguments"] = ""
        added = self._item_frame("added", {**self._item, "status": "in_progress"})
        return [added, *self._argue(part.arguments)]

    def _argue(self, arguments: str) -> list[JSONObject]:
        if not arguments or self._item is None:
            return []
        self._pieces.append(arguments)
        return [self._at("function_call_arguments.delta", delta=arguments)]

    def _sign(self, event: SignatureDelta) -> list[JSONObject]:
        """OpenAI's own seal is the encrypted content; another's is lost."""
        if isinstance(self._part, Reasoning) and self._part.issuer == "openai":
            self._signature = (self._signature or "") + event.signature
        else:
            self._losses.drop(f"candidates[0].parts[{event.index}].signature")
        return []

    def _end_part(self, event: PartEnded) -> list[JSONObject]:
        path = f"candidates[0].parts[{event.index}]"
        self._report(event.provider_fields, path)
        part, self._part = self._part, None
        match part:
            case Text() | Refusal() if self._item is not None:
                if isinstance(part, Text):
                    self._texts[event.index] = self._item
                self._held = _Held(part, self._item, "".join(self._pieces), self._cited(part, event, path))
                return []
            case Reasoning():
                return self._end_thoughts(part, event.provider_fields, path)
            case ToolCall() if self._item is not None:
                return self._end_call(self._item)
            case _:
                return []

    def _cited(self, part: Text | Refusal, event: PartEnded, path: str) -> Mapping[str, JSON]:
        """The fields of a text at its end, with another provider's citations in our form."""
        if isinstance(part, Text) and (part.provider_fields or event.provider_fields):
            told = said({**part.provider_fields, **event.provider_fields}, OWN, sum(map(len, self._pieces)))
            if told is not None:
                self._losses.approximate(f"{path}.provider_fields")
                return own(told)
        return {**own(part.provider_fields), **own(event.provider_fields)}

    def release(self) -> list[JSONObject]:
        """The end of a text that is over."""
        held, self._held = self._held, None
        if held is None:
            return []
        content, text = held.content, held.text
        if isinstance(held.part, Refusal):
            content["refusal"] = text
            return [self._content("refusal.done", refusal=text), self._content("content_part.done", part=content)]
        late = content["annotations"]
        content |= {"text": text, **{name: value for name, value in held.fields.items() if name != "item"}}
        content["annotations"] = [*content["annotations"], *late] if content["annotations"] is not late else late
        cited = [
            self._content("output_text.annotation.added", annotation_index=at, annotation=annotation)
            for at, annotation in enumerate(content["annotations"])
        ]
        done = self._content("output_text.done", text=text, logprobs=[])
        return [*cited, done, self._content("content_part.done", part=content)]

    def _end_thoughts(self, part: Reasoning, brought: ProviderFields, path: str) -> list[JSONObject]:
        text, shows = "".join(self._pieces), self._item is not None
        fields = {OWN: {**own(part.provider_fields), **own(brought)}} if own(brought) else part.provider_fields
        signature = part.signature if self._signature is None else self._signature
        whole = self._answer.think(replace(part, text=text, signature=signature, provider_fields=fields), path)
        if whole is None:
            return []
        frames = self._open_thoughts(part, shows=False)
        assert self._item is not None  # noqa: S101 - just opened
        self._item |= {**whole, "id": self._item["id"]}
        if shows:
            summary = {"type": "summary_text", "text": text}
            frames += [self._summary("text.done", text=text), self._summary("part.done", part=summary)]
        return [*frames, self._item_frame("done", self._item)]

    def _end_call(self, item: JSONObject) -> list[JSONObject]:
        frames = [] if self._pieces else self._argue("{}")
        item["arguments"] = "".join(self._pieces)
        done = self._at("function_call_arguments.done", name=item["name"], arguments=item["arguments"])
        return [*frames, done, self._item_frame("done", item)]
