"""What the five SDKs have in common."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from types import SimpleNamespace
from typing import Any, cast

from spaturzu_translators.codec import BadWire, as_object
from spaturzu_translators.messages import JSONObject


def has_async_name(client: object) -> bool:
    """AsyncOpenAI, AsyncAnthropic, AioBaseClient and their subclasses say so in a class's name."""
    return any(cls.__name__.startswith(("Async", "Aio")) for cls in type(client).__mro__)


def async_by(method: str) -> Callable[[Any], bool]:
    """Is a client async: by its class's name, or, duck-typed, by its method?"""
    return lambda client: has_async_name(client) or inspect.iscoroutinefunction(resolve(client, method))


def resolve(client: Any, dotted: str) -> Any:
    """`client.a.b.c`; None where it is missing."""
    found = client
    for name in dotted.split("."):
        found = getattr(found, name, None)
    return found


def creating(resource: Any, *, stream: bool) -> Any:
    """The `create` of an SDK's resource. A plain answer is asked for raw: nobody needs the SDK's objects of it."""
    own = type(resource).__module__.partition(".")[0] in ("openai", "anthropic")
    return resource.with_raw_response.create if own and not stream else resource.create


def _plain_function(method: Any) -> Any:
    """What is behind a bound or wrapped method: one per class, so that it can be a cache's key."""
    while (inner := getattr(method, "__wrapped__", None)) is not None:
        method = inner
    return getattr(method, "__func__", method)


@cache
def _accepted(function: Any) -> frozenset[str] | None:
    """The keyword names that `function` takes; None for any."""
    parameters = inspect.signature(function).parameters.values()
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return None
    return frozenset(parameter.name for parameter in parameters)


def split_known(method: Any, kwargs: JSONObject) -> tuple[JSONObject, JSONObject]:
    """The arguments that `method` names, and the rest (a key newer or older than the installed SDK)."""
    accepted = _accepted(_plain_function(method))
    if accepted is None:
        return kwargs, {}
    known = {name: value for name, value in kwargs.items() if name in accepted}
    return known, {name: value for name, value in kwargs.items() if name not in accepted}


def accepts(method: Any, name: str) -> bool:
    """Does `method` take the keyword `name`?"""
    accepted = _accepted(_plain_function(method))
    return accepted is None or name in accepted


def to_dict(value: Any) -> JSONObject:
    """An SDK's answer as the JSON that it was read from: its set fields, nested. Dicts stand for themselves."""
    if isinstance(value, Mapping):
        return cast("JSONObject", value)
    if hasattr(value, "http_response"):
        return parsed_json(value.http_response.content)
    if isinstance(value, SimpleNamespace):
        return {name: _plain(item) for name, item in vars(value).items()}
    if not hasattr(value, "model_dump"):
        raise BadWire(f"the answer: expected an object, found {type(value).__name__}")  # as of a proxy's page
    return cast("JSONObject", value.model_dump(mode="json", by_alias=True, exclude_unset=True, warnings=False))


def parsed_json(content: bytes | str) -> JSONObject:
    """A raw answer's JSON. Raises BadWire on a proxy's page or half a body."""
    try:
        return as_object(json.loads(content), "the answer")
    except (ValueError, RecursionError) as error:
        raise BadWire(f"the answer: not a JSON object, {len(content)} bytes") from error


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in cast("list[Any]", value)]
    return to_dict(value) if isinstance(value, SimpleNamespace) else value


def itself(value: Any) -> Any:
    """For SDKs whose streamed answer is the iterable."""
    return value


def said_retries(client: Any) -> int:
    """The client's `max_retries`; 2, as in the SDKs, where it does not say."""
    said = getattr(client, "max_retries", None)
    return said if isinstance(said, int) else 2


def one_retry(client: Any) -> int:
    """SDKs that retry only where asked leave the router its one."""
    return 1


def without_retries(client: Any) -> Any:
    """A copy that leaves retries to the router and shares the connection pool; a client without the option as it is."""
    with_options = getattr(client, "with_options", None)
    return client if with_options is None else knowing_urls(with_options(max_retries=0))


def knowing_urls(client: Any) -> Any:
    """`client`, a copy of our own, which makes each URL once: the SDKs parse it anew for each call, for 20 us and more.

    Nobody else has it, so its base URL stays as it is (`_prepare_url` of openai 2.46 to 3.54, anthropic 0.125 to 2.12
    [S]; where there is none, nothing changes).
    """
    prepare = getattr(client, "_prepare_url", None)
    if prepare is not None:
        client._prepare_url = lru_cache(maxsize=64)(prepare)
    return client


def header_names_lowered(headers: Any) -> dict[str, str]:
    """Any SDK's headers as a plain dict."""
    return {str(name).lower(): str(value) for name, value in dict(headers or {}).items()}
