"""A streamed answer as events, and the two laws' functions: `fold(unfold(response)) == response`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields, replace
from typing import TypeAlias, assert_never

from .failures import Failure
from .messages import JSON, NOTHING, Part, ProviderFields, Reasoning, Refusal, Text, ToolCall
from .responses import Candidate, FinishReason, Response, Usage
from .values import value, value_by_place


@value
class Started:
    """The first event of every stream."""

    id: str
    model: str
    created: int | None = None
    provider_fields: ProviderFields = NOTHING


@value
class Restated:
    """What the provider says of the whole answer after `Started`: each field's last word. It may follow the end."""

    provider_fields: ProviderFields = NOTHING
    model: str | None = None
    id: str | None = None


@value
class PartStarted:
    """Part `index` (counted per candidate, from 0) begins as `part`; deltas append to it. Media come whole."""

    index: int
    part: Part
    candidate: int = 0


@value_by_place
class TextDelta:
    """More text of a Text, Refusal or Reasoning part."""

    index: int
    text: str
    candidate: int = 0


@value_by_place
class ArgumentsDelta:
    """More JSON text of a ToolCall's arguments."""

    index: int
    arguments: str
    candidate: int = 0


@value
class SignatureDelta:
    """More of a Reasoning part's signature (providers send it whole, at the end)."""

    index: int
    signature: str
    candidate: int = 0


@value
class PartEnded:
    """Part `index` is complete. `provider_fields` are what only its end brought; they are merged over the start's."""

    index: int
    candidate: int = 0
    provider_fields: ProviderFields = NOTHING


@value
class Finished:
    """A candidate is complete: the terminal signal. A stream that ends without one was cut."""

    finish_reason: FinishReason | None
    candidate: int = 0
    stop_sequence: str | None = None
    logprobs: JSON = None
    provider_fields: ProviderFields = NOTHING


@value
class UsageReported:
    """Usage so far. Cumulative: each one replaces the fields that it knows."""

    usage: Usage


@value
class Failed:
    """The provider reported an error inside the stream. Nothing follows."""

    failure: Failure


Event: TypeAlias = (
    Started
    | Restated
    | PartStarted
    | TextDelta
    | ArgumentsDelta
    | SignatureDelta
    | PartEnded
    | Finished
    | UsageReported
    | Failed
)


class StreamFailed(Exception):
    """`fold` met a `Failed` event; `.failure` says why."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(f"the stream failed: {failure.kind}")
        self.failure = failure


def is_content(event: Event) -> bool:
    """Does this event show the caller something of the answer? Then the hop is committed."""
    match event:
        case TextDelta(text=text):
            return bool(text)
        case ArgumentsDelta() | Finished():
            return True
        case PartStarted(part=part):
            return not (isinstance(part, Text | Refusal | Reasoning) and not part.text)
        case _:
            return False


def unfold(response: Response) -> Iterator[Event]:
    """The events that make up `response`."""
    yield Started(
        id=response.id,
        model=response.model,
        created=response.created,
        provider_fields=response.provider_fields,
    )
    for number, candidate in enumerate(response.candidates):
        yield from _unfold_candidate(number, candidate)
    if response.usage is not None:
        yield UsageReported(usage=response.usage)


def _unfold_candidate(number: int, candidate: Candidate) -> Iterator[Event]:
    for index, part in enumerate(candidate.parts):
        yield from _unfold_part(index, part, number)
    yield Finished(
        finish_reason=candidate.finish_reason,
        candidate=number,
        stop_sequence=candidate.stop_sequence,
        logprobs=candidate.logprobs,
        provider_fields=candidate.provider_fields,
    )


def _unfold_part(index: int, part: Part, candidate: int) -> Iterator[Event]:
    match part:
        case Text() | Refusal():
            yield PartStarted(index=index, part=replace(part, text=""), candidate=candidate)
            if part.text:
                yield TextDelta(index=index, text=part.text, candidate=candidate)
        case Reasoning():
            yield PartStarted(index=index, part=replace(part, text="", signature=None), candidate=candidate)
            if part.text:
                yield TextDelta(index=index, text=part.text, candidate=candidate)
            if part.signature is not None:
                yield SignatureDelta(index=index, signature=part.signature, candidate=candidate)
        case ToolCall():
            yield PartStarted(index=index, part=replace(part, arguments=""), candidate=candidate)
            if part.arguments:
                yield ArgumentsDelta(index=index, arguments=part.arguments, candidate=candidate)
        case _:
            yield PartStarted(index=index, part=part, candidate=candidate)
    yield PartEnded(index=index, candidate=candidate)


def fold(events: Iterable[Event]) -> Response:
    """The response that the events add up to. Raises StreamFailed on `Failed`, ValueError without `Started`."""
    folding = Folding()
    for event in events:
        folding.add(event)
    return folding.response()


class Folding:
    """`fold`, one event at a time: what a stream has said so far."""

    __slots__ = ("_candidates", "_started", "_usage")

    def __init__(self) -> None:
        self._started: Started | None = None
        self._candidates: dict[int, _Building] = {}
        self._usage: Usage | None = None

    def add(self, event: Event) -> None:
        """Take the next event. Raises StreamFailed on `Failed`."""
        match event:
            case Started():
                self._started = event
            case Restated():
                self._started = restated(self._started, event)
            case UsageReported():
                self._usage = merge_usage(self._usage, event.usage)
            case Failed():
                raise StreamFailed(event.failure)
            case _:
                self._candidates.setdefault(event.candidate, _Building()).add(event)

    def candidate(self, number: int) -> Candidate:
        """One answer, as far as it was said."""
        return self._candidates[number].candidate()

    def response(self) -> Response:
        """All that was said. Raises ValueError where nothing was."""
        if self._started is None:
            raise ValueError("an empty stream has no response: its first event must be Started")
        return Response(
            id=self._started.id,
            model=self._started.model,
            created=self._started.created,
            candidates=tuple(self._candidates[number].candidate() for number in sorted(self._candidates)),
            usage=self._usage,
            provider_fields=self._started.provider_fields,
        )


class _Building:
    """One candidate while its events arrive; pieces are joined once, at the end."""

    __slots__ = ("finished", "pieces", "signatures", "starts")

    def __init__(self) -> None:
        self.starts: dict[int, Part] = {}
        self.pieces: dict[int, list[str]] = {}
        self.signatures: dict[int, str] = {}
        self.finished: Finished | None = None

    def add(self, event: PartStarted | TextDelta | ArgumentsDelta | SignatureDelta | PartEnded | Finished) -> None:
        match event:
            case PartStarted():
                self.starts[event.index] = event.part
            case TextDelta():
                self.pieces.setdefault(event.index, []).append(event.text)
            case ArgumentsDelta():
                self.pieces.setdefault(event.index, []).append(event.arguments)
            case SignatureDelta():
                self.signatures[event.index] = self.signatures.get(event.index, "") + event.signature
            case PartEnded():
                if event.provider_fields:
                    self.starts[event.index] = _with_fields(self.starts[event.index], event.provider_fields)
            case Finished():
                self.finished = event
            case _:
                assert_never(event)

    def candidate(self) -> Candidate:
        parts = tuple(self._part(index) for index in sorted(self.starts))
        if self.finished is None:
            return Candidate(parts=parts)
        return Candidate(
            parts=parts,
            finish_reason=self.finished.finish_reason,
            stop_sequence=self.finished.stop_sequence,
            logprobs=self.finished.logprobs,
            provider_fields=self.finished.provider_fields,
        )

    def _part(self, index: int) -> Part:
        part, rest = self.starts[index], "".join(self.pieces.get(index, ()))
        match part:
            case Text() | Refusal():
                return replace(part, text=part.text + rest) if rest else part
            case Reasoning():
                signature = (
                    (part.signature or "") + self.signatures[index] if index in self.signatures else part.signature
                )
                return replace(part, text=part.text + rest, signature=signature)
            case ToolCall():
                return replace(part, arguments=part.arguments + rest) if rest else part
            case _:
                return part


def _with_fields(part: Part, fields: ProviderFields) -> Part:
    return replace(part, provider_fields=_merged(part.provider_fields, fields))


def _merged(known: ProviderFields, new: ProviderFields) -> ProviderFields:
    merged = {name: dict(values) for name, values in known.items()}
    for name, values in new.items():
        merged.setdefault(name, {}).update(values)
    return merged


def restated(started: Started | None, late: Restated) -> Started | None:
    """The start as it stands after `late`; None where nothing has started."""
    if started is None:
        return None
    fields = _merged(started.provider_fields, late.provider_fields)
    return replace(started, id=late.id or started.id, model=late.model or started.model, provider_fields=fields)


def last_word(
    told: dict[str, JSON], said: Mapping[str, JSON], keep: Callable[[dict[str, JSON]], ProviderFields]
) -> list[Event]:
    """The Restated for what `said` has and `told` has not, which is noted in `told`; `keep` gives it its owner."""
    news = {name: value for name, value in said.items() if name not in told or told[name] != value}
    if not news:
        return []
    told.update(news)
    return [Restated(provider_fields=keep(news))]


def merge_usage(known: Usage | None, new: Usage) -> Usage:
    """`new` over `known`: fields that `new` does not know keep their value."""
    if known is None:
        return new
    changed = {name: value for name in _USAGE if (value := getattr(new, name)) is not None and value != {}}
    return replace(known, **changed)


_USAGE = tuple(field.name for field in fields(Usage))
