"""The walk over a chain, written once: it decides and yields effects; `drive` and `adrive` perform them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeAlias

from spaturzu_translators.codec import BadWire, FailedAnswer, codec
from spaturzu_translators.failures import ErrorReply, Failure
from spaturzu_translators.loss import Loss
from spaturzu_translators.messages import JSONObject, ToolCall
from spaturzu_translators.responses import Response
from spaturzu_translators.structured import unwrapped

from .answers import is_answer
from .call import Call, Prepared, Skip
from .chain import Target
from .failures import failure_of_reply
from .hop import Hop
from .media import FetchLimits, Media
from .relay import FrameRelay, NativeRelay, Relay
from .reported import report, report_decoded
from .retry import Retries
from .targets import sdk
from .verdicts import VERDICTS


@dataclass(slots=True)  # not frozen: every call makes one, and setting frozen fields costs
class SendPrimary:
    """Send the caller's own request. `relay` makes the stream, if the answer is one."""

    hop: Hop
    timeout_s: float | None
    relay: Callable[[], NativeRelay]


@dataclass(frozen=True, slots=True)
class SendTarget:
    """Call a target's client. `relay` is None for a plain call."""

    hop: Hop
    target: Target
    invoke: Callable[[], Any]
    relay: FrameRelay | None
    timeout_s: float | None


@dataclass(frozen=True, slots=True)
class Sleep:
    """Wait."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Fetch:
    """Get media that a target takes inline only. What cannot be had is left out of the answer."""

    uris: tuple[str, ...]
    limits: FetchLimits
    timeout_s: float | None


@dataclass(frozen=True, slots=True)
class Fetched:
    """The media that could be had, by their URIs."""

    media: Mapping[str, Media]


Effect: TypeAlias = SendPrimary | SendTarget | Sleep | Fetch


@dataclass(slots=True)  # not frozen, for the same reason
class NativeAnswer:
    """The primary's own answer, for the caller as it is; `stream` where it is one, else `body` is its JSON."""

    reply: Any
    stream: Pulled | None = None
    body: JSONObject | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Pulled:
    """A committed stream: `head` is let out first, then the rest of `source` through `relay`."""

    hop: Hop
    relay: Relay[Any]
    head: bytes
    source: Any
    close: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class TargetAnswer:
    """A target's plain answer in its own wire JSON."""

    body: JSONObject


@dataclass(frozen=True, slots=True)
class Answer:
    """A plain answer in the caller's wire JSON."""

    hop: Hop
    body: JSONObject


@dataclass(frozen=True, slots=True)
class Broken:
    """An attempt failed. `native` is the primary's own failing response or exception."""

    failure: Failure
    native: Any = None


Outcome: TypeAlias = NativeAnswer | TargetAnswer | Pulled | Broken | Fetched | None
Result: TypeAlias = NativeAnswer | Answer | Pulled | Broken


def walk(call: Call) -> Generator[Effect, Outcome, Result]:
    """The walk, within what is around the call. A stream is over later: whoever lets it out says so."""
    if not call.chain.around:
        return (yield from _walk(call))
    record = call.record
    record.opened = [concern(call) for concern in call.chain.around]
    for concern in record.opened:
        next(concern)
    try:
        result = yield from _walk(call)
    except BaseException:
        record.over()
        raise
    if not (isinstance(result, Pulled) or (isinstance(result, NativeAnswer) and result.stream is not None)):
        record.over()
    return result


def _walk(call: Call) -> Generator[Effect, Outcome, Result]:
    """Try the targets in order until one answers. The result of an exhausted chain is the primary's own failure.

    Where the chain has no primary, the first target's failure stands for it.
    """
    own: Broken | None = None
    for target in order(call):
        result = yield from visit(call, target)
        if not isinstance(result, Broken):
            return result
        if target is None or (own is None and not call.chain.has_primary):
            own = result
        if stops(result, target):
            return own or result
    assert own is not None  # noqa: S101 - the primary has its place in every order
    return own


def visit(call: Call, target: Target | None) -> Generator[Effect, Outcome, Result]:
    """One hop: skipped, or asked."""
    hop = call.open_hop(target)
    plan = _plan(call, hop, target)
    if isinstance(plan, Broken) and (uris := call.fetchable(hop.losses)):
        plan = yield from _with_media(call, hop, target, uris)
    if isinstance(plan, Broken):
        return _told(call, hop, plan)
    return (yield from _surrounded(call, hop, target, plan))


def order(call: Call) -> Iterable[Target | None]:
    """As the chain chooses; those that are cooled down come last, the first to reopen before the others."""
    chain = call.chain
    places = chain.places if chain.choosing.is_as_written else chain.choosing.order(call, chain.places)
    return places if chain.cooldowns.quiet or not chain.targets else _by_cooldown(call, places)


def _by_cooldown(call: Call, places: Iterable[Target | None]) -> Iterator[Target | None]:
    """Each target is asked for its state when its turn comes: who admits a probe must send it.

    However the walk leaves it, answered, skipped or interrupted, another may be the next probe.
    """
    cooldowns, later = call.chain.cooldowns, list[Target | None]()
    for place in places:
        if not cooldowns.admit(call.key_of(place)):
            later.append(place)
            continue
        try:
            yield place
        finally:
            cooldowns.released(call.key_of(place))
    yield from sorted(later, key=lambda place: cooldowns.reopens_in(call.key_of(place)))


def stops(broken: Broken, target: Target | None) -> bool:
    """Does this failure end the walk?"""
    verdict = VERDICTS[broken.failure.kind]
    return not (verdict.falls if target is None else verdict.falls_from_target)


def _plan(call: Call, hop: Hop, target: Target | None) -> Prepared | Broken | None:
    """What the target is to be sent (None: the caller's own request, to the primary), or why it is skipped."""
    remaining_s = call.remaining_s()
    if remaining_s is not None and remaining_s <= 0:
        return _skipped(hop, Skip(f"the deadline of {call.chain.deadline_s:g} s has passed"))
    if target is None:
        return None
    prepared = call.prepare(target)
    if isinstance(prepared, Skip):
        return _skipped(hop, prepared)
    hop.losses = prepared.losses
    return prepared


def _with_media(
    call: Call, hop: Hop, target: Target | None, uris: tuple[str, ...]
) -> Generator[Effect, Outcome, Prepared | Broken | None]:
    """The target again, with the media that it could not be sent by reference."""
    assert call.chain.fetch_media is not None  # noqa: S101 - fetchable says so
    outcome = yield Fetch(uris, call.chain.fetch_media, call.hop_timeout_s(target))
    if not isinstance(outcome, Fetched) or not call.take(outcome.media):
        return Broken(Failure(kind="bad_request", code="skipped"))
    hop.status, hop.why = "pending", None
    return _plan(call, hop, target)


def _skipped(hop: Hop, skip: Skip) -> Broken:
    hop.status, hop.why, hop.losses = "skipped", skip.why, skip.losses
    return Broken(Failure(kind="bad_request" if skip.losses else "timeout", code="skipped"))


def _send(call: Call, hop: Hop, target: Target | None, prepared: Prepared | None) -> SendPrimary | SendTarget:
    if target is None or prepared is None:
        return SendPrimary(hop, call.hop_timeout_s(None), call.native_relay)
    timeout_s = call.hop_timeout_s(target)
    as_async = call.as_async and target.sdk.serves_async(target.client)
    invoke = partial(_invoke, target, prepared, timeout_s, as_async, hop.enter is not None)
    return SendTarget(hop, target, invoke, call.target_relay(target, prepared), timeout_s)


def _invoke(target: Target, prepared: Prepared, timeout_s: float | None, as_async: bool, traced: bool) -> Any:
    """Performed by the driver as a whole: a client that cannot even be bound to the call fails like any other."""
    client = target.silent if traced else target.single
    return sdk(prepared.wire_name).prepare(client, prepared.wire, timeout_s, as_async)()


def _surrounded(
    call: Call, hop: Hop, target: Target | None, prepared: Prepared | None
) -> Generator[Effect, Outcome, Result]:
    """The attempts within the chain's middleware, the first outermost. A stream's hop is over when its stream is."""
    if not call.chain.middleware:
        return (yield from _attempts(call, hop, target, prepared))
    _open(call, hop)
    try:
        result = yield from _attempts(call, hop, target, prepared)
    except BaseException:
        hop.over()
        raise
    if hop.status != "pending":
        hop.over()
    return result


def _open(call: Call, hop: Hop) -> None:
    opened = [concern(call, hop) for concern in call.chain.middleware]
    try:
        for concern in opened:
            next(concern)
    except Exception as denial:
        hop.status, hop.why = "skipped", f"denied: {type(denial).__name__}"
        raise
    hop.opened = opened


def _told(call: Call, hop: Hop, skipped: Broken) -> Broken:
    if call.chain.skipped is not None:
        call.chain.skipped(call, hop)
    return skipped


def _attempts(
    call: Call, hop: Hop, target: Target | None, prepared: Prepared | None
) -> Generator[Effect, Outcome, Result]:
    """Ask one target, again where that is cheap. Its cooldown learns the result."""
    retries: Retries | None = None
    while True:
        outcome = yield from _attempt(call, hop, target, prepared)
        if not isinstance(outcome, Broken):
            return _served(call, hop, target, prepared, outcome)
        _failed(call, hop, outcome.failure)
        if prepared is not None and prepared.otherwise is not None and _refused(outcome.failure):
            prepared = prepared.otherwise
            continue
        retries = retries or Retries(call.chain.retry, call.max_retries if target is None else target.max_retries)
        wait_s = retries.wait_after(outcome.failure, remaining_s=call.remaining_s())
        if wait_s is None:
            _count(call, target, outcome.failure)
            return outcome
        if wait_s:
            yield Sleep(wait_s)


def _refused(failure: Failure) -> bool:
    return failure.kind == "bad_request" and failure.status is not None


def _attempt(
    call: Call, hop: Hop, target: Target | None, prepared: Prepared | None
) -> Generator[Effect, Outcome, NativeAnswer | TargetAnswer | Pulled | Broken]:
    """One request. A caller who interrupts it leaves a cancelled hop."""
    hop.attempts += 1
    leave = hop.enter() if hop.enter else None
    try:
        outcome = yield _send(call, hop, target, prepared)
    except BaseException:
        hop.status, hop.kind = "failed", "cancelled"
        hop.duration_s = call.chain.clock() - hop.started
        raise
    finally:
        if leave is not None:
            leave()
    hop.duration_s = call.chain.clock() - hop.started
    assert not isinstance(outcome, Fetched | None)  # noqa: S101 - those are the outcomes of other effects
    return outcome


def _served(
    call: Call,
    hop: Hop,
    target: Target | None,
    prepared: Prepared | None,
    outcome: NativeAnswer | TargetAnswer | Pulled,
) -> Result:
    """An answer. That of a target is still to be read."""
    hop.kind = hop.http_status = hop.code = None
    if isinstance(outcome, TargetAnswer):
        assert target is not None and prepared is not None  # noqa: S101, PT018 - only a target's sending gives one
        result = _read(call, hop, target, prepared, outcome)
    else:
        result = outcome
        stream = outcome if isinstance(outcome, Pulled) else outcome.stream
        hop.streamed, hop.status = stream is not None, "served" if stream is None else "pending"
        if stream is not None:
            hop.first_token_s, hop.usage, hop.answer = hop.duration_s, stream.relay.usage, stream.relay.partial
    if isinstance(result, Broken):
        _count(call, target, result.failure)
        return result
    if not call.chain.choosing.is_as_written:
        call.chain.choosing.served(call, target, hop.duration_s)
    if hop.status == "served":  # a stream has yet to succeed
        call.succeeded(target)
    return result


def _failed(call: Call, hop: Hop, failure: Failure) -> None:
    hop.status, hop.kind, hop.http_status, hop.code = "failed", failure.kind, failure.status, failure.code
    hop.model = hop.model or call.wire.model


def _count(call: Call, target: Target | None, failure: Failure) -> None:
    if call.chain.targets:
        call.chain.cooldowns.failed(call.key_of(target), failure)


def _read(call: Call, hop: Hop, target: Target, prepared: Prepared, answer: TargetAnswer) -> Answer | Broken:
    """The target's answer in the caller's shape. One that cannot be read is the target's failure."""
    hop.status = "served"
    if not is_answer(prepared.wire_name, answer.body):
        return _unread(call, hop, failure_of_reply(ErrorReply(status=200, body=answer.body), target.provider))
    if prepared.request is None and answer.body.get("status") != "failed":
        hop.model = str(answer.body.get("model") or hop.model)
        report(hop, prepared.wire_name, answer.body)
        return Answer(hop, answer.body)
    try:
        response = codec(prepared.wire_name).decode_response(answer.body, target.model)
    except FailedAnswer as failed:
        return _unread(call, hop, failed.failure)
    except BadWire:
        return _unread(call, hop, Failure(kind="server", code="malformed_response"))
    hop.model = response.model or target.model
    report_decoded(hop, target.provider, response)
    response = unwrapped(response) if prepared.unwrap else _renamed(response, prepared)
    encoded = call.codec.encode_response(response, call.request)
    hop.losses = (*hop.losses, *of_response(encoded.losses))
    return Answer(hop, encoded.value)


def _unread(call: Call, hop: Hop, failure: Failure) -> Broken:
    _failed(call, hop, failure)
    return Broken(failure)


def of_response(losses: tuple[Loss, ...]) -> tuple[Loss, ...]:
    """Losses of an answer, told apart from those of its request."""
    return tuple(replace(loss, path=f"response.{loss.path}") for loss in losses)


def _renamed(response: Response, prepared: Prepared) -> Response:
    """Tool names as the caller knows them."""
    names = prepared.wire.renamed_tools
    if not names:
        return response
    return replace(
        response,
        candidates=tuple(
            replace(
                candidate,
                parts=tuple(
                    replace(part, name=names.get(part.name, part.name)) if isinstance(part, ToolCall) else part
                    for part in candidate.parts
                ),
            )
            for candidate in response.candidates
        ),
    )
