"""The rest of a committed stream: pulled from the hop, relayed, let out, and gone on with elsewhere where it breaks.

One logic, `_steps`, and two drivers that perform them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Generator, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeAlias

from spaturzu.middleware.counting import Seen, counted, together
from spaturzu.router.call import Call
from spaturzu.router.drive import aclosed, aperformed, performed
from spaturzu.router.failures import failure_of
from spaturzu.router.kept import Said
from spaturzu.router.relay import Relay
from spaturzu.router.resume import resume
from spaturzu.router.walk import Effect, Outcome, Pulled
from spaturzu_translators.failures import Failure
from spaturzu_translators.responses import Response

from .calls import finish, told


@dataclass(frozen=True, slots=True)
class Reading:
    """Feed `source` to `relay` and let out what it gives, until the relay fails: found are its last bytes then.

    Found is what `source` raised, or None where it is exhausted.
    """

    source: Any
    relay: Relay[Any]


@dataclass(frozen=True, slots=True)
class Closing:
    """Let go of a hop."""

    close: Callable[[], Any]


_Step: TypeAlias = bytes | Reading | Closing | Generator[Effect, Outcome, Pulled | None]
"""Bytes are let out; a generator is performed, and what it comes to is found."""
_Found: TypeAlias = bytes | Exception | Pulled | None
_Steps: TypeAlias = Generator[_Step, _Found, None]


class _Pump:
    """A stream's hop stays open until the stream is exhausted, fails, or is closed. So does the next one's.

    `raised` makes of the source's exception what the caller's SDK raises; None where that was a target's. `said` makes
    the same of an error that stands in the stream; None where it is to stand there.
    """

    def __init__(
        self,
        call: Call,
        pulled: Pulled,
        raised: Callable[[Exception], Exception] | None,
        said: Callable[[bytes], Exception | None],
    ) -> None:
        self._call, self._pulled, self._raised, self._said = call, pulled, raised, said
        self._first = pulled.relay
        self._cause: Exception | None = None
        self._open = True

    def _steps(self) -> _Steps:
        """The stream to its end. A hop is closed before its last bytes are let out: an SDK that finds an error in them
        reads no further.
        """
        yield self._pulled.head
        while True:
            relay = self._pulled.relay
            data = self._ended(relay, (yield Reading(self._pulled.source, relay)))
            self._left()
            yield Closing(self._pulled.close)
            if relay.failure is None:
                self._call.record.over()
            if data:
                yield data
            if relay.failure is None:
                return
            pulled = yield resume(self._call, relay)
            if not isinstance(pulled, Pulled):
                break
            self._pulled, self._open = pulled, True
            yield pulled.head
        yield from self._given_up()

    def _ended(self, relay: Relay[Any], found: _Found) -> bytes:
        """The last bytes of a source that is exhausted, that broke off with `found`, or that raised it."""
        if isinstance(found, Exception):
            return self._broke(found)
        return found if isinstance(found, bytes) else b"" if relay.ended else relay.end()

    def _left(self) -> None:
        """It is over: exhausted, failed, or closed by the SDK. Many stop reading at the terminal event, so an early
        close may be a complete stream.
        """
        if self._open:
            self._open = False
            pulled, call = self._pulled, self._call
            duration_s = call.chain.clock() - pulled.hop.started
            complete = pulled.relay.complete
            call.stream_over(pulled.hop, pulled.relay.failure, complete=complete)
            finish(pulled.hop, pulled.relay, abandoned=not complete, duration_s=duration_s)

    def _broke(self, exc: Exception) -> bytes:
        """The source raised. After the terminal signal that is no more than a missing end of transmission."""
        relay = self._pulled.relay
        if relay.complete and self._call.chain.targets:
            return relay.end()
        if relay is self._first:
            self._cause = exc
        failure = failure_of(exc, self._pulled.hop.provider) or Failure(kind="connection", code=type(exc).__name__)
        return relay.broke(failure)

    def _over(self) -> None:
        """Nobody reads on: the hop is over, and so is the call."""
        self._left()
        self._call.record.over()

    def _given_up(self) -> Iterator[bytes]:
        """The first hop's own error, of its SDK's own class, with the record, which has what came."""
        record = self._call.record
        record.broke = partial(_partial, self._call, self._pulled.relay.said())
        record.over()
        if self._cause is not None and self._raised is not None:
            error = self._raised(self._cause)
            raise told(error, record) from (None if error is self._cause else self._cause)
        if last_word := self._first.last_word:
            yield last_word
        data = self._first.error()
        if (said := self._said(data)) is not None:
            raise told(said, record)
        yield data


class SyncPump(_Pump):
    """`for data in pump.chunks()`, then `close()`, also without having iterated."""

    def chunks(self) -> Iterator[bytes]:
        """The caller's bytes."""
        steps, found = self._steps(), None
        try:
            while (step := _next(steps, found)) is not None:
                found = None
                if isinstance(step, bytes):
                    yield step
                elif isinstance(step, Reading):
                    relay, feed = step.relay, step.relay.reader()
                    try:
                        for item in step.source:
                            data = feed(item)
                            if relay.failure is not None:
                                found = data
                                break
                            if data:
                                yield data
                    except Exception as exc:  # noqa: BLE001 - another hop goes on, or it is raised as the SDK's own
                        found = exc
                elif isinstance(step, Closing):
                    step.close()
                else:
                    found = performed(self._call, step)
        finally:
            self.close()

    def close(self) -> None:
        """Let go of the hop. A stream closed early is abandoned, not failed."""
        self._over()
        self._pulled.close()


class AsyncPump(_Pump):
    """`async for data in pump.chunks()`, then `aclose()`."""

    async def chunks(self) -> AsyncIterator[bytes]:
        """The caller's bytes."""
        steps, found = self._steps(), None
        try:
            while (step := _next(steps, found)) is not None:
                found = None
                if isinstance(step, bytes):
                    yield step
                elif isinstance(step, Reading):
                    relay, feed = step.relay, step.relay.reader()
                    try:
                        async for item in step.source:
                            data = feed(item)
                            if relay.failure is not None:
                                found = data
                                break
                            if data:
                                yield data
                    except Exception as exc:  # noqa: BLE001 - another hop goes on, or it is raised as the SDK's own
                        found = exc
                elif isinstance(step, Closing):
                    await aclosed(step.close)
                else:
                    found = await aperformed(self._call, step)
        finally:
            await self.aclose()

    async def aclose(self) -> None:
        """Let go of the hop."""
        self._over()
        await aclosed(self._pulled.close)


def _partial(call: Call, said: Said | None) -> Response | None:
    """What came of a stream that broke, and the tokens of the hops that said it, as they are metered."""
    response = said and said.response()
    used = together(counted({}, Seen(call, hop)).usage for hop in call.record.hops if hop.streamed)
    return response and replace(response, usage=used)


def _next(steps: _Steps, found: _Found) -> _Step | None:
    """What is to be done next; None at the end."""
    try:
        return steps.send(found)
    except StopIteration:
        return None


def stream_source(source: Any) -> Any:
    """An iterator over `source`, sync or async."""
    return source.__aiter__() if hasattr(source, "__aiter__") else iter(source)
