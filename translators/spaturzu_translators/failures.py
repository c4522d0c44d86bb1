"""Why a call failed, on one scale for all providers, and how long the provider asked to wait."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Literal, TypeAlias

from .messages import JSON

FailureKind: TypeAlias = Literal[
    "rate_limit",
    "quota_exhausted",
    "overloaded",
    "server",
    "timeout",
    "connection",
    "context_overflow",
    "content_policy",
    "auth",
    "permission",
    "not_found",
    "bad_request",
    "cancelled",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorReply:
    """An error as it stands on the wire: header names in lower case, `body` parsed JSON or the raw text."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: JSON = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """`code` is the provider's own word for it. `retry_after_s` and `should_retry` are what the provider asked for.

    `message` is the provider's text: it may echo secrets, so it never enters notes, records or spans.
    """

    kind: FailureKind
    status: int | None = None
    code: str | None = None
    retry_after_s: float | None = None
    should_retry: bool | None = None
    message: str = ""


STATUS_KINDS: dict[int, FailureKind] = {
    400: "bad_request",
    401: "auth",
    402: "quota_exhausted",
    403: "permission",
    404: "not_found",
    408: "timeout",
    409: "server",
    413: "context_overflow",
    422: "bad_request",
    424: "server",
    425: "server",
    429: "rate_limit",
    499: "cancelled",
    503: "overloaded",
    504: "timeout",
    529: "overloaded",
}


def kind_of_status(status: int) -> FailureKind:
    """The kind where nothing but the status is known: 4xx we do not know stop, 5xx are the server's."""
    return STATUS_KINDS.get(status) or ("server" if status >= 500 or status < 400 else "bad_request")


CONTEXT_OVERFLOW = (
    r"prompt is too long|maximum context length|context[_ ]length[_ ]exceeded|exceeds the context window"
    r"|input is too long|input token count.*exceeds the maximum|too large for model with \d+ maximum"
)
"""What providers write when the input does not fit (providers.md section 7, 2026-11-22). Case does not count."""


def retry_after_s(headers: Mapping[str, str], *, now: float | None = None) -> float | None:
    """Seconds to wait by any spelling of Retry-After: ms headers, seconds, fractions or an HTTP date.

    Header names are lower case. A negative, infinite or unreadable value counts as not given.
    """
    for name in ("retry-after-ms", "x-ms-retry-after-ms", "x-amz-retry-after"):
        if (seconds := _finite(headers.get(name, ""), 0.001)) is not None:
            return seconds
    value = headers.get("retry-after")
    if value is None:
        return None
    seconds = _finite(value, 1.0)
    return seconds if seconds is not None else _until_date(value, time.time() if now is None else now)


def _finite(value: str, unit: float) -> float | None:
    try:
        seconds = float(value) * unit
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _until_date(value: str, now: float) -> float | None:
    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now)
    except (ValueError, TypeError, OverflowError):
        return None
