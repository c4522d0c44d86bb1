"""One call on its way through the chain: what was asked, lazily decoded, and what each target is to be sent."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial
from math import inf
from typing import TYPE_CHECKING, Any, cast

from spaturzu_translators import structured
from spaturzu_translators.codec import BadWire, Codec, codec
from spaturzu_translators.failures import Failure
from spaturzu_translators.loss import Loss
from spaturzu_translators.messages import JSONObject, Provider, Wire
from spaturzu_translators.one_call import is_asked_in_words
from spaturzu_translators.requests import Request, WireRequest

from .answers import Refusals
from .apis import at_version, wire_to
from .asking import may_ask
from .chain import Chain, Target
from .hedging import may_be_answered_twice
from .hop import LOST, CallRecord, Hop
from .keys import server_of, server_of_client
from .lazy import cached_property
from .limits import GRACE_S, LimitName, Share, share_of, thinks
from .media import Media, inlined, lost_uris
from .relay import FrameRelay, NativeRelay
from .watch import Limit, StreamWatch, Watch
from .watchdog import CAN_CUT
from .windows import context_window

if TYPE_CHECKING:
    from .race import Contest
    from .walk import Broken


RELIEF_AGAIN_S, LONG_S = 1.0, 3600.0
"""So long after nobody could relieve a silent place it is looked again; and one that is relieved stays watched, since
it is to be left when somebody else has answered.
"""


@dataclass(frozen=True, slots=True)
class Skip:
    """Why a target is not tried: `why` for the note, and the losses that forbid it."""

    why: str
    losses: tuple[Loss, ...] = ()


@dataclass(frozen=True, slots=True)
class Prepared:
    """What one target is sent, and what that leaves out. `request` is None for the caller's own wire (identity)."""

    wire: WireRequest
    wire_name: Wire
    request: Request | None = None
    losses: tuple[Loss, ...] = ()
    unwrap: bool = False
    """The answer comes as the arguments of a forced tool."""
    one_call: bool = False
    """Of the answer, only the first call is wanted."""
    prefilled: bool = False
    """Its last turn is the beginning of the answer."""
    otherwise: Prepared | None = None
    """What to send where this is refused as a bad request."""


class Call:
    """What the caller asked. The wire request is parsed, and decoded, only when a fallback needs it."""

    race: Contest | None = None
    """The one that this visit runs in."""
    relieved = False
    """Is the rest of the chain asked beside the place whose turn it is?"""
    beside: tuple[Target | None, Broken] | None = None
    """The place that failed while an earlier one was still asked, and how: its turn is over."""
    hides_usage = False
    """Is this wire asked for a usage that the caller did not ask for?"""
    unasking: Any = None
    """The primary's request without that question, for as long as it is not known whether it may be asked."""
    ahead: tuple[Target | None, ...] = ()
    """Who comes after the one whose turn it is."""
    overflowed: int | None = None
    """The largest context window, in tokens, that the request is known not to fit."""

    def __init__(
        self,
        *,
        record: CallRecord,
        chain: Chain,
        read: Callable[[], WireRequest],
        key: Callable[[], Hashable],
        named: Callable[[], str] | None = None,
        max_retries: Callable[[], int],
        as_async: bool,
        wire_name: Wire | None = None,
        stripped: tuple[Loss, ...] = (),
    ) -> None:
        self.record, self.chain = record, chain
        self.wire_name: Wire = wire_name or record.provider
        self._max_retries, self.as_async = max_retries, as_async
        self._read, self._key, self._named = read, key, named
        self._stripped = stripped
        self.started = chain.clock()
        self.visited: list[Target | None] = []
        """The places of the record's hops."""
        self._plans: dict[int, Prepared | Skip] = {}

    @property
    def provider(self) -> Provider:
        """Whose shape the caller speaks."""
        return self.record.provider

    @cached_property
    def codec(self) -> Codec:
        """The caller's codec."""
        return codec(self.wire_name)

    @cached_property
    def wire(self) -> WireRequest:
        """What the caller's SDK was about to send."""
        return self._read()

    @property
    def model(self) -> str:
        """The model that the caller asked for, found without parsing the request where that can be."""
        return self.wire.model if "wire" in self.__dict__ or self._named is None else self._named()

    @property
    def max_retries(self) -> int:
        """How often the primary may be asked again: what its client's user allows it, who without a chain does so."""
        return self._max_retries() if self.chain.is_bounded else 0

    @property
    def naming(self) -> Callable[[], str]:
        """What gives that model later, without this call: the request's body is all that it holds."""
        return self._named or (lambda: self.model)

    @cached_property
    def request(self) -> Request:
        """The same in canonical words. Raises BadWire on a malformed one."""
        return self.codec.decode_request(self.wire)

    def request_or_bare(self) -> Request:
        """The canonical request, or one without content where it cannot be read: enough to encode an error."""
        try:
            return self.request
        except BadWire:
            return Request(model=self.wire.model, messages=(), stream=self.wire.stream)

    def fetchable(self, losses: tuple[Loss, ...]) -> tuple[str, ...]:
        """The references that would carry over as bytes, if the caller opted in; none before a target was skipped."""
        if self.chain.fetch_media is None or not losses:
            return ()
        return tuple(dict.fromkeys(lost_uris(self.request, losses)))

    def take(self, media: Mapping[str, Media]) -> bool:
        """Put fetched media into the request, for this target and later ones. False where there are none."""
        self.__dict__["request"] = inlined(self.request, media)
        self._plans.clear()
        return bool(media)

    def native_relay(self) -> NativeRelay:
        """For a stream of the primary's own."""
        return NativeRelay(self.codec, self.request_or_bare, hides=self.hides_usage, refusals=self._refusals())

    def _refusals(self) -> Refusals | None:
        """For the stream of one attempt, where the caller wants another answer than a refusal."""
        return Refusals() if self.chain.goes_on_when_refused else None

    def target_relay(self, target: Target, prepared: Prepared) -> FrameRelay | None:
        """For a stream of a target; None for a plain answer."""
        if not prepared.wire.stream:
            return None
        return FrameRelay(
            self.codec,
            self.request_or_bare(),
            source=None if prepared.request is None else codec(prepared.wire_name),
            model=target.model,
            renamed_tools=prepared.wire.renamed_tools,
            unwrap=prepared.unwrap,
            one_call=prepared.one_call,
            refusals=self._refusals(),
            elapsed_s=self.stopwatch(),
        )

    def stopwatch(self) -> Callable[[], float]:
        """The seconds from now on."""
        clock, begun = self.chain.clock, self.chain.clock()
        return lambda: clock() - begun

    @cached_property
    def key(self) -> Hashable:
        """The primary's breaker's key: endpoint, credential and model."""
        return (self._key(), self.wire.model)

    def server(self, target: Target | None) -> tuple[str, int | None] | None:
        """Host and port that a target (None: the primary) is reached at, as far as its client says."""
        if target is not None:
            return server_of_client(target.client)
        key = cast("tuple[object, ...]", self._key())
        match key:
            case (str() as scheme, str() as host, port, _):
                return server_of(f"{scheme}://{host}:{port}" if port else f"{scheme}://{host}")
            case (str() as netloc, _):
                return server_of(f"https://{netloc}")
            case _:
                return None

    def sent(self, hop: Hop) -> tuple[Wire, JSONObject] | None:
        """What a hop's place was asked, in its own words; None where that was never worked out."""
        target = self.visited[hop.index]
        if target is None:
            return self.wire_name, self.wire.body
        prepared = self._plans.get(id(target))
        return (prepared.wire_name, prepared.wire.body) if isinstance(prepared, Prepared) else None

    def key_of(self, target: Target | None) -> Hashable:
        """The breaker's key of a target; None stands for the primary."""
        return self.key if target is None else target.key

    def remaining_s(self) -> float:
        """What is left of the deadline."""
        deadline_s = self.chain.limits.deadline_s
        return inf if deadline_s == inf else deadline_s - (self.chain.clock() - self.started)

    def share(self) -> Share:
        """What the hop whose turn it is gets of the deadline."""
        chain = self.chain
        return share_of(
            self.remaining_s(), chain.limits.deadline_s, hops_left=len(self.ahead), places=len(chain.places)
        )

    def thinks_at(self, target: Target | None) -> bool:
        """Will that place's model (None: the primary's) think before it answers?"""
        try:
            return thinks(self.request, self.wire.model if target is None else target.model)
        except BadWire:
            return False

    def hop_remaining_s(self, hop: Hop) -> tuple[float, LimitName]:
        """What is left of a hop's time, retries included, and which limit that is."""
        limits = self.chain.limits
        if limits.have_no_end:
            return inf, "deadline"
        share_s = self.share().seconds
        left_s = inf if limits.hop_s == inf else limits.hop_s - (self.chain.clock() - hop.started)
        return (left_s, "hop_timeout") if left_s < share_s else (share_s, "deadline")

    def timeout_s(self, hop: Hop, target: Target | None) -> float | None:
        """What the transport is told: no phase of the attempt may last longer. That is a little more than what is left
        of the hop, so that the watch comes first. How long the first content may take is the watch's to know, if it
        can: it depends on who is next, and on whether the model thinks.
        """
        limits = self.chain.limits
        if limits.have_no_end and CAN_CUT and (target is None or target.timeout_s is None):
            return None
        longest_s = self.hop_remaining_s(hop)[0]
        if self.ahead and not CAN_CUT:
            longest_s = min(longest_s, *(limits.until_content_s(stream=s, thinking=True) for s in (True, False)))
        longest_s = max(longest_s, 0.0) + GRACE_S
        if target is not None and target.timeout_s is not None:
            longest_s = min(longest_s, target.timeout_s)
        return None if longest_s == inf else longest_s

    def watch(self, hop: Hop, target: Target | None) -> Watch | None:
        """What ends an attempt that begins now; None where nothing does."""
        if not self.chain.is_bounded:
            return None
        limits = self.chain.limits
        soonest_s = inf if limits.have_no_end else self.hop_remaining_s(hop)[0]
        if self.ahead:
            soonest_s = min(soonest_s, limits.soonest_s)
        if soonest_s == inf and (target is None or limits.connect_s == inf):
            return None
        exact = partial(self._limit, hop, target, self.chain.clock())
        return Watch(soonest_s, exact, limits.connect_s + GRACE_S)

    def _limit(self, hop: Hop, target: Target | None, started: float, watch: Watch) -> Limit:
        """Which limit ends the attempt that began then, and how long it is; or when to look again. A plain call's rest
        is asked too when the first token is due.
        """
        elapsed_s = self.chain.clock() - started
        seconds, name = self._end_of(hop, target, elapsed_s)
        if elapsed_s >= seconds or (relief_s := self._relief_s(target)) >= seconds:
            return seconds, name
        if elapsed_s >= relief_s:
            relief_s = elapsed_s + (LONG_S if self._relieved(hop, target, watch) else RELIEF_AGAIN_S)
        return min((seconds, name), (relief_s, "first_token_timeout"))

    def _relieved(self, hop: Hop, target: Target | None, watch: Watch) -> bool:
        from .relief import relieved

        return relieved(self, hop, target, watch)

    def _relief_s(self, target: Target | None) -> float:
        """How long that place may be silent in a plain call; infinite where it is waited for alone."""
        chain, limits = self.chain, self.chain.limits
        if self.relieved:
            return LONG_S
        if not self.ahead or self.wire.stream or limits.answer_s is not None:
            return inf
        if chain.hedging is not None or not may_be_answered_twice(self):
            return inf
        return max(limits.first_token(thinking=self.thinks_at(target)), chain.late.get(self.key_of(target), 0.0))

    def _end_of(self, hop: Hop, target: Target | None, elapsed_s: float) -> Limit:
        left_s, name = self.hop_remaining_s(hop)
        content_s = self._until_content_s(target)
        if elapsed_s + left_s <= content_s:
            return elapsed_s + left_s, name
        return content_s, "first_token_timeout" if self.wire.stream else "answer_timeout"

    def _until_content_s(self, target: Target | None) -> float:
        """No limit where nobody is left who can carry the request."""
        if not self.ahead or not self.somebody_is_next():
            return inf
        return self.chain.limits.until_content_s(
            stream=self.wire.stream, thinking=self.thinks_at(target), most_tokens=self._most_tokens(target)
        )

    def _most_tokens(self, target: Target | None) -> int | None:
        """How long that place's answer may be; None where nothing says it."""
        if target is not None and target.max_tokens is not None:
            return target.max_tokens
        try:
            return self.request.max_tokens
        except BadWire:
            return None

    def stream_watch(self, hop: Hop, target: Target | None) -> StreamWatch | None:
        """What ends a stream of that place after its first content; None where nothing does."""
        limits = self.chain.limits
        if not self.chain.targets and limits.idle_s is None and limits.hop_s == inf and limits.deadline_s == inf:
            return None
        idle_s = cache(lambda: limits.between_events_s(thinking=self.thinks_at(target)))
        hop_s, deadline_s = limits.hop_s - (self.chain.clock() - hop.started), self.remaining_s()
        left: Limit = (hop_s, "hop_timeout") if hop_s < deadline_s else (deadline_s, "deadline")
        return StreamWatch(limits.least_between_events_s, idle_s, ends_in=left)

    def somebody_is_next(self, *, healthy: bool = False) -> bool:
        """Is anybody left who can carry the request? `healthy`: and whose breaker is closed."""
        return any(
            (not healthy or self.chain.breakers.is_closed(self.key_of(place)))
            and (place is None or not isinstance(self.prepare(place), Skip))
            for place in self.ahead
        )

    def open_hop(self, target: Target | None) -> Hop:
        """A new line in the record."""
        hops = self.record.hops
        provider, model = (self.record.provider, "") if target is None else (target.provider, target.model)
        hop = Hop(
            index=len(hops),
            provider=provider,
            model=model,
            asked=model,
            started=self.chain.clock(),
            losses=self._stripped,
        )
        hops.append(hop)
        self.visited.append(target)
        return hop

    def was_asked(self, target: Target | None) -> bool:
        """Has that place had its say? One that was cancelled because another was faster has not."""
        hops = zip(self.visited, self.record.hops, strict=True)
        return any(place is target and hop.code != LOST for place, hop in hops)

    def failed(self, target: Target | None, failure: Failure) -> None:
        """Tell the breaker of a place (None: the primary) of a failure. A chain of one has nobody else to ask."""
        chain = self.chain
        if len(chain.places) == 1:
            return
        name = f"{self.provider}/{self.wire.model}" if target is None else target.name
        if target is None:
            chain.primaries[self.key] = name
        chain.breakers.failed(self.key_of(target), failure, name)

    def succeeded(self, target: Target | None) -> None:
        """A place's breaker learns that it works."""
        if not self.chain.breakers.quiet:
            self.chain.breakers.succeeded(self.key_of(target))

    def stream_over(self, hop: Hop, failure: Failure | None, *, complete: bool) -> None:
        """A committed stream is over: its place's breaker learns how. One that the caller left says nothing."""
        target = self.visited[hop.index]
        if failure is not None:
            self.failed(target, failure)
        elif complete:
            self.succeeded(target)

    def prepare(self, target: Target) -> Prepared | Skip:
        """The target's wire request, or why there can be none. Made once."""
        if self.overflowed is not None and (skip := _no_larger(target, self.overflowed)):
            return skip
        prepared = self._plans.get(id(target))
        if prepared is None:
            prepared = self._plans[id(target)] = self._prepare(target)
        return prepared

    def _prepare(self, target: Target) -> Prepared | Skip:
        try:
            to = wire_to(target, self.wire_name, self.request_or_bare)
            prepared = self._prepared(target, to)
        except BadWire as error:
            return Skip(f"the request cannot be read: {error}")
        lost = tuple(loss for loss in prepared.losses if loss.matters == "meaning")
        if lost and self.chain.on_loss == "skip":
            return Skip(f"it cannot carry {', '.join(loss.path for loss in lost)}", prepared.losses)
        return prepared

    def _prepared(self, target: Target, to: Wire) -> Prepared:
        return self._identity(target) if to == self.wire_name else self._translated(self.request, target, to)

    def _identity(self, target: Target) -> Prepared:
        body = self.wire.body
        if "model" in body:
            body = {**body, "model": target.model}
        if target.max_tokens is not None:
            body = _limited(body, self.codec, target)
        if self.hides_usage and may_ask(self.server(target)):
            body = {**body, "stream_options": {"include_usage": True}}
        if self.wire.headers:
            body = {**body, "extra_headers": dict(self.wire.headers)}
        wire = replace(self.wire, body=_merged(body, target.params), model=target.model)
        return Prepared(wire, self.wire_name, losses=self._stripped)

    def _translated(self, request: Request, target: Target, to: Wire) -> Prepared:
        request = replace(request, model=target.model)
        if target.max_tokens is not None:
            request = replace(request, max_tokens=target.max_tokens)
        return _encoded(at_version(request, target, to), target, to)


def _no_larger(target: Target, tokens: int) -> Skip | None:
    """Is the target known to hold no more than a window that was too small?"""
    window = context_window(target.provider, target.model)
    if window is None or window > tokens:
        return None
    return Skip(f"its context window of {window} tokens is no larger than the {tokens} that were too few")


def _encoded(request: Request, target: Target, to: Wire) -> Prepared:
    encoded, forced = structured.encode_request(request, codec(to).encode_request)
    wire = encoded.value
    if target.params:
        wire = replace(wire, body=_merged(wire.body, target.params))
    one_call = is_asked_in_words(encoded.losses)
    return Prepared(wire, to, forced or request, encoded.losses, unwrap=forced is not None, one_call=one_call)


_LIMITS = frozenset({"max_tokens", "max_completion_tokens", "max_output_tokens"})
_SETTINGS = frozenset({"inferenceConfig", "generationConfig"})


def _limited(body: JSONObject, codec: Codec, target: Target) -> JSONObject:
    """`body` with the target's own limit and nothing else changed; the codec knows the name that its model takes."""
    bare = codec.encode_request(Request(model=target.model, messages=(), max_tokens=target.max_tokens)).value.body
    limit = {name: bare[name] for name in (_LIMITS | _SETTINGS) & bare.keys()}
    return _merged({name: value for name, value in body.items() if name not in _LIMITS}, limit)


def _merged(body: JSONObject, params: Mapping[str, Any]) -> JSONObject:
    """`params` over `body`; objects inside are merged likewise."""
    if not params:
        return body
    merged = dict(body)
    for name, value in params.items():
        inner = merged.get(name)
        both = isinstance(inner, dict) and isinstance(value, dict)
        merged[name] = _merged(cast("JSONObject", inner), cast("JSONObject", value)) if both else value
    return merged
