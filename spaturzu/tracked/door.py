"""A client's way out: its provider, its chain, its agent, and how its SDK says that a call failed. Loads no router."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextvars import ContextVar
from copy import copy
from typing import TYPE_CHECKING, Any, Self

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


class Native:
    """How the caller's SDK says that a call failed, built from its own classes.

    `status_error(response)` for an HTTP error, `transport_error(exception, request)` for the lack of an answer,
    `stream_error(response)` for a stream that says nothing but its error; None where it is left to who reads it.
    `max_retries()` is what the client's user allows it.
    """

    __slots__ = ("max_retries", "status_error", "stream_error", "transport_error")

    def __init__(
        self,
        *,
        status_error: Callable[[Any], Exception],
        transport_error: Callable[[Exception, Any], Exception],
        stream_error: Callable[[Any], Exception | None],
        max_retries: Callable[[], int],
    ) -> None:
        self.status_error, self.transport_error = status_error, transport_error
        self.stream_error, self.max_retries = stream_error, max_retries


def raised_by(events: Iterable[Any]) -> Exception | None:
    """What reading all of `events` raises: so an SDK makes an error of its own."""
    try:
        deque(events, maxlen=0)
    except Exception as error:  # noqa: BLE001 - it is what is wanted
        return error.with_traceback(None)
    return None


class Door:
    """One client's way out. `agent` is set on the clients that `with_agent` gives."""

    def __init__(
        self,
        *,
        provider: Provider,
        native: Native,
        chain: Callable[[], Chain],
        tags: Mapping[str, str],
        customer: str | None = None,
        session_id: str | None = None,
        metering: Metering | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        self.provider: Provider = provider
        self.native, self.chain, self.tags = native, chain, tags
        self.agent: Agent | None = None
        self.customer, self.session_id = customer, session_id
        self.metering = metering
        """What notes calls that pass through; None where nothing is recorded."""
        self.options = options or {}
        """As they were given: a client that is wrapped again keeps them."""
        self.explained: Explained | None = None
        """Not None: nothing is sent; what would be is left here."""
        self.urls: dict[str, tuple[Any, Any]] = {}
        """The URLs of chat paths, each with the base URL that it was made of."""

    def but(self, **changed: Any) -> Self:
        """The same door, with these attributes."""
        other = copy(self)
        vars(other).update(changed)
        return other

    def for_agent(self, agent: Agent) -> Self:
        """The same door for one agent's calls."""
        return self.but(agent=agent)

    def speaking(self, native: Native) -> Self:
        """The same door for a client of its own, whose errors and retries `native` knows."""
        return self.but(native=native)

    def recognise(self, path: str | bytes) -> Surface | None:
        """The chat surface that `path` is, or None: pass through."""
        return recognise(self.provider, path)

    def frame(self) -> RunFrame | None:
        """Whose call it is, read where the call enters."""
        return FRAME.get() if self.agent is None else child_frame(self.agent, FRAME.get())
