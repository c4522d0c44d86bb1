"""Gemini errors: `{"error": {code, message, status, details}}`; `code` is the HTTP status, `status` a gRPC name.

In a stream the same object stands in an event. Source: providers.md 4.8 and rows 35 to 42 of section 7, 2026-11-22.
"""

from __future__ import annotations

import re
from typing import cast

from ..failures import CONTEXT_OVERFLOW, ErrorReply, Failure, FailureKind, kind_of_status, retry_after_s
from ..messages import JSON, JSONObject

_OVERFLOW = re.compile(CONTEXT_OVERFLOW, re.IGNORECASE)
_BILLING = re.compile(r"billing|prepay|credits", re.IGNORECASE)
_BAD_KEY = re.compile(r"api key (?:not valid|expired|not found)", re.IGNORECASE)
_ELSEWHERE = re.compile(r"location is not supported", re.IGNORECASE)
_RETRY_IN = re.compile(r"retry in (\d+(?:\.\d+)?)s")
_SECONDS = re.compile(r"(\d+(?:\.\d+)?)s")

_BAD_KEY_REASONS = frozenset({"API_KEY_INVALID", "API_KEY_EXPIRED"})
_KINDS: dict[str, FailureKind] = {
    "CANCELLED": "cancelled",
    "UNKNOWN": "server",
    "INVALID_ARGUMENT": "bad_request",
    "DEADLINE_EXCEEDED": "timeout",
    "NOT_FOUND": "not_found",
    "PERMISSION_DENIED": "permission",
    "RESOURCE_EXHAUSTED": "rate_limit",
    "FAILED_PRECONDITION": "bad_request",
    "ABORTED": "server",
    "OUT_OF_RANGE": "bad_request",
    "UNIMPLEMENTED": "bad_request",
    "INTERNAL": "server",
    "UNAVAILABLE": "overloaded",
    "DATA_LOSS": "server",
    "UNAUTHENTICATED": "auth",
}
_REPLIES: dict[FailureKind, tuple[int, str, str]] = {
    "rate_limit": (429, "RESOURCE_EXHAUSTED", "Too many requests. Please try again later."),
    "quota_exhausted": (429, "RESOURCE_EXHAUSTED", "The quota is exhausted."),
    "overloaded": (503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
    "server": (500, "INTERNAL", "An internal error has occurred."),
    "timeout": (504, "DEADLINE_EXCEEDED", "The request timed out."),
    "connection": (503, "UNAVAILABLE", "The service could not be reached."),
    "context_overflow": (
        400,
        "INVALID_ARGUMENT",
        "The input token count exceeds the maximum number of tokens allowed.",
    ),
    "content_policy": (400, "INVALID_ARGUMENT", "The request was refused by a content policy."),
    "auth": (401, "UNAUTHENTICATED", "The credentials are missing or not valid."),
    "permission": (403, "PERMISSION_DENIED", "The caller does not have permission."),
    "not_found": (404, "NOT_FOUND", "The model or resource was not found."),
    "bad_request": (400, "INVALID_ARGUMENT", "The request is not valid."),
    "cancelled": (499, "CANCELLED", "The request was cancelled."),
}
_GOOGLE = "type.googleapis.com/google.rpc."
_DAILY = {"@type": f"{_GOOGLE}QuotaFailure", "violations": [{"quotaId": "RequestsPerDay"}]}


def decode_error(reply: ErrorReply) -> Failure:
    """Any reply that is not a success; a body of HTML or of anything else will do."""
    error = _error(reply.body)
    details = _details(error)
    message = str(error.get("message") or "")
    status = error.get("status")
    code = _reason(details) or (status if isinstance(status, str) else None)
    wait = _wait(details, message)
    return Failure(
        kind=_kind(reply.status, code, message, details),
        status=reply.status,
        code=code,
        retry_after_s=retry_after_s(reply.headers) if wait is None else wait,
        message=message or (reply.body if isinstance(reply.body, str) else ""),
    )


def decode_stream_error(frame: JSONObject) -> Failure:
    """An error event of a stream that began with status 200."""
    code = _error(frame).get("code")
    return decode_error(ErrorReply(status=code if isinstance(code, int) else 500, body=frame))


def encode_error(failure: Failure) -> ErrorReply:
    """The reply that makes google-genai raise its own class: ClientError below 500, ServerError from there on."""
    status, name, message = _REPLIES[failure.kind]
    error: JSONObject = {"code": status, "message": message, "status": name}
    details = [_DAILY] if failure.kind == "quota_exhausted" else []
    headers = {"content-type": "application/json"}
    if failure.retry_after_s is not None:
        details.append({"@type": f"{_GOOGLE}RetryInfo", "retryDelay": f"{failure.retry_after_s:g}s"})
        headers["retry-after"] = f"{failure.retry_after_s:g}"
    if details:
        error["details"] = details
    return ErrorReply(status=status, headers=headers, body={"error": error})


def _error(body: JSON) -> JSONObject:
    """The error object; without `alt=sse` a stream's error comes in a list."""
    if isinstance(body, list) and body:
        body = cast("list[JSON]", body)[0]
    error = cast(JSONObject, body).get("error") if isinstance(body, dict) else None
    return cast(JSONObject, error) if isinstance(error, dict) else {}


def _details(error: JSONObject) -> list[JSONObject]:
    details = error.get("details")
    found = cast("list[JSON]", details) if isinstance(details, list) else []
    return [cast(JSONObject, detail) for detail in found if isinstance(detail, dict)]


def _reason(details: list[JSONObject]) -> str | None:
    """ErrorInfo's reason: `API_KEY_INVALID`."""
    for detail in details:
        if isinstance(reason := detail.get("reason"), str):
            return reason
    return None


def _kind(status: int, code: str | None, message: str, details: list[JSONObject]) -> FailureKind:
    kind = _KINDS.get(code or "", kind_of_status(status)) if status < 400 else kind_of_status(status)
    if kind == "rate_limit":
        return "quota_exhausted" if _is_daily(details) else "rate_limit"
    return _kind_of_bad_request(code, message) if kind == "bad_request" else kind


def _kind_of_bad_request(code: str | None, message: str) -> FailureKind:
    """A 400 says by its text what it is."""
    if code in _BAD_KEY_REASONS or _BAD_KEY.search(message):
        return "auth"
    if _OVERFLOW.search(message):
        return "context_overflow"
    if code == "FAILED_PRECONDITION" and _BILLING.search(message):
        return "quota_exhausted"
    return "permission" if _ELSEWHERE.search(message) else "bad_request"


def _is_daily(details: list[JSONObject]) -> bool:
    return any("PerDay" in str(detail.get("violations")) for detail in details)


def _wait(details: list[JSONObject], message: str) -> float | None:
    """RetryInfo's delay (`"48s"`), else what the message says."""
    for detail in details:
        if match := _SECONDS.fullmatch(str(detail.get("retryDelay"))):
            return float(match[1])
    found = _RETRY_IN.search(message)
    return float(found[1]) if found else None
