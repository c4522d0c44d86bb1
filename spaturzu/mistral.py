"""The Mistral drop-in: `from spaturzu.mistral import Mistral`. All other names are those of `mistralai.client`."""

from __future__ import annotations

import copy
from functools import partial
from typing import TYPE_CHECKING, Any, Self

import mistralai.client as _mistralai
from mistralai.client import errors as _errors
from mistralai.client import models as _models
from mistralai.client.utils import match_response
from mistralai.client.utils.eventstreaming import EventStream
from mistralai.client.utils.unmarshal_json_response import unmarshal_json_response

from .dropin import DropIn, Options, class_of, door_before, make_door, subclassed
from .tracked.door import Native, raised_by
from .tracked.http import family_of, track, track_async

if TYPE_CHECKING:
    from .instance import Spaturzu
    from .tracked.door import Door


class _Mistral(DropIn):
    sdk_configuration: Any
    _origin: Any = None
    """The client that this one shares connections with: it closes them when it is collected, so it is kept."""

    def _clone(self, door: Door) -> Self:
        return _sharing(self, type(self), door)

    def _leave_by(self, door: Door) -> None:
        settings, self._door = self.sdk_configuration, door
        settings.client = track(settings.client, door)
        settings.async_client = track_async(settings.async_client, door)


class Mistral(_Mistral, _mistralai.Mistral):
    """`mistralai.client.Mistral` that falls back: `Mistral(spaturzu={"fallback": [...]})`. Raises ConfigError.

    One client serves sync and async (`complete_async`) callers, so its targets must serve sync ones.
    """

    def __init__(self, *args: Any, spaturzu: Options | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._leave_by(make_door("mistral", NATIVE, spaturzu, sync_caller=True))


def _status_error(response: Any) -> Exception:
    """As mistralai raises it: HTTPValidationError for a 422 in JSON, else SDKError."""
    if not match_response(response, "422", "application/json"):
        return _errors.SDKError("API error occurred", response, response.text)
    try:
        data = unmarshal_json_response(_errors.HTTPValidationErrorData, response, response.text)
    except _errors.ResponseValidationError as error:
        return error
    return _errors.HTTPValidationError(data, response, response.text)


def _stream_error(response: Any) -> Exception | None:
    """What mistralai's stream raises of an event that is no chunk."""
    read = partial(unmarshal_json_response, _models.CompletionEvent, response)
    return raised_by(EventStream(response, read, sentinel="[DONE]"))


NATIVE = Native(
    status_error=_status_error,
    transport_error=lambda exc, _: exc,
    stream_error=_stream_error,
    max_retries=lambda: 1,
)
"""mistralai leaves transport errors as they are, and retries only where asked; the router's one retry stays."""


def _sharing(client: Any, cls: type[Any], door: Door) -> Any:
    """A client of `cls` with `client`'s settings and connections that leaves by `door`."""
    clone: Any = object.__new__(cls)
    lazy: set[str] = set(getattr(client, "_sub_sdk_map", ()))
    clone.__dict__.update({name: value for name, value in client.__dict__.items() if name not in lazy})
    clone.sdk_configuration = copy.copy(client.sdk_configuration)
    clone._origin = client
    clone._leave_by(door)
    return clone


def _over_duck(client: Any) -> Any:
    """A client of the SDK whose transport is one that only has `chat.complete`."""
    from .tracked.duck import http_clients, require

    duck, made = require(client, "mistral"), _mistralai.Mistral(api_key="held-by-the-wrapped-client")
    settings: Any = made.sdk_configuration
    settings.client, settings.async_client = http_clients(duck, family_of(settings.client))
    return made


def wrap(client: Any, options: Options, instance: Spaturzu) -> Any:
    """`Spaturzu.wrap_mistral`."""
    if not isinstance(client, _mistralai.Mistral):
        client = _over_duck(client)
    over = door_before(client)
    door = make_door("mistral", NATIVE, options, sync_caller=True, instance=instance, over=over)
    return _sharing(client, subclassed(_Mistral, class_of(client)), door)


def __getattr__(name: str) -> Any:
    """Everything else of `mistralai.client`."""
    return getattr(_mistralai, name)
