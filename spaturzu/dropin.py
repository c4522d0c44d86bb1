"""What the five drop-ins share: the chain that is read when first needed, and `with_agent`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Self

from .attribution import Agent, Tags
from .errors import ConfigError
from .instance import Spaturzu, get_default_spaturzu
from .metering import Metering
from .tracked.door import Door, Native

if TYPE_CHECKING:
    from spaturzu_translators.messages import Provider

    from .router.chain import Chain
    from .router.explain import Explained, Planned
    from .router.health import ChainHealth

Options = Mapping[str, Any]
"""The keys of `spaturzu={...}`: fallback, retry, deadline, on_loss."""


class DropIn:
    """Mixed into a provider's client. `_door` is its way out; `_clone` makes a client that leaves by another door."""

    _door: Door

    def with_agent(
        self, name: str, tags: Tags | None = None, *, customer: str | None = None, session_id: str | None = None
    ) -> Self:
        """This client, for one agent's calls: `client.with_agent("triage").chat...`. Nests under an open `run`."""
        return self._clone(self._door.for_agent(Agent(name, tags, customer, session_id)))

    @property
    def spaturzu(self) -> ChainView:
        """This client's chain, to look at."""
        return ChainView(self._door, self._clone)

    def _clone(self, door: Door) -> Self:
        raise NotImplementedError


class ChainView:
    """What a client's chain would do: `client.spaturzu.explain(model=..., messages=...)`."""

    def __init__(self, door: Door, clone: Callable[[Door], Any]) -> None:
        self._door, self._clone = door, clone

    def explain(self, **kwargs: Any) -> tuple[Planned, ...]:
        """For each fallback target: would this call be sent there, as what, and what is lost. Sends nothing.

        `kwargs` are those of the client's create-equivalent; errors of its own checks are raised as ever.
        """
        create, explained = self._asking()
        try:
            create(**kwargs)
        except Exception:
            if not explained:
                raise
        return explained[0]

    async def aexplain(self, **kwargs: Any) -> tuple[Planned, ...]:
        """The same for an async client."""
        create, explained = self._asking()
        try:
            await create(**kwargs)
        except Exception:
            if not explained:
                raise
        return explained[0]

    def health(self) -> ChainHealth:
        """The breaker of each place in the chain, and counts of what was swallowed. For sync and async clients."""
        from .router.health import health_of

        return health_of(self._door.chain(), self._door.provider)

    def _asking(self) -> tuple[Callable[..., Any], Explained]:
        """The create-equivalent of a clone whose door explains instead of sending."""
        from .router.targets import sdk
        from .router.targets.common import resolve

        explained = list["tuple[Planned, ...]"]()
        if not self._door.chain().targets:
            raise ConfigError("spaturzu: this client has no 'fallback' to explain; give it one at construction")
        asking = self._clone(self._door.but(explained=explained))
        return resolve(asking, sdk(self._door.provider).method), explained


def make_door(
    provider: Provider,
    native: Native,
    options: Options | None,
    *,
    sync_caller: bool,
    instance: Spaturzu | None = None,
    has_primary: bool = True,
    over: Door | None = None,
) -> Door:
    """The door that `options` describe. Raises ConfigError; without options nothing of the router is loaded yet.

    `over`: the door of a client that is wrapped again. Its agent stays, and of its options what is not given anew.
    """
    instance = instance or get_default_spaturzu()
    options = options if over is None else _renewed(over.options, options or {})
    chain = _chain(provider, options, sync_caller, has_primary, instance.metering)
    whose = options or {}
    if instance.metering.on:
        _load_httpx2()
    door = Door(
        provider=provider,
        native=native,
        chain=_metered(chain, instance.metering),
        tags=instance.tags,
        customer=whose.get("customer"),
        session_id=whose.get("session_id"),
        metering=instance.metering if instance.metering.on else None,
        options=options,
    )
    return door if over is None or over.agent is None else door.for_agent(over.agent)


def _load_httpx2() -> None:
    """Where an SDK of the older generation uses httpx, and not later with the price list in the recorder's thread.

    openai 2.x looks at whatever stands in `sys.modules` under that name, also while another thread still imports it,
    and fails: seen with 2.31 and later, 2026-12-01.
    """
    if "httpx" in sys.modules and "httpx2" not in sys.modules and find_spec("httpx2") is not None:
        import_module("httpx2")


def _renewed(before: Options, given: Options) -> Options:
    """A chain by name replaces the targets too."""
    replaced = {*given, "fallback"} if "chain" in given else given.keys()
    return {**{name: value for name, value in before.items() if name not in replaced}, **given}


def door_before(client: Any) -> Door | None:
    """The door of a client that is one of ours already."""
    door = getattr(client, "_door", None)
    return door if isinstance(door, Door) else None


def _metered(chain: Callable[[], Chain], metering: Metering) -> Callable[[], Chain]:
    """The same chain with the instance's meter, and the tracer around its hops where the process has one.

    Put together when first asked for.
    """

    @cache
    def plain() -> Chain:
        return chain().but(record=metering.meter.hop)

    @cache
    def traced() -> Chain:
        trace = _tracing()
        return plain().but(around=(trace.trace_call,), middleware=(trace.trace_hop,))

    return lambda: plain() if _tracing().telemetry() is None else traced()


@cache
def _tracing() -> Any:
    from .courtesy import load

    return load("spaturzu.middleware.trace")


def _chain(
    provider: Provider, options: Options | None, sync_caller: bool, has_primary: bool, metering: Metering
) -> Callable[[], Chain]:
    if not options:
        return _no_chain
    from .config import read_chain

    chain = read_chain(options, sync_caller=sync_caller, has_primary=has_primary, prices=metering.prices)
    _load({provider, *(target.provider for target in chain.targets)}, recording=metering.on)
    return lambda: chain


_RUN = ("spaturzu.tracked.exchange", "spaturzu.middleware.meter", "spaturzu.middleware.trace")
_RECORDING = ("spaturzu.ledger.embedded", "spaturzu.ledger.gateway", "spaturzu.ledger.recorder")


def _load(providers: set[Provider], *, recording: bool) -> None:
    """What a fallback runs, imported at construction: in the outage it would cost the first caller 50 ms and more."""
    from spaturzu_translators.codec import codec

    for module in (*_RUN, *(_RECORDING if recording else ())):
        import_module(module)
    for provider in providers:
        codec(provider)


@cache
def _no_chain() -> Chain:
    from .router.chain import Chain

    return Chain()


def class_of(client: Any) -> type[Any]:
    """A client's own class, whatever its type is known to be."""
    return client.__class__


@cache
def subclassed(dropin: type[Any], base: type[Any]) -> type[Any]:
    """`base`, a client's own class, with the drop-in's methods: for clients built elsewhere."""
    return base if issubclass(base, dropin) else type(base.__name__, (dropin, base), {"__module__": base.__module__})
