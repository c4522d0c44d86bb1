"""The rest of a committed stream: pulled from the hop, relayed, let out, and gone on with elsewhere where it breaks.

One logic, two drivers.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from spaturzu.router.call import Call
from spaturzu.router.drive import aclosed, aperformed, performed
from spaturzu.router.failures import failure_of
from spaturzu.router.resume import resume
from spaturzu.router.walk import Pulled
from spaturzu_translators.failures import Failure

from .calls import finish


class _Pump:
    """A stream's hop stays open until the stream is exhausted, fails, or is closed. So does the next one's.

    `raised` makes of the source's exception what the caller's SDK raises; None where the caller is told in the stream.
    """

    def __init__(self, call: Call, pulled: Pulled, raised: Callable[[Exception], Exception] | None) -> None:
        self._call, self._pulled, self._raised = call, pulled, raised
        self._first = pulled.relay
        self._cause: Exception | None = None
        self._open = True

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
        """The source raised."""
        relay = self._pulled.relay
        if relay is self._first:
            self._cause = exc
        failure = failure_of(exc, self._pulled.hop.provider) or Failure(kind="connection", code=type(exc).__name__)
        return relay.broke(failure)

    def _goes_on(self, pulled: Pulled) -> bytes:
        """Another hop goes on with the stream."""
        self._pulled, self._open = pulled, True
        return pulled.head

    def _given_up(self) -> bytes:
        """The first hop's own error, raised or in the stream; what came is left in the record."""
        record = self._call.record
        said = self._pulled.relay.said()
        record.partial = None if said is None else said.response()
        if self._cause is None or self._raised is None:
            return self._first.error()
        error = self._raised(self._cause)
        error.add_note(record.note)
        raise error from (None if error is self._cause else self._cause)


class SyncPump(_Pump):
    """`for data in pump.chunks()`, then `close()`, also without having iterated.

    A hop is closed before its last bytes are let out: an SDK that finds an error in them reads no further.
    """

    def chunks(self) -> Iterator[bytes]:
        """The caller's bytes."""
        try:
            data = self._pulled.head
            while True:
                yield data
                relay = self._pulled.relay
                feed = relay.reader()
                try:
                    for item in self._pulled.source:
                        data = feed(item)
                        if relay.failure is not None:
                            break
                        if data:
                            yield data
                    else:
                        data = b"" if relay.ended else relay.end()
                except Exception as exc:  # noqa: BLE001 - another hop goes on, or it is raised as the SDK's own
                    data = self._broke(exc)
                self._left()
                self._pulled.close()
                if relay.failure is None:
                    self._call.record.over()
                if data:
                    yield data
                if relay.failure is None:
                    return
                pulled = performed(self._call, resume(self._call, relay))
                if pulled is None:
                    break
                data = self._goes_on(pulled)
            data = self._given_up()
            self._call.record.over()
            yield data
        finally:
            self.close()

    def close(self) -> None:
        """Let go of the hop. A stream closed early is abandoned, not failed."""
        self._left()
        self._call.record.over()
        self._pulled.close()


class AsyncPump(_Pump):
    """`async for data in pump.chunks()`, then `aclose()`."""

    async def chunks(self) -> AsyncIterator[bytes]:
        """The caller's bytes."""
        try:
            data = self._pulled.head
            while True:
                yield data
                relay = self._pulled.relay
                feed = relay.reader()
                try:
                    async for item in self._pulled.source:
                        data = feed(item)
                        if relay.failure is not None:
                            break
                        if data:
                            yield data
                    else:
                        data = b"" if relay.ended else relay.end()
                except Exception as exc:  # noqa: BLE001 - another hop goes on, or it is raised as the SDK's own
                    data = self._broke(exc)
                self._left()
                await aclosed(self._pulled.close)
                if relay.failure is None:
                    self._call.record.over()
                if data:
                    yield data
                if relay.failure is None:
                    return
                pulled = await aperformed(self._call, resume(self._call, relay))
                if pulled is None:
                    break
                data = self._goes_on(pulled)
            data = self._given_up()
            self._call.record.over()
            yield data
        finally:
            await self.aclose()

    async def aclose(self) -> None:
        """Let go of the hop."""
        self._left()
        self._call.record.over()
        await aclosed(self._pulled.close)


def stream_source(source: Any) -> Any:
    """An iterator over `source`, sync or async."""
    return source.__aiter__() if hasattr(source, "__aiter__") else iter(source)
