"""The rest of a committed stream: pulled from the hop, relayed, let out. One logic, two drivers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from spaturzu.router.call import Call
from spaturzu.router.drive import aclosed
from spaturzu.router.failures import failure_of
from spaturzu.router.walk import Pulled
from spaturzu_translators.failures import Failure

from .calls import finish


class _Pump:
    """A stream's hop stays open until the stream is exhausted, fails, or is closed.

    `raised` makes of the source's exception what the caller's SDK raises; None where the caller is told in the stream.
    """

    def __init__(self, call: Call, pulled: Pulled, raised: Callable[[Exception], Exception] | None) -> None:
        self._call, self._pulled, self._raised = call, pulled, raised
        self._open = True

    def _left(self) -> None:
        """It is over: exhausted, failed, or closed by the SDK. Many stop reading at the terminal event, so an early
        close may be a complete stream.
        """
        if self._open:
            self._open = False
            pulled = self._pulled
            duration_s = self._call.chain.clock() - pulled.hop.started
            finish(pulled.hop, pulled.relay, abandoned=not pulled.relay.complete, duration_s=duration_s)
            self._call.record.over()

    def _broke(self, exc: Exception) -> bytes:
        """The source raised: the caller's own error is raised, or in-stream bytes are returned."""
        failure = failure_of(exc, self._pulled.hop.provider) or Failure(kind="connection", code=type(exc).__name__)
        said = self._pulled.relay.broke(failure)
        if self._raised is not None:
            raise self._raised(exc) from exc
        return said


class SyncPump(_Pump):
    """`for data in pump.chunks()`, then `close()`, also without having iterated.

    The hop is closed before the last bytes are let out: an SDK that finds an error in them reads no further.
    """

    def chunks(self) -> Iterator[bytes]:
        """The caller's bytes."""
        relay, source = self._pulled.relay, self._pulled.source
        try:
            yield self._pulled.head
            for item in source:
                data = relay.feed(item)
                if relay.failure is not None:
                    break
                if data:
                    yield data
            else:
                data = b"" if relay.ended else relay.end()
        except Exception as exc:  # noqa: BLE001 - raised on as the SDK's own, or said in the stream
            data = self._broke(exc)
        finally:
            self.close()
        if data:
            yield data

    def close(self) -> None:
        """Let go of the hop. A stream closed early is abandoned, not failed."""
        self._left()
        self._pulled.close()


class AsyncPump(_Pump):
    """`async for data in pump.chunks()`, then `aclose()`."""

    async def chunks(self) -> AsyncIterator[bytes]:
        """The caller's bytes."""
        relay, source = self._pulled.relay, self._pulled.source
        try:
            yield self._pulled.head
            async for item in source:
                data = relay.feed(item)
                if relay.failure is not None:
                    break
                if data:
                    yield data
            else:
                data = b"" if relay.ended else relay.end()
        except Exception as exc:  # noqa: BLE001 - raised on as the SDK's own, or said in the stream
            data = self._broke(exc)
        finally:
            await self.aclose()
        if data:
            yield data

    async def aclose(self) -> None:
        """Let go of the hop."""
        self._left()
        await aclosed(self._pulled.close)


def stream_source(source: Any) -> Any:
    """An iterator over `source`, sync or async."""
    return source.__aiter__() if hasattr(source, "__aiter__") else iter(source)
