"""`client.chat.completions.create`. Arguments newer than the installed SDK go through `extra_body`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, cast

from spaturzu_translators.failures import ErrorReply
from spaturzu_translators.messages import JSON
from spaturzu_translators.requests import WireRequest

from . import Sdk
from .common import (
    accepts,
    async_by,
    creating,
    header_names_lowered,
    itself,
    said_retries,
    split_known,
    to_dict,
    without_retries,
)


def prepare(client: Any, wire: WireRequest, timeout_s: float | None, as_async: bool) -> Callable[[], Any]:
    """The bound `create`."""
    return bound(creating(client.chat.completions, stream=wire.stream), wire, timeout_s)


def bound(create: Any, wire: WireRequest, timeout_s: float | None) -> Callable[[], Any]:
    """`create` with the wire's keys as arguments; unnamed ones in `extra_body`."""
    known, rest = split_known(create, wire.body)
    if rest:
        known = {**known, "extra_body": rest}
    if timeout_s is not None and accepts(create, "timeout"):
        known = {**known, "timeout": timeout_s}
    return partial(create, **known)


def error(exc: BaseException) -> ErrorReply | None:
    """APIStatusError, and the bare APIError that a stream raises (no status: it came on a 200).

    APIConnectionError is an APIError too, but has nothing for its body.
    """
    body, status = getattr(exc, "body", None), getattr(exc, "status_code", None)
    if body is None and status is None:
        return None
    response = getattr(exc, "response", None)
    inner = cast("JSON", body) if isinstance(body, dict) else {"message": str(exc)}
    return ErrorReply(
        status=200 if status is None else status,
        headers=header_names_lowered(getattr(response, "headers", None)),
        body={"error": inner},
    )


SDK = Sdk(
    method="chat.completions.create",
    prepare=prepare,
    body=to_dict,
    frame=to_dict,
    stream=itself,
    error=error,
    single=without_retries,
    max_retries=said_retries,
    is_async=async_by("chat.completions.create"),
    serves_async=async_by("chat.completions.create"),
)
