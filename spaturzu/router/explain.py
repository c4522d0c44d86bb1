"""What would happen to a request: for each hop, what it would be sent, what that loses, and what it costs at most."""

from __future__ import annotations

from dataclasses import dataclass

from spaturzu_translators.codec import codec
from spaturzu_translators.failures import Failure
from spaturzu_translators.loss import Loss
from spaturzu_translators.messages import JSONObject, Provider
from spaturzu_translators.requests import Request

from .call import Call, Skip
from .chain import Target
from .walk import Broken

MARGIN = 1.25
"""The input is estimated, and a provider may count some more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One hop's part, the primary's first. `skipped` says why it would not be tried; `body` is its wire JSON otherwise.

    `most_nanodollars`: what it costs at most, with the input estimated (and a quarter more) and the longest answer that
    the request allows. None where the model's price is not known, or nothing limits the answer.
    """

    provider: Provider
    model: str
    skipped: str | None = None
    losses: tuple[Loss, ...] = ()
    body: JSONObject | None = None
    most_nanodollars: int | None = None

    def __str__(self) -> str:
        lost = ", ".join(f"{loss.path} ({loss.kind}, {loss.matters})" for loss in self.losses) or "nothing"
        if self.skipped:
            return f"{self.provider}/{self.model}: skipped: {self.skipped}; lost: {lost}"
        return f"{self.provider}/{self.model}: would be sent; lost: {lost}; costs at most {self._most}"

    @property
    def _most(self) -> str:
        return "an unknown sum" if self.most_nanodollars is None else f"${self.most_nanodollars / 1e9:.6f}"


Explained = list[tuple[Planned, ...]]
"""Where a door that explains leaves its explanation."""


def explain(call: Call, into: Explained) -> Broken:
    """Every hop of the chain, in order, left in `into`. The result ends the call before anything is sent."""
    into.append(tuple(_planned(call, place) for place in call.chain.places))
    return Broken(Failure(kind="bad_request", code="explained"))


def _planned(call: Call, target: Target | None) -> Planned:
    if target is None:
        most = _most(call.provider, call.request_or_bare())
        return Planned(provider=call.provider, model=call.wire.model, body=call.wire.body, most_nanodollars=most)
    prepared = call.prepare(target)
    if isinstance(prepared, Skip):
        return Planned(provider=target.provider, model=target.model, skipped=prepared.why, losses=prepared.losses)
    most = _most(target.provider, codec(prepared.wire_name).decode_request(prepared.wire))
    return Planned(
        provider=target.provider,
        model=target.model,
        losses=prepared.losses,
        body=prepared.wire.body,
        most_nanodollars=most,
    )


def _most(provider: Provider, request: Request) -> int | None:
    """Of a request as it would be sent, with the limits that its target sets."""
    from spaturzu.pricing import price
    from spaturzu.pricing.estimate import estimate
    from spaturzu_translators.responses import Usage

    if request.max_tokens is None:
        return None
    usage, _ = estimate(request, None)
    read, written = int((usage.input_tokens or 0) * MARGIN), request.max_tokens * (request.candidate_count or 1)
    priced = price(provider, request.model, Usage(input_tokens=read, output_tokens=written))
    return None if priced is None else priced.nanodollars
