"""OpenAI's errors, whichever of its wires they come by: `{"error": {message, type, param, code}}`.

Rows 1 to 11 of providers.md section 7, and the codes of section 1.R, 2026-11-22.
"""

from __future__ import annotations

import re
from typing import cast

from .failures import CONTEXT_OVERFLOW, ErrorReply, Failure, FailureKind, kind_of_status, retry_after_s
from .messages import JSON, JSONObject

_CODES: dict[str, FailureKind] = {
    "insufficient_quota": "quota_exhausted",
    "credit_balance_exhausted": "quota_exhausted",
    "organization_spend_limit_exceeded": "quota_exhausted",
    "project_spend_limit_exceeded": "quota_exhausted",
    "organization_usage_limit_exceeded": "quota_exhausted",
    "billing_hard_limit_reached": "quota_exhausted",
    "billing_not_active": "quota_exhausted",
    "rate_limit_exceeded": "rate_limit",
    "slow_down": "overloaded",
    "context_length_exceeded": "context_overflow",
    "content_policy_violation": "content_policy",
    "content_filter": "content_policy",
    "invalid_prompt": "content_policy",
    "bio_policy": "content_policy",
    "misalignment_policy_violation": "content_policy",
    "image_content_policy_violation": "content_policy",
    "model_not_found": "not_found",
    "unknown_model": "not_found",
    "DeploymentNotFound": "not_found",
    "invalid_api_key": "auth",
    "data_residency_mismatch": "bad_request",
    "vector_store_timeout": "timeout",
    "invalid_image": "bad_request",
    "invalid_image_format": "bad_request",
    "invalid_base64_image": "bad_request",
    "invalid_image_url": "bad_request",
    "invalid_image_mode": "bad_request",
    "image_too_large": "bad_request",
    "image_too_small": "bad_request",
    "image_parse_error": "bad_request",
    "image_file_too_large": "bad_request",
    "image_file_not_found": "bad_request",
    "unsupported_image_media_type": "bad_request",
    "empty_image_file": "bad_request",
    "failed_to_download_image": "bad_request",
}
"""What a `code`, or else a `type`, says whatever the status is."""

_TYPES: dict[str, FailureKind] = {
    "requests": "rate_limit",
    "tokens": "rate_limit",
    "rate_limit_error": "rate_limit",
    "overloaded_error": "overloaded",
    "service_unavailable_error": "overloaded",
    "timeout": "timeout",
    "timeout_error": "timeout",
    "invalid_request_error": "bad_request",
    "authentication_error": "auth",
    "permission_error": "permission",
    "not_found_error": "not_found",
}
"""What a `type` says where no status does: inside a stream, or on a 200."""

_TOO_LARGE = re.compile(rf"{CONTEXT_OVERFLOW}|^request too large", re.IGNORECASE)
"""`Request too large` comes as a 429, but waiting does not make it smaller (recorded traffic, 2026-11)."""

_TRY_AGAIN = re.compile(r"try again in (?:(\d{1,9})h)?(?:(\d{1,9})m(?!s))?(?:([\d.]{1,18}?)(ms|s)\b)?", re.IGNORECASE)
_MAY_BE_TOO_LARGE = frozenset((None, 400, 413, 422, 429))

_REPLIES: dict[FailureKind, tuple[int, str, str | None, str]] = {
    "rate_limit": (429, "requests", "rate_limit_exceeded", "Rate limit reached."),
    "quota_exhausted": (429, "insufficient_quota", "insufficient_quota", "The quota is used up."),
    "overloaded": (503, "server_error", "slow_down", "The model is overloaded."),
    "server": (500, "server_error", None, "The provider failed."),
    "timeout": (504, "timeout", None, "The provider did not answer in time."),
    "connection": (502, "server_error", None, "The provider could not be reached."),
    "context_overflow": (400, "invalid_request_error", "context_length_exceeded", "The input is too long."),
    "content_policy": (400, "invalid_request_error", "content_policy_violation", "The content was refused."),
    "auth": (401, "authentication_error", "invalid_api_key", "The credentials were refused."),
    "permission": (403, "permission_error", None, "The credentials do not allow this."),
    "not_found": (404, "invalid_request_error", "model_not_found", "The model does not exist."),
    "bad_request": (400, "invalid_request_error", None, "The request was refused."),
    "cancelled": (499, "cancelled", None, "The call was cancelled."),
}
"""Status, type, code and a neutral text. The SDK picks its exception's class by the status."""


def decode_error(reply: ErrorReply) -> Failure:
    """Why the call failed; a body that is not OpenAI's (a proxy's page) leaves the status to say it."""
    body = reply.body
    found: JSON = cast("JSONObject", body).get("error", body) if isinstance(body, dict) else body
    return _failure(found, reply.status, retry_after_s(reply.headers))


def decode_error_object(error: JSON) -> Failure:
    """An error inside a stream or an answer, which has no status."""
    return _failure(error, None, None)


def _failure(error: JSON, status: int | None, asked_s: float | None) -> Failure:
    fields: JSONObject = cast("JSONObject", error) if isinstance(error, dict) else {"message": error}
    message = fields["message"] if isinstance(fields.get("message"), str) else ""
    code, kind_word = _word(fields.get("code")), _word(fields.get("type"))
    said = int(code) if code and re.fullmatch(r"[45]\d\d", code) else None
    return Failure(
        kind=_kind(code, kind_word, status if status is not None and status >= 400 else said, message),
        status=status,
        code=code or kind_word,
        retry_after_s=_hint(message) if asked_s is None else asked_s,
        message=message,
    )


def _word(value: JSON) -> str | None:
    return str(value) if isinstance(value, str | int) and value != "" else None


def _kind(code: str | None, kind_word: str | None, status: int | None, message: str) -> FailureKind:
    if status in _MAY_BE_TOO_LARGE and _TOO_LARGE.search(message):
        return "context_overflow"
    for word in (code, kind_word):
        if word in _CODES:
            return _CODES[word]
    if status is not None:
        return kind_of_status(status)
    return _TYPES.get(kind_word or "", "server")


def _hint(message: str) -> float | None:
    """The seconds of `Please try again in 1m20.5s`."""
    found = _TRY_AGAIN.search(message)
    if found is None or not any(found.groups()):
        return None
    hours, minutes, amount, unit = found.groups()
    try:
        seconds = float(amount or 0) * (0.001 if unit and unit.lower() == "ms" else 1)
    except ValueError:
        return None
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + seconds


def encode_error(failure: Failure) -> ErrorReply:
    """The reply from which the OpenAI SDK raises its own class for such a failure."""
    headers = {"content-type": "application/json"}
    if failure.retry_after_s is not None:
        headers["retry-after"] = f"{failure.retry_after_s:g}"
    return ErrorReply(status=_REPLIES[failure.kind][0], headers=headers, body={"error": encode_error_object(failure)})


def encode_error_object(failure: Failure) -> JSONObject:
    """The error as it stands in a body, or inside a stream."""
    _, kind_word, code, text = _REPLIES[failure.kind]
    return {"message": text, "type": kind_word, "param": None, "code": code}
