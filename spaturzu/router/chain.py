"""The chain as it runs: the caller's provider first, then raw clients to fall back to."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Hashable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from spaturzu_translators.messages import Provider

from .choosing import Choosing
from .cooldown import Cooldowns
from .media import FetchLimits
from .retry import RetryPolicy
from .targets import Sdk, sdk

if TYPE_CHECKING:
    from .call import Call
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
        """The same without spans of the SDK's own, for calls that have a span already."""
        return self.sdk.silent(self.single)

    @cached_property
    def max_retries(self) -> int:
        """What the client's owner allowed it."""
        return self.sdk.max_retries(self.client)

    @cached_property
    def key(self) -> Hashable:
        """Endpoint, credential and model: what is cooled down together."""
        client = self.client
        endpoint = getattr(client, "base_url", None) or getattr(getattr(client, "meta", None), "endpoint_url", None)
        where = str(endpoint) if endpoint is not None else id(client)
        return (self.provider, where, hash(getattr(client, "api_key", None)), self.model)


@dataclass(frozen=True, kw_only=True)
class Chain:
    """Targets in order, and how to walk them. `deadline_s` bounds a whole call."""

    targets: tuple[Target, ...] = ()
    has_primary: bool = True
    """False: the caller's shape has no provider of its own behind it; the targets are all there is."""
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    deadline_s: float | None = None
    on_loss: OnLoss = "skip"
    choosing: Choosing = field(default_factory=Choosing)
    on_stream_break: OnStreamBreak = "resume"
    fetch_media: FetchLimits | None = None
    around: tuple[Around, ...] = ()
    middleware: tuple[Middleware, ...] = ()
    skipped: Callable[[Call, Hop], None] | None = None
    """Told of each hop that is skipped, which middleware never sees."""
    clock: Callable[[], float] = time.monotonic
    cooldowns: Cooldowns = field(default_factory=Cooldowns)

    @cached_property
    def places(self) -> tuple[Target | None, ...]:
        """The primary, which None stands for, and its fallbacks."""
        return (None, *self.targets) if self.has_primary else self.targets
