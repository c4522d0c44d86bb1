"""`client.chat.complete` and `client.chat.stream`, and their `_async` twins."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from spaturzu_translators.failures import ErrorReply
from spaturzu_translators.messages import JSON, JSONObject
from spaturzu_translators.requests import WireRequest

from . import Sdk
from .common import accepts, header_names_lowered, itself, one_retry, to_dict


def prepare(client: Any, wire: WireRequest, timeout_s: float | None, as_async: bool) -> Callable[[], Any]:
    """The bound method; `retries=None` overrides a retry policy of the client's own."""
    name = ("stream" if wire.stream else "complete") + ("_async" if as_async else "")
    method = getattr(client.chat, name, None) or getattr(client.chat, name.removesuffix("_async"))
    kwargs = {key: value for key, value in wire.body.items() if key != "stream"}
    if accepts(method, "retries"):
        kwargs["retries"] = None
    if timeout_s is not None and accepts(method, "timeout_ms"):
        kwargs["timeout_ms"] = max(1, int(timeout_s * 1000))
    return partial(method, **kwargs)


def frame(event: Any) -> JSONObject:
    """The chunk inside a CompletionEvent."""
    return to_dict(getattr(event, "data", event))


def error(exc: BaseException) -> ErrorReply | None:
    """SDKError and its kin: `.body` is text. ResponseValidationError in a stream has status 200."""
    status = getattr(exc, "status_code", None)
    if not isinstance(status, int):
        return None
    headers = header_names_lowered(getattr(exc, "headers", None))
    return ErrorReply(status=status, headers=headers, body=_parsed(getattr(exc, "body", "")))


def _parsed(body: JSON) -> JSON:
    """A stream's error is quoted as the SDK's own event, `{"data": {"object": "error", ...}}`."""
    if not isinstance(body, str):
        return body
    try:
        match json.loads(body):
            case {"data": {"object": "error"} as frame}:
                return frame
            case parsed:
                return parsed
    except (ValueError, RecursionError):
        return body


def is_async(client: Any) -> bool:
    """One client serves both."""
    return False


def serves_async(client: Any) -> bool:
    """Has it the `_async` methods? A sync-only double does not."""
    return hasattr(client.chat, "complete_async")


SDK = Sdk(
    method="chat.complete",
    prepare=prepare,
    body=to_dict,
    frame=frame,
    stream=itself,
    error=error,
    single=itself,
    max_retries=one_retry,
    is_async=is_async,
    serves_async=serves_async,
)
