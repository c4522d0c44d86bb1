"""The Gemini drop-in: `from spaturzu.google import Client`. All other names are those of `google.genai`."""

from __future__ import annotations

import copy
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing, closing
from functools import wraps
from typing import TYPE_CHECKING, Any, Self

from google import genai as _genai
from google.genai import errors as _errors

from .attribution import RunFrame, get_current_frame, inside
from .dropin import DropIn, Options, class_of, door_before, make_door, subclassed
from .errors import ConfigError
from .tracked.door import Native
from .tracked.http import family_of, track, track_async

if TYPE_CHECKING:
    from .instance import Spaturzu
    from .tracked.door import Door


class _Client(DropIn):
    _api_client: Any
    _models: Any
    _aio: Any
    _origin: Any = None
    """The client that this one shares connections with: it closes them when it is collected, so it is kept."""

    def _clone(self, door: Door) -> Self:
        return _sharing(self, type(self), door)

    def _leave_by(self, door: Door) -> None:
        api, self._door = self._api_client, door
        _start_streams_here(self._models, self._aio.models)
        if _bypasses_httpx(api):
            raise ConfigError("spaturzu: this Client sends through google-auth's mTLS session, which cannot be tracked")
        api._httpx_client = track(api._httpx_client, door)
        api._async_httpx_client = track_async(api._async_httpx_client, door)
        if api._use_aiohttp():
            api._http_options = api._http_options.model_copy(update={"httpx_async_client": api._async_httpx_client})
        if door.chain().is_bounded:
            api._retry, api._async_retry = _once(api._retry), _once(api._async_retry)


class Client(_Client, _genai.Client):
    """`google.genai.Client` that falls back: `Client(spaturzu={"fallback": [...]})`. Raises ConfigError.

    One client serves sync and async (`client.aio`) callers, so its targets must serve sync ones.
    """

    def __init__(self, *args: Any, spaturzu: Options | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # pyright: ignore[reportUnknownMemberType]
        native = _native(self._api_client)
        self._leave_by(make_door("gemini", native, spaturzu, sync_caller=True))


def _start_streams_here(models: Any, async_models: Any) -> None:
    """google-genai sends a stream's request when the stream is first read: by then its maker's run may be over.

    So its frame is noted when it is made, and entered for each step (google-genai 3.4 [S]).
    """
    generate, agenerate = models.generate_content_stream, async_models.generate_content_stream

    @wraps(generate)
    def generate_content_stream(*args: Any, **kwargs: Any) -> Iterator[Any]:
        return _within(get_current_frame(), generate(*args, **kwargs))

    @wraps(agenerate)
    async def generate_content_stream_async(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        frame = get_current_frame()
        return _awithin(frame, await agenerate(*args, **kwargs))

    models.generate_content_stream = generate_content_stream
    async_models.generate_content_stream = generate_content_stream_async


def _within(frame: RunFrame | None, chunks: Any) -> Iterator[Any]:
    with closing(chunks):
        while True:
            with inside(frame):
                chunk = next(chunks, _END)
            if chunk is _END:
                return
            yield chunk


async def _awithin(frame: RunFrame | None, chunks: Any) -> AsyncIterator[Any]:
    async with aclosing(chunks):
        while True:
            with inside(frame):
                chunk = await anext(chunks, _END)
            if chunk is _END:
                return
            yield chunk


_END: Any = object()


def _native(api: Any) -> Native:
    options = api._http_options.retry_options
    retries = 1 if options is None else (options.attempts or 5) - 1
    return Native(
        status_error=_status_error,
        transport_error=lambda exc, _: exc,
        stream_error=_stream_error,
        max_retries=lambda: retries,
    )


def _stream_error(response: Any) -> Exception | None:
    """As google-genai raises a chunk that is an error (google-genai 3.4 [S])."""
    chunk = json.loads(response.text.removeprefix("data: "))
    code = chunk.get("error", {}).get("code")
    try:
        _untyped(_errors.APIError).raise_error(code if isinstance(code, int) else 500, chunk, response)
    except _errors.APIError as error:
        return error
    return None


def _status_error(response: Any) -> Exception:
    """As google-genai raises it: ClientError or ServerError."""
    try:
        _errors.APIError.raise_for_response(response)  # pyright: ignore[reportUnknownMemberType]
    except _errors.APIError as error:
        return error
    raise AssertionError("raise_for_response raises on every status but 200")


def _once(retrying: Any) -> Any:
    """The same tenacity strategy, for one attempt: the chain has been walked already."""
    from tenacity import stop_after_attempt

    return retrying.copy(stop=stop_after_attempt(1))


def _bypasses_httpx(api: Any) -> bool:
    checks = (getattr(api, name, None) for name in ("_use_google_auth_sync", "_use_google_auth_async"))
    return any(check() for check in checks if check is not None)


def _sharing(client: Any, cls: type[Any], door: Door) -> Any:
    """A client of `cls` with `client`'s settings and connections that leaves by `door`."""
    api, clone = copy.copy(client._api_client), copy.copy(client)
    shared = {"httpx_client": api._httpx_client, "httpx_async_client": api._async_httpx_client}
    api._http_options = api._http_options.model_copy(update=shared)
    clone.__class__ = cls
    clone._api_client, clone._origin = api, client
    clone._models, clone._aio = type(client._models)(api), type(client._aio)(api)
    clone._leave_by(door)
    return clone


def _untyped(value: Any) -> Any:
    """`value`, whose private parts are ours to use here (docs/compatibility.md lists them)."""
    return value


def _over_duck(client: Any) -> Any:
    """A client of the SDK whose transport is one that only has `models.generate_content`."""
    from .tracked.duck import http_clients, require

    duck, made = require(client, "gemini"), _untyped(_genai.Client)(api_key="held-by-the-wrapped-client")
    api = made._api_client
    api._httpx_client, api._async_httpx_client = http_clients(duck, family_of(api._httpx_client))
    return made


def wrap(client: Any, options: Options, instance: Spaturzu) -> Any:
    """`Spaturzu.wrap_google`."""
    raw = client if isinstance(client, _genai.Client) else _over_duck(client)
    client, over = _untyped(raw), door_before(raw)
    door = make_door("gemini", _native(client._api_client), options, sync_caller=True, instance=instance, over=over)
    return _sharing(client, subclassed(_Client, class_of(client)), door)


def __getattr__(name: str) -> Any:
    """Everything else of `google.genai`."""
    return getattr(_genai, name)
