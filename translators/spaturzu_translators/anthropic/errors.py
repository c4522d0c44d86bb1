"""Errors of the messages API, both ways, also inside a stream.

Source: providers.md 2.8 and 7 (rows 12 to 22), 2026-11-22.
"""

from __future__ import annotations

import re
from typing import cast

from ..failures import CONTEXT_OVERFLOW, ErrorReply, Failure, FailureKind, kind_of_status, retry_after_s
from ..messages import JSON, JSONObject

_CODES: dict[str, FailureKind] = {
    "contract_spend_limit_reached": "quota_exhausted",
    "enforced_spend_limit_reached": "quota_exhausted",
    "ramp_limit_exceeded": "rate_limit",
    "organization_on_hold": "permission",
    "compaction_unavailable": "overloaded",
}
"""By `error.details.error_code`, which is finer than the type."""

_TYPES: dict[str, FailureKind] = {
    "invalid_request_error": "bad_request",
    "authentication_error": "auth",
    "billing_error": "quota_exhausted",
    "permission_error": "permission",
    "not_found_error": "not_found",
    "rate_limit_error": "rate_limit",
    "timeout_error": "timeout",
    "overloaded_error": "overloaded",
    "conflict_error": "server",
    "request_too_large": "context_overflow",
}

_STATUSES: dict[int, FailureKind] = {499: "cancelled", 503: "server"}
"""Where a status means something else here: 503 is a proxy that lost the server, for 529 says overloaded."""

_SHOULD_RETRY = {"true": True, "false": False}

_MESSAGES: tuple[tuple[re.Pattern[str], FailureKind], ...] = (
    (re.compile(CONTEXT_OVERFLOW, re.IGNORECASE), "context_overflow"),
    (re.compile(r"credit balance|spend(?:ing)? limit|usage limits?\b", re.IGNORECASE), "quota_exhausted"),
    (re.compile(r"content filtering policy", re.IGNORECASE), "content_policy"),
)
"""What an `invalid_request_error` says when it is none: a customer's own spend limit is a plain 400."""


def decode_error(reply: ErrorReply) -> Failure:
    """The failure behind an error reply. A body that is no envelope (a proxy's page) counts by its status."""
    error = _error(reply.body)
    code = _code(error)
    return Failure(
        kind=_kind(error, reply.status),
        status=reply.status,
        code=code,
        retry_after_s=retry_after_s(reply.headers),
        should_retry=_SHOULD_RETRY.get(reply.headers.get("x-should-retry", "")),
        message=_text(error.get("message")) or (reply.body if isinstance(reply.body, str) else ""),
    )


def decode_error_event(frame: JSONObject) -> Failure:
    """The failure behind an `error` event of a stream, which has no status of its own."""
    error = _error(frame)
    return Failure(kind=_kind(error, None), code=_code(error), message=_text(error.get("message")))


def _error(body: JSON) -> JSONObject:
    error: JSON = cast(JSONObject, body).get("error") if isinstance(body, dict) else None
    return cast(JSONObject, error) if isinstance(error, dict) else {}


def _text(value: JSON) -> str:
    return value if isinstance(value, str) else ""


def _details_code(error: JSONObject) -> str:
    details: JSON = error.get("details")
    return _text(cast(JSONObject, details).get("error_code")) if isinstance(details, dict) else ""


def _code(error: JSONObject) -> str | None:
    return _details_code(error) or _text(error.get("type")) or None


def _kind(error: JSONObject, status: int | None) -> FailureKind:
    kind = _CODES.get(_details_code(error)) or _kind_of_type(error)
    if status in _STATUSES and (kind is None or status == 499):
        return _STATUSES[status]
    return kind or ("server" if status is None else kind_of_status(status))


def _kind_of_type(error: JSONObject) -> FailureKind | None:
    kind = _TYPES.get(_text(error.get("type")))
    if kind == "bad_request":
        return _kind_of_message(_text(error.get("message")))
    return kind


def _kind_of_message(message: str) -> FailureKind:
    for pattern, kind in _MESSAGES:
        if pattern.search(message):
            return kind
    return "bad_request"


_REPLIES: dict[FailureKind, tuple[int, str, str]] = {
    "rate_limit": (429, "rate_limit_error", "The rate limit is reached."),
    "quota_exhausted": (402, "billing_error", "The quota is used up."),
    "overloaded": (529, "overloaded_error", "Overloaded"),
    "server": (500, "api_error", "Internal server error"),
    "timeout": (504, "timeout_error", "The request timed out."),
    "connection": (500, "api_error", "The connection failed."),
    "context_overflow": (400, "invalid_request_error", "prompt is too long"),
    "content_policy": (400, "invalid_request_error", "Output blocked by content filtering policy"),
    "auth": (401, "authentication_error", "The credentials are not valid."),
    "permission": (403, "permission_error", "The credentials do not allow this."),
    "not_found": (404, "not_found_error", "Not found"),
    "bad_request": (400, "invalid_request_error", "The request is not valid."),
    "cancelled": (499, "api_error", "The request was cancelled."),
}
"""Status, type and a message of our own: a provider's text may echo secrets."""


def encode_error(failure: Failure) -> ErrorReply:
    """A reply that makes the SDK raise the class for this kind."""
    status, kind, message = _REPLIES[failure.kind]
    headers = {"content-type": "application/json"}
    if failure.retry_after_s is not None:
        headers["retry-after"] = f"{failure.retry_after_s:g}"
    return ErrorReply(status=status, headers=headers, body=_envelope(kind, message))


def encode_error_event(failure: Failure) -> JSONObject:
    """The same inside a stream."""
    _, kind, message = _REPLIES[failure.kind]
    return _envelope(kind, message)


def _envelope(kind: str, message: str) -> JSONObject:
    return {"type": "error", "error": {"type": kind, "message": message, "details": None}, "request_id": None}
