"""`client.messages.create`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from spaturzu_translators.failures import ErrorReply
from spaturzu_translators.messages import JSONObject
from spaturzu_translators.requests import WireRequest

from . import Sdk
from .common import (
    async_by,
    creating,
    header_names_lowered,
    itself,
    knowing_urls,
    said_retries,
    to_dict,
    without_retries,
)
from .openai import bound

DEFAULT_TIMEOUT_S = 600.0
"""The SDK's own. Given explicitly, it lifts the SDK's guard on long plain answers (providers.md 2.2, 2026-11-22)."""

_VERSION = "anthropic_version"


def prepare(client: Any, wire: WireRequest, timeout_s: float | None, as_async: bool) -> Callable[[], Any]:
    """The bound `create`."""
    if _VERSION in wire.body:
        wire = replace(wire, body=_at_home(wire))
    return bound(creating(client.messages, stream=wire.stream), wire, timeout_s or _timeout_of(client))


def _at_home(wire: WireRequest) -> JSONObject:
    """The body of a caller on Google Cloud: its path has the model there, and each client says its own version."""
    return {"model": wire.model, **{name: value for name, value in wire.body.items() if name != _VERSION}}


def _timeout_of(client: Any) -> Any:
    return getattr(client, "timeout", None) or DEFAULT_TIMEOUT_S


def error(exc: BaseException) -> ErrorReply | None:
    """APIStatusError; a stream's error event is one with status 200. Its body is the whole envelope."""
    status = getattr(exc, "status_code", None)
    if not isinstance(status, int):
        return None
    response = getattr(exc, "response", None)
    return ErrorReply(
        status=status, headers=header_names_lowered(getattr(response, "headers", None)), body=getattr(exc, "body", None)
    )


def silent(client: Any) -> Any:
    """anthropic 2.12 makes a span for each call unless told not to [S]; older ones take no such option."""
    return knowing_urls(client.with_options(open_telemetry=False)) if hasattr(client, "open_telemetry") else client


SDK = Sdk(
    method="messages.create",
    prepare=prepare,
    body=to_dict,
    frame=to_dict,
    stream=itself,
    error=error,
    single=without_retries,
    silent=silent,
    max_retries=said_retries,
    is_async=async_by("messages.create"),
    serves_async=async_by("messages.create"),
)
