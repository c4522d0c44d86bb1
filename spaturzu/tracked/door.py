"""A client's way out: its provider, its chain, its agent, and how its SDK says that a call failed. Loads no router."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from spaturzu.attribution import FRAME, Agent, RunFrame, child_frame

from .surfaces import Surface, recognise

if TYPE_CHECKING:
    from spaturzu.metering import Metering
    from spaturzu.router.chain import Chain
    from spaturzu.router.explain import Explained
    from spaturzu.router.hop import CallRecord
    from spaturzu_translators.messages import Provider

_LAST: ContextVar[CallRecord | None] = ContextVar("spaturzu_last_call", default=None)


def last_call() -> CallRecord | None:
    """The latest call of this thread or task, with its hops and their losses; None before the first.

    The record of a stream goes on changing until the stream ends.
    """
    return _LAST.get()


def remember(record: CallRecord | None) -> None:
    """Make `record` the last call of this context."""
    _LAST.set(record)


async def carried(work: Callable[[], Any], in_thread: Callable[[Callable[[], Any]], Any]) -> Any:
    """`work` in a thread, whose last call becomes that of the caller's own context."""
    seen: list[CallRecord | None] = []

    def working() -> Any:
        try:
            return work()
        finally:
            seen.append(last_call())

    try:
        return await in_thread(working)
    finally:
        if seen:
            remember(seen[0])


@dataclass(kw_only=True, eq=False)  # neither frozen nor equal: what a class is made of costs every import
class Native:
    """How the caller's SDK says that a call failed, built from its own classes.

    `status_error(response)` for an HTTP error, `transport_error(exception, request)` for the lack of an answer,
    `stream_error(response)` for a stream that says nothing but its error; None where it is left to who reads it.
    `max_retries()` is what the client's user allows it.
    """

    status_error: Callable[[Any], Exception]
    transport_error: Callable[[Exception, Any], Exception]
    stream_error: Callable[[Any], Exception | None]
    max_retries: Callable[[], int]


def raised_by(events: Iterable[Any]) -> Exception | None:
    """What reading all of `events` raises: so an SDK makes an error of its own."""
    try:
        deque(events, maxlen=0)
    except Exception as error:  # noqa: BLE001 - it is what is wanted
        return error.with_traceback(None)
    return None


@dataclass(kw_only=True, eq=False)
class Door:
    """One client's way out. `agent` is set on the clients that `with_agent` gives."""

    provider: Provider
    native: Native
    chain: Callable[[], Chain]
    tags: Mapping[str, str] = field(default_factory=dict[str, str])
    agent: Agent | None = None
    customer: str | None = None
    session_id: str | None = None
    metering: Metering | None = None
    """What notes calls that pass through; None where nothing is recorded."""
    explained: Explained | None = None
    """Not None: nothing is sent; what would be is left here."""
    urls: dict[str, tuple[Any, Any]] = field(default_factory=dict[str, tuple[Any, Any]])
    """The URLs of chat paths, each with the base URL that it was made of."""

    def for_agent(self, agent: Agent) -> Door:
        """The same door for one agent's calls."""
        return replace(self, agent=agent)

    def speaking(self, native: Native) -> Door:
        """The same door for a client of its own, whose errors and retries `native` knows."""
        return replace(self, native=native)

    def recognise(self, path: str | bytes) -> Surface | None:
        """The chat surface that `path` is, or None: pass through."""
        return recognise(self.provider, path)

    def frame(self) -> RunFrame | None:
        """Whose call it is, read where the call enters."""
        return FRAME.get() if self.agent is None else child_frame(self.agent, FRAME.get())
