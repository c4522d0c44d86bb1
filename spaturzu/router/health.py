"""How a chain is: the breaker of each of its places, and what went wrong without any call suffering from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from spaturzu_translators.messages import Provider

from .breakers import Health
from .chain import Chain
from .hedging import Hedges
from .watchdog import WATCHDOG


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainHealth:
    """`targets` in the chain's order: the primary's models that have failed lately (one line without a model, where
    none has), then the targets. `errors` counts what was swallowed: `breakers` (the shared file, a listener),
    `classify` (the hook raised, or gave no kind), `watchdog` (of the whole process). `hedges`: None
    where the chain does not hedge.
    """

    targets: tuple[Health, ...]
    errors: dict[str, int] = field(default_factory=dict[str, int])
    hedges: Hedges | None = None

    def __iter__(self) -> Iterator[Health]:
        return iter(self.targets)

    def __str__(self) -> str:
        return "\n".join(map(str, [*self.targets, *([self.hedges] if self.hedges else [])]))


def health_of(chain: Chain, provider: Provider) -> ChainHealth:
    """The chain's health now; `provider` is its primary's."""
    targets = [(target.key, target.name) for target in chain.targets]
    primaries = list(chain.primaries.items()) if chain.has_primary else []
    known = chain.breakers.health([*primaries, *targets])
    if chain.has_primary and not primaries:
        known.insert(0, Health(target=provider))
    errors = {
        "breakers": chain.breakers.errors,
        "classify": chain.classifier.errors if chain.classifier else 0,
        "watchdog": WATCHDOG.errors,
    }
    hedges = None if chain.hedging is None else chain.hedging.hedges
    return ChainHealth(targets=tuple(known), errors=errors, hedges=hedges)
