"""Errors: what failed, by code, status and text; and the reply that makes botocore raise its own class.

Source: providers.md sections 3.7, 3.8 and 7 (rows 23 to 34), 2026-11-22.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

from ..failures import CONTEXT_OVERFLOW, ErrorReply, Failure, FailureKind, kind_of_status, retry_after_s
from ..messages import JSON, JSONObject

_KINDS: dict[str, FailureKind] = {
    "throttlingexception": "rate_limit",
    "throttling": "rate_limit",
    "toomanyrequestsexception": "rate_limit",
    "requestlimitexceeded": "rate_limit",
    "servicequotaexceededexception": "quota_exhausted",
    "modelnotreadyexception": "overloaded",
    "serviceunavailableexception": "overloaded",
    "serviceunavailable": "overloaded",
    "internalserverexception": "server",
    "internalfailure": "server",
    "modelerrorexception": "server",
    "modelstreamerrorexception": "server",
    "modeltimeoutexception": "timeout",
    "requesttimeout": "timeout",
    "validationexception": "bad_request",
    "accessdeniedexception": "permission",
    "expiredtokenexception": "auth",
    "expiredtoken": "auth",
    "unrecognizedclientexception": "auth",
    "invalidclienttokenid": "auth",
    "invalidsignatureexception": "auth",
    "signaturedoesnotmatch": "auth",
    "incompletesignature": "auth",
    "incompletesignatureexception": "auth",
    "missingauthenticationtoken": "auth",
    "missingauthenticationtokenexception": "auth",
    "resourcenotfoundexception": "not_found",
}
_MODELS_OWN = frozenset({"modelerrorexception", "modelstreamerrorexception"})
_BY_TEXT: dict[FailureKind, tuple[tuple[re.Pattern[str], FailureKind], ...]] = {
    "rate_limit": ((re.compile(r"tokens per day", re.IGNORECASE), "quota_exhausted"),),
    "bad_request": (
        (re.compile(CONTEXT_OVERFLOW, re.IGNORECASE), "context_overflow"),
        (re.compile(r"model identifier is invalid|end of its life", re.IGNORECASE), "not_found"),
    ),
    "permission": ((re.compile(r"security token|api key|bearer token", re.IGNORECASE), "auth"),),
}
_REPLIES: dict[FailureKind, tuple[int, str, str]] = {
    "rate_limit": (429, "ThrottlingException", "Too many requests, please wait before trying again."),
    "quota_exhausted": (400, "ServiceQuotaExceededException", "The quota is exhausted."),
    "overloaded": (503, "ServiceUnavailableException", "The service is overloaded, please try again later."),
    "server": (500, "InternalServerException", "The provider failed to answer."),
    "connection": (500, "InternalServerException", "The provider could not be reached."),
    "cancelled": (500, "InternalServerException", "The call was cancelled."),
    "timeout": (408, "ModelTimeoutException", "The model did not answer in time."),
    "context_overflow": (400, "ValidationException", "Input is too long for requested model."),
    "content_policy": (400, "ValidationException", "The request was blocked by a content policy."),
    "bad_request": (400, "ValidationException", "The provider refused the request as invalid."),
    "auth": (403, "UnrecognizedClientException", "The provider refused the credentials."),
    "permission": (403, "AccessDeniedException", "The provider denied access."),
    "not_found": (404, "ResourceNotFoundException", "The provider does not know the model."),
}
_FRAMES: dict[FailureKind, str] = {
    "rate_limit": "throttlingException",
    "quota_exhausted": "throttlingException",
    "overloaded": "serviceUnavailableException",
    "timeout": "modelStreamErrorException",
    "context_overflow": "validationException",
    "content_policy": "validationException",
    "bad_request": "validationException",
}


def decode_error(reply: ErrorReply) -> Failure:
    """The failure that an error reply tells of; its body may be anything, even a proxy's page."""
    body = _members(reply.body)
    code = _code(reply.headers, body)
    kind = _KINDS.get((code or "").lower()) or kind_of_status(reply.status)
    return Failure(
        kind=_refined(kind, code, body),
        status=reply.status,
        code=code,
        retry_after_s=retry_after_s(reply.headers),
        message=_message(reply.body, body),
    )


def decode_frame_error(name: str, payload: JSON) -> Failure | None:
    """The failure of an exception frame, or None for a frame that is no exception."""
    if name.lower() not in _KINDS and not name.endswith(("Exception", "Error", "Failure")):
        return None
    body = _members(payload)
    kind = _refined(_KINDS.get(name.lower(), "server"), name, body)
    return Failure(kind=kind, code=name, message=_message(payload, body))


def _members(body: JSON) -> JSONObject:
    return cast(JSONObject, body) if isinstance(body, dict) else {}


def _code(headers: Mapping[str, str], body: JSONObject) -> str | None:
    """`ThrottlingException` of `ThrottlingException:http://...` or `com.amazon#ThrottlingException`."""
    value: Any = headers.get("x-amzn-errortype") or body.get("__type") or body.get("code")
    if not isinstance(value, str) or not value:
        return None
    return value.partition(":")[0].rpartition("#")[2] or None


def _message(whole: JSON, body: JSONObject) -> str:
    message: Any = body.get("message") or body.get("Message")
    if isinstance(message, str):
        return message
    return whole if isinstance(whole, str) else ""


def _refined(kind: FailureKind, code: str | None, body: JSONObject) -> FailureKind:
    """What the code alone does not tell: the model's own status, or the words."""
    original = body.get("originalStatusCode")
    if (code or "").lower() in _MODELS_OWN and isinstance(original, int) and 400 <= original < 500:
        kind = kind_of_status(original)
    text = _message(None, body)
    for pattern, refined in _BY_TEXT.get(kind, ()):
        if pattern.search(text):
            return refined
    return kind


def encode_error(failure: Failure) -> ErrorReply:
    """The reply that botocore raises as its modelled class; never the other provider's words."""
    status, code, message = _REPLIES[failure.kind]
    headers = {"content-type": "application/json", "x-amzn-errortype": code}
    if failure.retry_after_s is not None:
        headers["x-amz-retry-after"] = str(round(failure.retry_after_s * 1000))
    return ErrorReply(status=status, headers=headers, body={"message": message})


def encode_frame_error(failure: Failure) -> JSONObject:
    """The exception frame that botocore raises as EventStreamError."""
    return {_FRAMES.get(failure.kind, "internalServerException"): {"message": _REPLIES[failure.kind][2]}}
