"""One call on its way through the chain: what was asked, lazily decoded, and what each target is to be sent."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace
from functools import cached_property

from spaturzu_translators.codec import BadWire, Codec, codec
from spaturzu_translators.loss import Loss
from spaturzu_translators.messages import JSONObject, Provider
from spaturzu_translators.requests import Request, WireRequest

from .chain import Chain, Target
from .hop import CallRecord, Hop
from .relay import NativeRelay


@dataclass(frozen=True, slots=True)
class Skip:
    """Why a target is not tried: `why` for the note, and the losses that forbid it."""

    why: str
    losses: tuple[Loss, ...] = ()


@dataclass(frozen=True, slots=True)
class Prepared:
    """What one target is sent, and what that leaves out. `request` is None for the caller's own provider (identity)."""

    wire: WireRequest
    request: Request | None = None
    losses: tuple[Loss, ...] = ()


class Call:
    """What the caller asked. The wire request is parsed, and decoded, only when a fallback needs it."""

    def __init__(
        self,
        *,
        record: CallRecord,
        chain: Chain,
        read: Callable[[], WireRequest],
        key: Callable[[], Hashable],
        max_retries: int,
        as_async: bool,
    ) -> None:
        self.record, self.chain = record, chain
        self.max_retries, self.as_async = max_retries, as_async
        self._read, self._key = read, key
        self.started = chain.clock()

    @property
    def provider(self) -> Provider:
        """Whose shape the caller speaks."""
        return self.record.provider

    @cached_property
    def codec(self) -> Codec:
        """The caller's codec."""
        return codec(self.provider)

    @cached_property
    def wire(self) -> WireRequest:
        """What the caller's SDK was about to send."""
        return self._read()

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

    def native_relay(self) -> NativeRelay:
        """For a stream of the primary's own."""
        return NativeRelay(self.codec, self.request_or_bare)

    @cached_property
    def key(self) -> Hashable:
        """The primary's cooldown key: endpoint, credential and model."""
        return (self._key(), self.wire.model)

    def key_of(self, target: Target | None) -> Hashable:
        """The cooldown key of a target; None stands for the primary."""
        return self.key if target is None else target.key

    def remaining_s(self) -> float | None:
        """What is left of the deadline; None without one."""
        deadline_s = self.chain.deadline_s
        return None if deadline_s is None else deadline_s - (self.chain.clock() - self.started)

    def hop_timeout_s(self, target: Target | None) -> float | None:
        """The target's own timeout, within what is left of the deadline."""
        if target is None and self.chain.deadline_s is None:
            return None
        limits = [limit for limit in (target and target.timeout_s, self.remaining_s()) if limit is not None]
        return min(limits) if limits else None

    def open_hop(self, target: Target | None) -> Hop:
        """A new line in the record."""
        hop = Hop(
            index=len(self.record.hops),
            provider=self.provider if target is None else target.provider,
            model="" if target is None else target.model,
            started=self.chain.clock(),
        )
        self.record.hops.append(hop)
        return hop

    def prepare(self, target: Target) -> Prepared | Skip:
        """The target's wire request, or why there can be none."""
        try:
            prepared = self._identity(target) if target.provider == self.provider else self._translated(target)
        except BadWire as error:
            return Skip(f"the request cannot be read: {error}")
        lost = tuple(loss for loss in prepared.losses if loss.matters == "meaning")
        if lost and self.chain.on_loss == "skip":
            return Skip(f"it cannot carry {', '.join(loss.path for loss in lost)}", prepared.losses)
        return prepared

    def _identity(self, target: Target) -> Prepared:
        body = {**self.wire.body, **target.params}
        if "model" in body:
            body["model"] = target.model
        if target.max_tokens is not None:
            body = self._with_max_tokens(body, target)
        return Prepared(replace(self.wire, body=body, model=target.model))

    def _with_max_tokens(self, body: JSONObject, target: Target) -> JSONObject:
        """The provider's own encoder knows where its limit stands; only that place is taken over."""
        wire = replace(self.wire, body=body, model=target.model)
        request = self.codec.decode_request(wire)
        encoded = self.codec.encode_request(replace(request, max_tokens=target.max_tokens))
        return encoded.value.body

    def _translated(self, target: Target) -> Prepared:
        changed = (
            {"model": target.model}
            if target.max_tokens is None
            else {
                "model": target.model,
                "max_tokens": target.max_tokens,
            }
        )
        request = replace(self.request, **changed)
        encoded = codec(target.provider).encode_request(request)
        wire = encoded.value
        if target.params:
            wire = replace(wire, body={**wire.body, **target.params})
        return Prepared(wire, request, encoded.losses)
