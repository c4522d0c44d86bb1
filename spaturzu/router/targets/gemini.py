"""`client.models.generate_content` and `generate_content_stream`; `client.aio.models` for async callers."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import partial
from typing import Any, cast

from spaturzu_translators.failures import ErrorReply
from spaturzu_translators.messages import JSONObject
from spaturzu_translators.requests import WireRequest

from . import Sdk
from .common import header_names_lowered, itself, one_retry, parsed_json, resolve

FLATTENED = ("generationConfig",)
"""The REST body nests these; the SDK's config has their keys at its top."""


def prepare(client: Any, wire: WireRequest, timeout_s: float | None, as_async: bool) -> Callable[[], Any]:
    """The bound method. The SDK's own retries are off, and so is the running of Python tools."""
    models = client.aio.models if as_async and hasattr(client, "aio") else client.models
    method = models.generate_content_stream if wire.stream else models.generate_content
    config = _config(wire.body, _http_options(client, timeout_s))
    if type(models).__module__.startswith("google.genai"):
        config = _validated(models, config if wire.stream else {**config, "shouldReturnHttpResponse": True})
    return partial(method, model=wire.model, contents=wire.body.get("contents", []), config=config)


def _validated(models: Any, config: JSONObject) -> Any:
    """The SDK's own object of it, which would be made of it twice (google-genai 3.4 [S]).

    A plain answer is asked for raw: nobody needs the SDK's objects of that.
    """
    types: Any = sys.modules[type(models).__module__].types
    return types.GenerateContentConfig.model_validate(config)


_MISSING: Any = object()


def _http_options(client: Any, timeout_s: float | None) -> JSONObject:
    """Retries are ended where the client was asked for some; unasked it makes none (google-genai 2.34, 3.4 [S])."""
    http: JSONObject = {}
    if getattr(resolve(client, "_api_client._http_options"), "retry_options", _MISSING) is not None:
        http["retryOptions"] = {"attempts": 1}
    if timeout_s is not None:
        http["timeout"] = max(1, int(timeout_s * 1000))
    return http


def _config(body: JSONObject, http: JSONObject) -> JSONObject:
    config: JSONObject = {"automaticFunctionCalling": {"disable": True}}
    if http:
        config["httpOptions"] = http
    for name, value in body.items():
        if name in FLATTENED:
            config.update(value)
        elif name not in ("contents", "model"):
            config[name] = value
    return config


def to_dict(answer: Any) -> JSONObject:
    """A GenerateContentResponse as REST JSON (camelCase, bytes as base64). Dicts stand for themselves."""
    if isinstance(answer, dict):
        return cast("JSONObject", answer)
    raw = getattr(getattr(answer, "sdk_http_response", None), "body", None)
    if raw is not None:
        return parsed_json(raw)
    unsaid = {"sdk_http_response", "parsed", "automatic_function_calling_history"}
    return cast("JSONObject", answer.model_dump(mode="json", by_alias=True, exclude_none=True, exclude=unsaid))


def error(exc: BaseException) -> ErrorReply | None:
    """APIError: `.code` is the HTTP status, `.details` the parsed body."""
    status = getattr(exc, "code", None)
    if not isinstance(status, int):
        return None
    headers = header_names_lowered(getattr(getattr(exc, "response", None), "headers", None))
    return ErrorReply(status=status, headers=headers, body=getattr(exc, "details", None))


def is_async(client: Any) -> bool:
    """One client serves both; only a bare `client.aio` is async alone."""
    return type(client).__name__ == "AsyncClient"


def serves_async(client: Any) -> bool:
    """Has it an async side?"""
    return is_async(client) or hasattr(client, "aio")


SDK = Sdk(
    method="models.generate_content",
    prepare=prepare,
    body=to_dict,
    frame=to_dict,
    stream=itself,
    error=error,
    single=itself,
    max_retries=one_retry,
    is_async=is_async,
    serves_async=serves_async,
)
