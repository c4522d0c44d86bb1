"""What would happen to a request in an outage: for each fallback target, what it would be sent and what that loses."""

from __future__ import annotations

from dataclasses import dataclass

from spaturzu_translators.failures import Failure
from spaturzu_translators.loss import Loss
from spaturzu_translators.messages import JSONObject, Provider

from .call import Call, Skip
from .chain import Target
from .walk import Broken


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """One target's part. `skipped` says why it would not be tried; `body` is its wire JSON, where it would be."""

    provider: Provider
    model: str
    skipped: str | None = None
    losses: tuple[Loss, ...] = ()
    body: JSONObject | None = None

    def __str__(self) -> str:
        lost = ", ".join(f"{loss.path} ({loss.kind}, {loss.matters})" for loss in self.losses) or "nothing"
        fate = f"skipped: {self.skipped}" if self.skipped else "would be sent"
        return f"{self.provider}/{self.model}: {fate}; lost: {lost}"


Explained = list[tuple[Planned, ...]]
"""Where a door that explains leaves its explanation."""


def explain(call: Call, into: Explained) -> Broken:
    """Every target of the chain, in order, left in `into`. The result ends the call before anything is sent."""
    into.append(tuple(_planned(call, target) for target in call.chain.targets))
    return Broken(Failure(kind="bad_request", code="explained"))


def _planned(call: Call, target: Target) -> Planned:
    prepared = call.prepare(target)
    if isinstance(prepared, Skip):
        return Planned(provider=target.provider, model=target.model, skipped=prepared.why, losses=prepared.losses)
    body = prepared.wire.body
    return Planned(provider=target.provider, model=target.model, losses=prepared.losses, body=body)
