"""The chain as it runs: the caller's provider first, then raw clients to fall back to."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from spaturzu_translators.failures import FailureKind
from spaturzu_translators.messages import Provider

from .breakers import Breakers
from .choosing import Choosing
from .classify import Classifier
from .keys import key_of_client
from .lazy import cached_property
from .limits import Limits
from .media import FetchLimits
from .retry import RetryPolicy
from .targets import Sdk, sdk

if TYPE_CHECKING:
    from .call import Call
    from .hedging import Hedging
    from .hop import Hop

OnLoss: TypeAlias = Literal["skip", "allow"]
OnStreamBreak: TypeAlias = Literal["resume", "raise"]
Api: TypeAlias = Literal["chat", "responses"]
Middleware: TypeAlias = "Callable[[Call, Hop], Generator[None]]"
"""One concern around each hop. It runs up to its `yield` before the hop's first request, and may raise there: the
caller gets that error, and nothing is sent. It is resumed once when the hop is over: by an answer, its last failure, an
interrupt, or a stream's end. It does no I/O, and raises nothing after its `yield`.
"""
Around: TypeAlias = "Callable[[Call], Generator[None]]"
"""The same around a whole call: it is over when its answer is there, when the chain is exhausted, or when its stream
ends, whichever hop that was at.
"""


@dataclass(frozen=True, kw_only=True)
class Target:
    """A place to send. `max_tokens`, `timeout_s` and `params` (keys of its own wire) override the call's.

    `weight`: how often it comes first where the chain chooses by weight. `api` is which of OpenAI's two it is reached
    by; None leaves it to the call (`apis`).
    """

    provider: Provider
    client: Any
    model: str
    max_tokens: int | None = None
    timeout_s: float | None = None
    api: Api | None = None
    params: Mapping[str, Any] = field(default_factory=dict[str, Any])
    weight: float = 1.0

    @cached_property
    def sdk(self) -> Sdk:
        """How its SDK is called."""
        return sdk(self.provider)

    @cached_property
    def single(self) -> Any:
        """The client without retries of its own: the router does them."""
        return self.sdk.single(self.client)

    @cached_property
    def silent(self) -> Any:
        """The same without spans of the SDK's own, for calls that have a span already, or where spans go nowhere."""
        return self.sdk.silent(self.single)

    @cached_property
    def max_retries(self) -> int:
        """What the client's owner allowed it."""
        return self.sdk.max_retries(self.client)

    @cached_property
    def key(self) -> Hashable:
        """Endpoint, credential and model: whose failures are counted together."""
        return (*key_of_client(self.provider, self.client), self.model)

    @property
    def name(self) -> str:
        """Provider and model."""
        return f"{self.provider}/{self.model}"


class Turn(NamedTuple):
    """Whose turn it is (None: the primary's), after which wait, and who comes after it."""

    place: Target | None
    wait_s: float
    ahead: tuple[Target | None, ...]


def turns_of(places: tuple[Target | None, ...]) -> tuple[Turn, ...]:
    """Everybody's, in this order, without a wait."""
    return tuple(Turn(place, 0.0, places[at:]) for at, place in enumerate(places, 1))


@dataclass(frozen=True, kw_only=True)
class Chain:
    """Targets in order, and how to walk them.

    `fallback_on`: kinds of failure that go to the next target, or do not, other than their verdicts say.
    """

    targets: tuple[Target, ...] = ()
    has_primary: bool = True
    """False: the caller's shape has no provider of its own behind it; the targets are all there is."""
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    limits: Limits = field(default_factory=Limits)
    fallback_on: Mapping[FailureKind, bool] = field(default_factory=dict[FailureKind, bool])
    classifier: Classifier | None = None
    on_loss: OnLoss = "skip"
    choosing: Choosing = field(default_factory=Choosing)
    sticky: bool = False
    """Does one failure keep calls away from a place until a probe of it succeeds? Else it takes what opens a breaker.
    """
    hedging: Hedging | None = None
    on_stream_break: OnStreamBreak = "resume"
    stream_usage: bool | None = None
    """Is a stream's usage asked for where only those learn it who ask? None: where it is counted."""
    fetch_media: FetchLimits | None = None
    around: tuple[Around, ...] = ()
    middleware: tuple[Middleware, ...] = ()
    record: Callable[[Call, Hop], None] | None = None
    """Told of each hop once: as it is over, after its middleware, or as it is skipped, which middleware never sees."""
    clock: Callable[[], float] = time.monotonic
    breakers: Breakers = field(default_factory=Breakers)
    primaries: dict[Hashable, str] = field(default_factory=dict[Hashable, str])
    """The primary's models that have failed or recovered, by their breakers' keys: for `health`."""
    late: dict[Hashable, float] = field(default_factory=dict[Hashable, float])
    """How many seconds a place's plain answers took at most of those that came after the rest had been asked too."""

    def but(self, **changed: Any) -> Chain:
        """The same chain, with these fields."""
        return replace(self, **changed)

    @cached_property
    def places(self) -> tuple[Target | None, ...]:
        """The primary, which None stands for, and its fallbacks."""
        return (None, *self.targets) if self.has_primary else self.targets

    @cached_property
    def turns(self) -> tuple[Turn, ...]:
        """Everybody in order, as it is while nothing fails."""
        return turns_of(self.places)

    @cached_property
    def is_direct(self) -> bool:
        """Is the caller's own request sent first, whatever it says?"""
        return self.has_primary and not self.around and self.choosing.is_as_written and self.hedging is None

    @cached_property
    def is_bounded(self) -> bool:
        """Does any limit hold for its calls, or a number of tries? Then the router takes the SDK's retries over too."""
        return bool(self.targets) or self.limits != Limits() or self.retry.attempts is not None

    @cached_property
    def takes_answers_for_granted(self) -> bool:
        """Is every answer on a 200 good, and every failure what its provider calls it?"""
        return self.classifier is None and not self.goes_on_when_refused

    @cached_property
    def goes_on_when_refused(self) -> bool:
        """Is an answer that is a refusal a failure?"""
        return self.fallback_on.get("content_policy", False)
