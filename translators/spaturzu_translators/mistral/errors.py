"""Errors: replies and the frame inside a stream. Source: providers.md sections 5.7, 5.8 and 7, 2026-11-22.

`{"object": "error", "message", "type", "param", "code"}`, `{"detail": str | [..]}`, or a gateway's own text.
"""

from __future__ import annotations

import re
from typing import cast

from ..failures import CONTEXT_OVERFLOW, ErrorReply, Failure, FailureKind, kind_of_status, retry_after_s
from ..messages import JSON, JSONObject

_TYPES: dict[str, FailureKind] = {
    "rate_limited": "rate_limit",
    "1300": "rate_limit",
    "service_tier_capacity_exceeded": "overloaded",
    "3505": "overloaded",
    "invalid_model": "not_found",
    "1500": "not_found",
    "internal_server_error": "server",
    "1000": "server",
    "invalid_request_message_order": "bad_request",
    "3230": "bad_request",
    "invalid_function_call": "bad_request",
    "3280": "bad_request",
    "invalid_request_invalid_args": "bad_request",
    "invalid_request_error": "bad_request",
}
"""What the provider's `type` or `code` says; it comes before the status."""

_SAYS: tuple[tuple[frozenset[int], re.Pattern[str], FailureKind], ...] = (
    (frozenset({200, 429, 503}), re.compile(r"service tier capacity exceeded", re.IGNORECASE), "overloaded"),
    (
        frozenset({200, 429}),
        re.compile(r"\b(monthly|usage limit|quota|billing|credits?|payment)\b", re.IGNORECASE),
        "quota_exhausted",
    ),
    (frozenset({200, 400, 413, 422}), re.compile(CONTEXT_OVERFLOW, re.IGNORECASE), "context_overflow"),
    (frozenset({200, 403}), re.compile(r"guardrail|moderation|content[_ ]polic", re.IGNORECASE), "content_policy"),
)
"""What the text says, at which statuses (200: inside a stream)."""

_REPLIES: dict[FailureKind, tuple[int, str, str | None, str]] = {
    "rate_limit": (429, "rate_limited", "1300", "Rate limit exceeded"),
    "quota_exhausted": (402, "payment_required", None, "The quota of this account is used up"),
    "overloaded": (503, "service_tier_capacity_exceeded", "3505", "Service tier capacity exceeded for this model."),
    "server": (500, "internal_server_error", "1000", "The server failed"),
    "timeout": (504, "timeout", None, "The model did not answer in time"),
    "connection": (502, "bad_gateway", None, "The model could not be reached"),
    "context_overflow": (400, "invalid_request_invalid_args", "3051", "The input is too long for this model"),
    "content_policy": (403, "guardrail_violation", None, "The content was stopped by a content policy"),
    "auth": (401, "unauthorized", None, "Unauthorized"),
    "permission": (403, "forbidden", None, "Forbidden"),
    "not_found": (404, "invalid_model", "1500", "Not found"),
    "bad_request": (400, "invalid_request_invalid_args", "3051", "Invalid request"),
    "cancelled": (499, "cancelled", None, "The request was cancelled"),
}
"""Status, type, code and a neutral text for each kind."""


def decode_error(reply: ErrorReply) -> Failure:
    """Why the call failed. Total: any body, HTML and nothing included."""
    body = _object(reply.body)
    message = _message(reply.body)
    words = (_word(body.get("code")), _word(body.get("type")))
    return Failure(
        kind=_kind(_status(reply.status, body), words, message),
        status=reply.status,
        code=words[0] or words[1],
        retry_after_s=retry_after_s(reply.headers),
        message=message,
    )


def decode_stream_error(frame: JSONObject) -> Failure:
    """The error that a frame is; the stream's own status was 200."""
    return decode_error(ErrorReply(status=200, body=frame))


def is_error(frame: JSONObject) -> bool:
    """Is this frame of a stream an error?"""
    return frame.get("object") == "error" or ("choices" not in frame and ("message" in frame or "detail" in frame))


def _object(body: JSON) -> JSONObject:
    return cast(JSONObject, body) if isinstance(body, dict) else {}


def _status(status: int, body: JSONObject) -> int:
    """Inside a stream the body may know the status that a plain reply would have had."""
    raw = body.get("raw_status_code")
    return raw if status == 200 and isinstance(raw, int) else status


def _kind(status: int, words: tuple[str | None, str | None], message: str) -> FailureKind:
    for statuses, pattern, kind in _SAYS:
        if status in statuses and (pattern.search(message) or pattern.search(words[1] or "")):
            return kind
    for word in words:
        if word is not None and word in _TYPES:
            return _TYPES[word]
    return kind_of_status(status)


def _word(value: JSON) -> str | None:
    """A code or type; codes come as text or as numbers."""
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) and value != "" else None


def _message(body: JSON) -> str:
    """The provider's text, from wherever it stands."""
    match body:
        case str():
            return body
        case {"message": str(text)} | {"detail": str(text)} | {"message": {"detail": str(text)}}:
            return text
        case {"detail": [{"msg": str(text)}, *_]} | {"message": {"detail": [{"msg": str(text)}, *_]}}:
            return text
        case _:
            return ""


def encode_error(failure: Failure) -> ErrorReply:
    """A reply from which the SDK raises `SDKError` with its status (`HTTPValidationError` for 422)."""
    status = _status_of(failure)
    headers = {"content-type": "application/json"}
    if failure.retry_after_s is not None:
        headers["retry-after"] = f"{failure.retry_after_s:.3f}".rstrip("0").rstrip(".")
    if status == 422:
        detail: JSONObject = {"type": "value_error", "loc": ["body"], "msg": _REPLIES[failure.kind][3]}
        return ErrorReply(status=status, headers=headers, body={"detail": [detail]})
    return ErrorReply(status=status, headers=headers, body=encode_stream_error(failure))


def encode_stream_error(failure: Failure) -> JSONObject:
    """The frame from which the SDK raises `ResponseValidationError` (status 200, the frame in its body)."""
    _, kind, code, message = _REPLIES[failure.kind]
    return {"object": "error", "message": message, "type": kind, "param": None, "code": code}


def _status_of(failure: Failure) -> int:
    """The failure's own status where it says the same as its kind."""
    status = failure.status or 0
    return status if 400 <= status < 600 and kind_of_status(status) == failure.kind else _REPLIES[failure.kind][0]
