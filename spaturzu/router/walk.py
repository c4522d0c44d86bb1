"""The walk over a chain, written once: it decides and yields effects; `drive` and `adrive` perform them."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from math import inf
from typing import TYPE_CHECKING, Any, TypeAlias

from spaturzu_translators.codec import BadWire, FailedAnswer, codec
from spaturzu_translators.failures import ErrorReply, Failure
from spaturzu_translators.loss import Encoded, Loss
from spaturzu_translators.messages import JSONObject, ToolCall
from spaturzu_translators.one_call import first_call
from spaturzu_translators.responses import Response
from spaturzu_translators.structured import unwrapped

from .answers import MALFORMED_ANSWER, is_answer, is_malformed, refusal
from .call import Call, Prepared, Skip
from .chain import Target, Turn, turns_of
from .failures import failure_of_reply
from .hop import Hop
from .media import FetchLimits, Media
from .relay import FrameRelay, NativeRelay, Relay
from .reported import report, report_decoded
from .retry import Retries
from .spans import spans_are_kept
from .targets import sdk
from .verdicts import VERDICTS
from .watch import Watch
from .windows import context_window

if TYPE_CHECKING:
    from .race import Race
    from .relief import Relief


@dataclass(slots=True)  # not frozen: every call makes one, and setting frozen fields costs
class SendPrimary:
    """Send the caller's own request. `relay` makes the stream, if the answer is one."""

    hop: Hop
    timeout_s: float | None
    relay: Callable[[], NativeRelay]
    watch: Watch | None = None


@dataclass(frozen=True, slots=True)
class SendTarget:
    """Call a target's client. `relay` is None for a plain call."""

    hop: Hop
    target: Target
    invoke: Callable[[], Any]
    relay: FrameRelay | None
    timeout_s: float | None
    watch: Watch | None = None


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


@dataclass(frozen=True, slots=True)
class Hedge:
    """Run a race: drive its first lane, and after its `delay_s` a second one as well, until it has ended.

    Its lanes have the results. Whatever is on its way then is cancelled.
    """

    race: Race


@dataclass(frozen=True, slots=True)
class Join:
    """Wait until nothing is left to wait for in a relief. Its lanes have the results."""

    race: Relief


Effect: TypeAlias = SendPrimary | SendTarget | Sleep | Fetch | Hedge | Join


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
    """A target's plain answer in its own wire JSON; `id` names one whose body has none."""

    body: JSONObject
    id: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """A plain answer in the caller's wire JSON."""

    hop: Hop
    body: JSONObject


@dataclass(frozen=True, slots=True)
class Broken:
    """An attempt failed. `native` is the primary's own failing response or exception. `refusal`: the answer that was
    one, for the caller after all where nobody else has another.
    """

    failure: Failure
    native: Any = None
    refusal: NativeAnswer | Answer | Pulled | None = None


Outcome: TypeAlias = NativeAnswer | TargetAnswer | Pulled | Broken | Fetched | None
Result: TypeAlias = NativeAnswer | Answer | Pulled | Broken
Came: TypeAlias = Result | BaseException | None
"""What one lane of a race came to; None where it was left."""


class TooLate(Exception):
    """What came in a race that was over: nobody takes it, so whoever drives closes it."""

    def __init__(self, outcome: Outcome | Result) -> None:
        super().__init__()
        self.outcome = outcome


@dataclass(frozen=True, slots=True)
class Sent:
    """The primary's first attempt, made before the walk: `at_once`."""

    hop: Hop
    outcome: NativeAnswer | Broken


def at_once(call: Call) -> SendPrimary | None:
    """The caller's own request, where nothing has to be decided before it is sent; None: walk.

    So is nearly every call, and a walk's generators would cost it some microseconds. Whoever sends it goes on with
    `answered`, `interrupted`, or a walk that knows what was `Sent`.
    """
    chain = call.chain
    if not chain.is_direct or not chain.breakers.quiet:
        return None
    call.ahead = chain.turns[0].ahead
    hop = call.open_hop(None)
    _open(call, hop)
    hop.attempts = 1
    if not chain.is_bounded:
        return SendPrimary(hop, None, call.native_relay)
    return SendPrimary(hop, call.timeout_s(hop, None), call.native_relay, call.watch(hop, None))


def answered(call: Call, hop: Hop, answer: NativeAnswer) -> Result:
    """The primary answered `at_once`."""
    hop.duration_s = call.chain.clock() - hop.started
    if answer.stream is not None:  # it has yet to succeed
        _mark(hop, answer.stream)
        return answer
    hop.status = "served"
    call.succeeded(None)
    hop.over()
    return answer


def interrupted(call: Call, hop: Hop) -> None:
    """The caller interrupted an attempt: the hop is a cancelled one, and nobody else is asked any more."""
    if is_relieved(call):
        assert call.race is not None  # noqa: S101 - so it is
        call.race.leave()
    hop.status, hop.kind = "failed", "cancelled"
    hop.duration_s = call.chain.clock() - hop.started
    hop.over()


def walk(call: Call, sent: Sent | None = None) -> Generator[Effect, Outcome, Result]:
    """The walk, within what is around the call. A stream is over later: whoever lets it out says so."""
    if not call.chain.around:
        return _surfaced(call, (yield from _walk(call, _turns(call, sent), sent)))
    record = call.record
    record.opened = [concern(call) for concern in call.chain.around]
    for concern in record.opened:
        next(concern)
    try:
        result = _surfaced(call, (yield from _walk(call, _turns(call, sent), sent)))
    except BaseException:
        record.over()
        raise
    if not (isinstance(result, Pulled) or (isinstance(result, NativeAnswer) and result.stream is not None)):
        record.over()
    return result


def _surfaced(call: Call, result: Result) -> Result:
    """What an exhausted chain comes to: where that is a refusal, in the words in which it was given."""
    if not isinstance(result, Broken) or result.refusal is None:
        return result
    own = (hop for place, hop in zip(call.visited, call.record.hops, strict=True) if place is None)
    next(own, call.record.hops[0]).status = "served"
    answer = result.refusal
    stream = answer.stream if isinstance(answer, NativeAnswer) else answer
    if not isinstance(stream, Pulled):
        return answer
    stream = replace(stream, head=stream.relay.as_it_came())
    return replace(answer, stream=stream) if isinstance(answer, NativeAnswer) else stream


def rest(call: Call) -> Generator[Effect, Outcome, Result]:
    """The walk over those that come after the one whose turn it is, as they are now."""
    return _walk(call, turns(call, call.ahead))


def _turns(call: Call, sent: Sent | None) -> Iterable[Turn]:
    return turns(call) if sent is None else call.chain.turns


def _walk(call: Call, turns: Iterable[Turn], sent: Sent | None = None) -> Generator[Effect, Outcome, Result]:
    """Try the targets in order until one answers. The result of an exhausted chain is the primary's own failure.

    Where the chain has no primary, the first target's failure stands for it.
    """
    own: Broken | None = None
    result: Result | None = None
    for target, wait_s, ahead in turns:
        call.ahead = ahead
        if wait_s:
            yield Sleep(wait_s)
        result = yield from _turn(call, target, sent, own)
        if not isinstance(result, Broken):
            if call.chain.sticky and len(call.visited) > 1:
                _stay_away(call)
            return result
        if target is None or (own is None and not call.chain.has_primary):
            own = result
        if call.relieved or stops(call, result, target):
            return own or result
        sent = None
    assert result is not None  # noqa: S101 - no chain is empty
    return own or result


def _turn(
    call: Call, target: Target | None, sent: Sent | None, own: Broken | None
) -> Generator[Effect, Outcome, Result]:
    """What a place comes to, or whoever was asked beside it."""
    result: Result | None = None
    try:
        result = yield from _one(call, target, sent)
    except BaseException as exc:
        if not _is_overtaken(call, exc):
            raise
    if call.relieved:
        from .relief import with_the_rest

        return (yield from with_the_rest(call, target, result, own))
    assert result is not None  # noqa: S101 - only one that is relieved can be overtaken
    return result


def _one(call: Call, target: Target | None, sent: Sent | None) -> Generator[Effect, Outcome, Result]:
    if sent is not None:
        return _surrounded(call, sent.hop, None, None, sent.outcome)
    return visit(call, target) if call.chain.hedging is None else _hedged(call, target)


def _hedged(call: Call, target: Target | None) -> Generator[Effect, Outcome, Result]:
    from .race import hedged

    return hedged(call, target)


def is_relieved(call: Call) -> bool:
    """Is the rest of the chain asked beside the place where this call, not one of its lanes, is?"""
    return call.relieved and call.race is not None and call.race.call is call


def _is_overtaken(call: Call, exc: BaseException) -> bool:
    """Did the rest of the chain answer before the place whose turn it is? Whatever else ends the call ends it all."""
    if not is_relieved(call):
        return False
    if isinstance(exc, TooLate):
        return True
    assert call.race is not None  # noqa: S101 - it is relieved
    call.race.leave()
    return False


def _stay_away(call: Call) -> None:
    """The call was served elsewhere: the places that failed it are probed before anybody else goes there."""
    for place, hop in zip(call.visited, call.record.hops, strict=True):
        if hop.status == "failed" and hop.kind is not None and VERDICTS[hop.kind].weighs:
            call.chain.breakers.open(call.key_of(place))


def visit(call: Call, target: Target | None) -> Generator[Effect, Outcome, Result]:
    """One hop: skipped, or asked."""
    hop = call.open_hop(target)
    plan = _plan(call, hop, target)
    if isinstance(plan, Broken) and (uris := call.fetchable(hop.losses)):
        plan = yield from _with_media(call, hop, target, uris)
    if isinstance(plan, Broken):
        return _told(call, hop, plan)
    return (yield from _surrounded(call, hop, target, plan))


def turns(call: Call, places: tuple[Target | None, ...] | None = None) -> Iterable[Turn]:
    """`places`, or all as the chain chooses; those whose breaker is open come last, the first to reopen before the
    others.
    """
    chain = call.chain
    if places is not None:
        return turns_of(places) if chain.breakers.quiet else _by_breaker(call, places)
    if chain.choosing.is_as_written and (chain.breakers.quiet or len(chain.places) == 1):
        return chain.turns
    places = chain.places if chain.choosing.is_as_written else tuple(chain.choosing.order(call, chain.places))
    return turns_of(places) if chain.breakers.quiet else _by_breaker(call, places)


def _by_breaker(call: Call, places: tuple[Target | None, ...]) -> Iterator[Turn]:
    """Each target's breaker is asked when its turn comes: who admits a probe must send it.

    However the walk leaves it, answered, skipped or interrupted, another may be the next probe.
    """
    breakers = call.chain.breakers
    later: list[Target | None] = []
    for at, place in enumerate(places, 1):
        if not breakers.admit(call.key_of(place)):
            later.append(place)
            continue
        try:
            yield Turn(place, 0.0, (*places[at:], *later))
        finally:
            breakers.released(call.key_of(place))
    later.sort(key=lambda place: breakers.reopens_in(call.key_of(place)))
    wait_s = _worth_waiting(call, later[0]) if len(later) == len(places) else 0.0
    for at, place in enumerate(later, 1):
        yield Turn(place, wait_s if at == 1 else 0.0, tuple(later[at:]))


ALL_OPEN_WAIT_S = 2.0


def _worth_waiting(call: Call, soonest: Target | None) -> float:
    """All breakers are open: how long to wait for the first to reopen. It is tried in any case."""
    wait_s = call.chain.breakers.reopens_in(call.key_of(soonest))
    return wait_s if wait_s <= min(ALL_OPEN_WAIT_S, call.remaining_s() / 4) else 0.0


def stops(call: Call, broken: Broken, target: Target | None) -> bool:
    """Does this failure end the walk?"""
    kind = broken.failure.kind
    verdict, falls = VERDICTS[kind], call.chain.fallback_on.get(kind)
    if target is None:
        return not (verdict.falls if falls is None else falls)
    return not (verdict.falls_from_target or falls)


def _plan(call: Call, hop: Hop, target: Target | None) -> Prepared | Broken | None:
    """What the target is to be sent (None: the caller's own request, to the primary), or why it is skipped."""
    if call.chain.limits.deadline_s != inf and _too_late(call):
        return _skipped(hop, Skip(f"too little is left of the deadline of {call.chain.limits.deadline_s:g} s"))
    if target is None:
        return None
    prepared = call.prepare(target)
    if isinstance(prepared, Skip):
        return _skipped(hop, prepared)
    hop.losses = prepared.losses
    return prepared


def _too_late(call: Call) -> bool:
    """Is too little left of the deadline? One attempt is made in any case, unless nothing is left."""
    tried = any(hop.attempts for hop in call.record.hops)
    return call.remaining_s() <= 0 or (tried and not call.share().worth_it)


def _with_media(
    call: Call, hop: Hop, target: Target | None, uris: tuple[str, ...]
) -> Generator[Effect, Outcome, Prepared | Broken | None]:
    """The target again, with the media that it could not be sent by reference."""
    assert call.chain.fetch_media is not None  # noqa: S101 - fetchable says so
    outcome = yield Fetch(uris, call.chain.fetch_media, call.timeout_s(hop, target))
    if not isinstance(outcome, Fetched) or not call.take(outcome.media):
        return Broken(Failure(kind="bad_request", code="skipped"))
    hop.status, hop.why = "pending", None
    return _plan(call, hop, target)


def _skipped(hop: Hop, skip: Skip) -> Broken:
    hop.status, hop.why, hop.losses = "skipped", skip.why, skip.losses
    return Broken(Failure(kind="bad_request" if skip.losses else "timeout", code="skipped"))


def _send(call: Call, hop: Hop, target: Target | None, prepared: Prepared | None) -> SendPrimary | SendTarget:
    if target is None or prepared is None:
        return SendPrimary(hop, call.timeout_s(hop, None), call.native_relay, call.watch(hop, None))
    timeout_s = call.timeout_s(hop, target)
    as_async = call.as_async and target.sdk.serves_async(target.client)
    invoke = partial(_invoke, target, prepared, timeout_s, as_async, hop.enter is not None or not spans_are_kept())
    return SendTarget(hop, target, invoke, call.target_relay(target, prepared), timeout_s, call.watch(hop, target))


def _invoke(target: Target, prepared: Prepared, timeout_s: float | None, as_async: bool, silent: bool) -> Any:
    """Performed by the driver as a whole: a client that cannot even be bound to the call fails like any other."""
    client = target.silent if silent else target.single
    return sdk(prepared.wire_name).prepare(client, prepared.wire, timeout_s, as_async)()


def _surrounded(
    call: Call,
    hop: Hop,
    target: Target | None,
    prepared: Prepared | None,
    first: NativeAnswer | Broken | None = None,
) -> Generator[Effect, Outcome, Result]:
    """The attempts within the chain's middleware, the first outermost. A stream's hop is over when its stream is.

    `first`: what the first attempt came to, where it has been made, within the middleware.
    """
    if first is None:
        _open(call, hop)
    try:
        result = yield from _attempts(call, hop, target, prepared, first)
    except BaseException:
        hop.over()
        raise
    if hop.status != "pending":
        hop.over()
    return result


def _open(call: Call, hop: Hop) -> None:
    chain = call.chain
    if chain.middleware:
        hop.opened = _opened(call, hop)
    if chain.record is not None:
        hop.record = partial(chain.record, call, hop)


def _opened(call: Call, hop: Hop) -> list[Generator[None]]:
    opened = [concern(call, hop) for concern in call.chain.middleware]
    try:
        for concern in opened:
            next(concern)
    except Exception as denial:
        hop.status, hop.why = "skipped", f"denied: {type(denial).__name__}"
        raise
    return opened


def _told(call: Call, hop: Hop, skipped: Broken) -> Broken:
    if call.chain.record is not None:
        call.chain.record(call, hop)
    return skipped


def _attempts(
    call: Call, hop: Hop, target: Target | None, prepared: Prepared | None, first: NativeAnswer | Broken | None
) -> Generator[Effect, Outcome, Result]:
    """Ask one target, again where that is cheap. Its breaker learns the result."""
    retries: Retries | None = None
    while True:
        if first is None:
            outcome = yield from _attempt(call, hop, target, prepared)
        else:
            outcome, first = _looked_at(call, hop, target, prepared, first), None
        if not isinstance(outcome, Broken):
            return (yield from _served(call, hop, target, prepared, outcome))
        if call.race is not None and call.race.over:
            raise TooLate(outcome)
        _failed(call, hop, outcome.failure)
        if call.relieved:  # there is somebody else to wait for
            _left(call, target, outcome)
            return outcome
        if prepared is not None and prepared.otherwise is not None and _refused(outcome.failure):
            prepared = prepared.otherwise
            continue
        retries = retries or _retries(call, target)
        wait_s = retries.wait_after(outcome.failure, remaining_s=call.share().seconds)
        if wait_s is None:
            _left(call, target, outcome)
            return outcome
        if wait_s:
            yield Sleep(wait_s)


def _refused(failure: Failure) -> bool:
    return failure.kind == "bad_request" and failure.status is not None


def _retries(call: Call, target: Target | None) -> Retries:
    max_retries = call.max_retries if target is None else target.max_retries
    return Retries(call.chain.retry, max_retries, lambda: not call.somebody_is_next(healthy=True))


def _attempt(
    call: Call, hop: Hop, target: Target | None, prepared: Prepared | None
) -> Generator[Effect, Outcome, NativeAnswer | TargetAnswer | Pulled | Broken]:
    """One request. A caller who interrupts it leaves a cancelled hop."""
    hop.attempts += 1
    leave = hop.enter() if hop.enter else None
    try:
        outcome = yield _send(call, hop, target, prepared)
    except BaseException:
        interrupted(call, hop)
        raise
    finally:
        if leave is not None:
            leave()
    assert not isinstance(outcome, Fetched | None)  # noqa: S101 - those are the outcomes of other effects
    return _looked_at(call, hop, target, prepared, outcome)


def _looked_at(
    call: Call,
    hop: Hop,
    target: Target | None,
    prepared: Prepared | None,
    outcome: NativeAnswer | TargetAnswer | Pulled | Broken,
) -> NativeAnswer | TargetAnswer | Pulled | Broken:
    """What one attempt came to, and how long it took."""
    hop.duration_s = call.chain.clock() - hop.started
    return outcome if call.chain.takes_answers_for_granted else _second_look(call, hop, target, prepared, outcome)


def _second_look(
    call: Call,
    hop: Hop,
    target: Target | None,
    prepared: Prepared | None,
    outcome: NativeAnswer | TargetAnswer | Pulled | Broken,
) -> NativeAnswer | TargetAnswer | Pulled | Broken:
    """What the caller's own hook makes of it; and an answer that is a refusal, where the caller wants another one."""
    classifier = call.chain.classifier
    provider, model = (call.provider, call.wire.model) if target is None else (target.provider, target.model)
    if isinstance(outcome, Broken):
        said = outcome.failure if classifier is None else classifier.failure(provider, model, outcome.failure)
        return replace(outcome, failure=said)
    body = None if isinstance(outcome, Pulled) else outcome.body
    if body is None:
        return outcome
    failure = None if classifier is None else classifier.answer(provider, model, body)
    wire_name = call.wire_name if prepared is None else prepared.wire_name
    refused = None
    if failure is None and call.chain.goes_on_when_refused:
        failure = refusal(wire_name, body)
        refused = outcome
    if failure is None:
        return outcome
    report(hop, wire_name, body)  # it is paid for all the same
    if isinstance(refused, TargetAnswer):
        refused = None if call.chain.has_primary else _read_refusal(call, hop, target, prepared, refused)
    return Broken(failure, outcome.reply if isinstance(outcome, NativeAnswer) else None, refused)


def _read_refusal(
    call: Call, hop: Hop, target: Target | None, prepared: Prepared | None, answer: TargetAnswer
) -> Answer | None:
    """In the caller's shape; None where it cannot be read."""
    assert target is not None and prepared is not None  # noqa: S101, PT018 - only a target's sending gives one
    read = _read(call, hop, target, prepared, answer)
    return None if isinstance(read, Broken) else read


def _served(
    call: Call,
    hop: Hop,
    target: Target | None,
    prepared: Prepared | None,
    outcome: NativeAnswer | TargetAnswer | Pulled,
) -> Generator[Effect, Outcome, Result]:
    """An answer. That of a target is still to be read."""
    hop.kind = hop.http_status = hop.code = None
    if isinstance(outcome, TargetAnswer):
        assert target is not None and prepared is not None  # noqa: S101, PT018 - only a target's sending gives one
        result = _read(call, hop, target, prepared, outcome)
    else:
        result = outcome
    if isinstance(result, Broken):
        _left(call, target, result)
        return result
    if call.race is not None:
        while wait_s := call.race.patience_s(hop):
            yield Sleep(wait_s)
        if not call.race.claim(hop):
            raise TooLate(result)
    _mark(hop, None if isinstance(result, Answer) else result if isinstance(result, Pulled) else result.stream)
    if not call.chain.choosing.is_as_written:
        call.chain.choosing.served(call, target, hop.duration_s)
    if hop.status == "served":  # a stream has yet to succeed
        call.succeeded(target)
    return result


def _mark(hop: Hop, stream: Pulled | None) -> None:
    """The hop has an answer, or the beginning of one."""
    hop.status = "served" if stream is None else "pending"
    if stream is not None:
        hop.streamed, hop.first_token_s = True, hop.duration_s
        hop.usage, hop.answer, hop.hosted = stream.relay.usage, stream.relay.partial, stream.relay.hosted


def _failed(call: Call, hop: Hop, failure: Failure) -> None:
    hop.status, hop.kind, hop.http_status, hop.code = "failed", failure.kind, failure.status, failure.code
    hop.model = hop.model or call.wire.model


def _left(call: Call, target: Target | None, broken: Broken) -> None:
    """The hop is left for this failure. One that ends the walk is the caller's to know, so the breaker stays closed."""
    failure = broken.failure
    if failure.kind == "context_overflow":
        provider, model = (call.provider, call.wire.model) if target is None else (target.provider, target.model)
        call.overflowed = max(call.overflowed or 0, context_window(provider, model) or 0)
    if not stops(call, broken, target):
        call.failed(target, failure)


def _read(call: Call, hop: Hop, target: Target, prepared: Prepared, answer: TargetAnswer) -> Answer | Broken:
    """The target's answer in the caller's shape. One that cannot be read is the target's failure."""
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
    if not response.candidates:
        return _unread(call, hop, Failure(kind="server", code="malformed_response"))
    response = response if response.id else replace(response, id=answer.id)
    hop.model = response.model or target.model
    report_decoded(hop, target.provider, response)
    if is_malformed(response, call.codec):
        return _unread(call, hop, MALFORMED_ANSWER)
    response = unwrapped(response) if prepared.unwrap else _renamed(response, prepared)
    if call.codec.timed is not None:
        measured = call.codec.timed(call.chain.clock() - hop.started)
        response = replace(response, provider_fields={**response.provider_fields, **measured})
    taken = first_call(response) if prepared.one_call else Encoded(response)
    try:
        encoded = call.codec.encode_response(taken.value, call.request)
    except BadWire:  # nested too deeply
        return _unread(call, hop, Failure(kind="server", code="malformed_response"))
    hop.losses = (*hop.losses, *of_response(taken.losses + encoded.losses))
    return Answer(hop, encoded.value)


def _unread(call: Call, hop: Hop, failure: Failure) -> Broken:
    _failed(call, hop, failure)
    return Broken(failure)


def of_response(losses: tuple[Loss, ...]) -> tuple[Loss, ...]:
    """Losses of an answer, told apart from those of its request."""
    return tuple([Loss(path=f"response.{loss.path}", kind=loss.kind, matters=loss.matters) for loss in losses])


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
