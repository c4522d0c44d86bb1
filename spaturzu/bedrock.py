"""The Bedrock drop-in: `from spaturzu.bedrock import BedrockRuntime`.

boto3 makes its client classes at run time, so there is none to subclass by name: `BedrockRuntime(...)` makes a client
of boto3's own class and gives it the drop-in's methods.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import boto3  # pyright: ignore[reportMissingTypeStubs]
from botocore import parsers  # pyright: ignore[reportMissingTypeStubs]

from .attribution import Tags
from .dropin import DropIn, Options, class_of, door_before, make_door, subclassed
from .tracked.botocore import leave_by, over_duck
from .tracked.door import Native, raised_by

if TYPE_CHECKING:
    from .instance import Spaturzu
    from .tracked.door import Door


class _BedrockRuntime(DropIn):
    def _clone(self, door: Door) -> Self:
        clone = _own_endpoint(self)
        clone._leave_by(door)
        return clone

    def _leave_by(self, door: Door) -> None:
        self._door = door
        leave_by(self, door)


def BedrockRuntime(*args: Any, spaturzu: Options | None = None, **kwargs: Any) -> Any:  # noqa: N802 - as a class
    """`boto3.client("bedrock-runtime", ...)` that falls back. Raises ConfigError on bad options."""
    sdk: Any = boto3
    return _dropin(sdk.client("bedrock-runtime", *args, **kwargs), spaturzu, None)


class AsyncBedrockRuntime:
    """The same for asyncio: boto3 has no async client, so its calls run in threads, with the caller's context.

    `await client.converse(...)`; `(await client.converse_stream(...))["stream"]` is for `async for`.
    """

    def __init__(self, *args: Any, spaturzu: Options | None = None, **kwargs: Any) -> None:
        self._client = BedrockRuntime(*args, spaturzu=spaturzu, **kwargs)

    def with_agent(
        self, name: str, tags: Tags | None = None, *, customer: str | None = None, session_id: str | None = None
    ) -> AsyncBedrockRuntime:
        """This client, for one agent's calls."""
        return _async_over(self._client.with_agent(name, tags, customer=customer, session_id=session_id))

    async def converse(self, **kwargs: Any) -> dict[str, Any]:
        """`client.converse` in a thread."""
        return await _in_thread(partial(self._client.converse, **kwargs))

    async def converse_stream(self, **kwargs: Any) -> dict[str, Any]:
        """`client.converse_stream` in a thread; `["stream"]` is async."""
        answer = await _in_thread(partial(self._client.converse_stream, **kwargs), _unread)
        return {**answer, "stream": AsyncEventStream(answer["stream"])}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._client, name)


class AsyncEventStream:
    """botocore's EventStream, read in a thread. `async for`, then `close()` if left early."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner
        self._events = iter(inner)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> dict[str, Any]:
        event = await _in_thread(lambda: next(self._events, None), lambda _: self.close())
        if event is None:
            raise StopAsyncIteration
        return event

    def close(self) -> None:
        """Let go of the connection."""
        self._inner.close()


def _unread(answer: Any) -> None:
    """Nobody takes it."""
    if answer is not None:
        answer["stream"].close()


async def _in_thread(work: Any, dispose: Callable[[Any], object] | None = None) -> Any:
    """Whoever is cancelled while no thread is at the work leaves what came of it to `dispose`."""
    from .router.errands import in_thread, nothing
    from .tracked.door import carried

    return await carried(work, partial(in_thread, dispose=dispose or nothing))


def _async_over(client: Any) -> AsyncBedrockRuntime:
    wrapped = AsyncBedrockRuntime.__new__(AsyncBedrockRuntime)
    wrapped.__dict__["_client"] = client
    return wrapped


def _own_endpoint(client: Any) -> Any:
    from .router.targets.bedrock import own_endpoint

    return own_endpoint(client)


def _retries(client: Any) -> int:
    from .router.targets.bedrock import configured_retries

    return configured_retries(client)


def _native(client: Any) -> Native:
    return Native(
        status_error=lambda response: _status_error(client, response),
        transport_error=lambda exc, _: exc,
        stream_error=lambda response: _stream_error(client, response),
        max_retries=lambda: _retries(client),
    )


def _stream_error(client: Any, response: Any) -> Exception | None:
    """What botocore's EventStream raises of its events."""
    shape = client.meta.service_model.operation_model("ConverseStream").output_shape
    told = {"headers": {}, "status_code": 200, "body": response.raw, "context": {"operation_name": "ConverseStream"}}
    parser: Any = parsers.create_parser("rest-json")  # pyright: ignore[reportUnknownMemberType]
    return raised_by(parser.parse(told, shape)["stream"])


def _status_error(client: Any, response: Any) -> Exception:
    """As botocore raises it: ClientError or its modelled subclass."""
    operation = "ConverseStream" if response.url.endswith("/converse-stream") else "Converse"
    shape = client.meta.service_model.operation_model(operation).output_shape
    told = {"headers": response.headers, "status_code": response.status_code, "body": response.content}
    parser: Any = parsers.create_parser("rest-json")  # pyright: ignore[reportUnknownMemberType]
    parsed = parser.parse(told, shape)
    parsed["ResponseMetadata"].setdefault("RetryAttempts", 0)
    return client.exceptions.from_code(parsed["Error"]["Code"])(parsed, operation)


def _dropin(client: Any, options: Options | None, instance: Spaturzu | None) -> Any:
    over = door_before(client)
    door = make_door("bedrock", _native(client), options, sync_caller=True, instance=instance, over=over)
    client.__class__ = subclassed(_BedrockRuntime, class_of(client))
    client._leave_by(door)
    return client


def wrap(client: Any, options: Options, instance: Spaturzu) -> Any:
    """`Spaturzu.wrap_bedrock`."""
    if isinstance(client, AsyncBedrockRuntime):
        return _async_over(wrap(client.__dict__["_client"], options, instance))
    if not (hasattr(client, "_endpoint") and hasattr(client, "converse")):
        client = over_duck(client)  # refuses a client of another service
    return _dropin(_own_endpoint(client), options, instance)
