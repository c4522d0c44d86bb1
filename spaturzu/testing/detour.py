"""Requests turned to local servers, at the door of every spaturzu client and of its targets.

The request stays the one that the SDK made; only its address changes, and what would tell a secret.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeAlias

from spaturzu.tracked import detours
from spaturzu_translators.messages import Provider

from .passing import PassingDoor, passing
from .turning import LoopbackClients, loopback_session, turn_botocore, turn_http

if TYPE_CHECKING:
    from spaturzu.router.chain import Chain, Target
    from spaturzu.tracked.door import Door

Way: TypeAlias = Callable[[Provider, int], int | None]
"""(provider, its place in the chain: 0 is the primary) -> the port of 127.0.0.1 that answers instead, or None."""

_LOCK = threading.Lock()
_WAYS: list[Way] = []


class Scope:
    """Part of what runs while requests are turned: chains remember failures apart in each. A `Way` may go by it."""

    def adapt(self, chain: Chain) -> Chain:
        """The chain as it is to be in this scope."""
        return chain


SCOPE: ContextVar[Scope | None] = ContextVar("spaturzu_detour_scope", default=None)
"""The scope of this thread or task."""


@contextmanager
def turned(way: Way) -> Generator[None, None, None]:
    """Within the block requests go where `way` says, in all threads and tasks. A later one goes before earlier ones."""
    _change(way, _WAYS.append)
    try:
        yield
    finally:
        _change(way, _WAYS.remove)


def _change(way: Way, change: Callable[[Way], None]) -> None:
    with _LOCK:
        change(way)
        detours.current = _Turned(tuple(reversed(_WAYS))) if _WAYS else None


class _Turned:
    """The detours that hold until the next change. Chains are rebuilt for it once, so that failures have a memory."""

    def __init__(self, ways: tuple[Way, ...]) -> None:
        self._ways = ways
        self._clients = LoopbackClients()
        self._passing: dict[tuple[int, int], tuple[Any, Any]] = {}
        self._chains: dict[tuple[int, int], tuple[Chain, Scope | None, Chain]] = {}

    def _port(self, provider: Provider, place: int) -> int | None:
        return next((port for way in self._ways if (port := way(provider, place)) is not None), None)

    def http(self, door: Door, inner: Any, request: Any) -> Any:
        """See `Detour`."""
        port = self._port(door.provider, _place(door))
        if port is None:
            return inner
        turn_http(request, port)
        return self._clients.like(inner)

    def session(self, door: Door, inner: Any, request: Any) -> Any:
        """See `Detour`."""
        port = self._port(door.provider, _place(door))
        if port is None:
            return inner
        turn_botocore(request, port)
        return loopback_session(inner)

    def chain(self, chain: Chain) -> Chain:
        """See `Detour`. What a key is made of is held, so that its id stays its own."""
        scope = SCOPE.get()
        key = (id(chain), id(scope))
        if key not in self._chains:
            turned = self._turned(chain)
            self._chains.setdefault(key, (chain, scope, turned if scope is None else scope.adapt(turned)))
        return self._chains[key][2]

    def _turned(self, chain: Chain) -> Chain:
        first = 1 if chain.has_primary else 0
        targets = [self._target(target, place) for place, target in enumerate(chain.targets, first)]
        return replace(chain, targets=tuple(targets), breakers=chain.breakers.fresh())

    def _target(self, target: Target, place: int) -> Target:
        if self._port(target.provider, place) is None:
            return target
        key = (id(target.client), place)
        if key not in self._passing:
            self._passing.setdefault(key, (target.client, passing(target.client, target.provider, place)))
        return replace(target, client=self._passing[key][1])


def _place(door: Door) -> int:
    return door.place if isinstance(door, PassingDoor) else 0
