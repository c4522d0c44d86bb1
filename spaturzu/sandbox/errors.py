"""The five providers' own error answers: status, headers and body, by kind of failure or by HTTP status.

Source: providers.md sections 1.8, 2.8, 3.8, 4.8, 5.8 and 7, 2026-11-22. No answer asks for a wait by itself, because an
SDK's own retries would then take as long; tests add `headers={"retry-after": "1"}` where they mean it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Literal, TypeAlias

from spaturzu_translators.messages import JSON, JSONObject, Provider

from .ids import SERIAL

ErrorKind: TypeAlias = Literal[
    "rate_limit",
    "quota_exhausted",
    "overloaded",
    "server",
    "timeout",
    "context_overflow",
    "content_policy",
    "auth",
    "permission",
    "not_found",
    "bad_request",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class NativeError:
    """An error answer as it stands on the wire; header names in lower case."""

    status: int
    body: JSONObject
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class _Row:
    """One error in its provider's words: `type` is the exception on Bedrock and the gRPC status on Gemini."""

    status: int
    type: str
    message: str
    code: str | None = None
    more: JSON = None
    """OpenAI: the parameter at fault. Gemini: the error's `details`."""


def _quota(quota: str) -> list[JSONObject]:
    kind = "type.googleapis.com/google.rpc.QuotaFailure"
    return [{"@type": kind, "violations": [{"quotaMetric": "generate_content_requests", "quotaId": quota}]}]


def _reason(reason: str) -> list[JSONObject]:
    kind = "type.googleapis.com/google.rpc.ErrorInfo"
    return [{"@type": kind, "reason": reason, "domain": "googleapis.com"}]


_OPENAI: dict[ErrorKind, _Row] = {
    "rate_limit": _Row(429, "requests", "Rate limit reached on requests per min.", "rate_limit_exceeded"),
    "quota_exhausted": _Row(429, "insufficient_quota", "You exceeded your current quota.", "insufficient_quota"),
    "overloaded": _Row(503, "server_error", "The engine is currently overloaded, please try again later."),
    "server": _Row(500, "server_error", "The server had an error while processing your request.", "server_error"),
    "timeout": _Row(408, "timeout", "Request timed out."),
    "context_overflow": _Row(
        400,
        "invalid_request_error",
        "This model's maximum context length is 128000 tokens. Your messages resulted in 130000 tokens.",
        "context_length_exceeded",
        "messages",
    ),
    "content_policy": _Row(
        400, "invalid_request_error", "The prompt violates our usage policy.", "content_policy_violation"
    ),
    "auth": _Row(401, "invalid_request_error", "Incorrect API key provided.", "invalid_api_key"),
    "permission": _Row(403, "invalid_request_error", "You are not allowed to use this model.", "permission_denied"),
    "not_found": _Row(404, "invalid_request_error", "The model does not exist.", "model_not_found"),
    "bad_request": _Row(
        400, "invalid_request_error", "Unsupported parameter: 'max_tokens'.", "unsupported_parameter", "max_tokens"
    ),
}
_ANTHROPIC: dict[ErrorKind, _Row] = {
    "rate_limit": _Row(429, "rate_limit_error", "This request would exceed your organization's rate limit."),
    "quota_exhausted": _Row(402, "billing_error", "Your credit balance is too low to access the API."),
    "overloaded": _Row(529, "overloaded_error", "Overloaded"),
    "server": _Row(500, "api_error", "Internal server error"),
    "timeout": _Row(504, "timeout_error", "Request timed out"),
    "context_overflow": _Row(400, "invalid_request_error", "prompt is too long: 210000 tokens > 200000 maximum"),
    "content_policy": _Row(400, "invalid_request_error", "Output blocked by content filtering policy"),
    "auth": _Row(401, "authentication_error", "API key is invalid."),
    "permission": _Row(403, "permission_error", "Your API key may not use this model."),
    "not_found": _Row(404, "not_found_error", "model: no-such-model"),
    "bad_request": _Row(400, "invalid_request_error", "temperature: Extra inputs are not permitted"),
}
_BEDROCK: dict[ErrorKind, _Row] = {
    "rate_limit": _Row(429, "ThrottlingException", "Too many requests, please wait before trying again."),
    "quota_exhausted": _Row(400, "ServiceQuotaExceededException", "Too many tokens per day."),
    "overloaded": _Row(503, "ServiceUnavailableException", "Service capacity limit has been reached."),
    "server": _Row(500, "InternalServerException", "The system encountered an unexpected error during processing."),
    "timeout": _Row(408, "ModelTimeoutException", "Model has timed out in processing the request."),
    "context_overflow": _Row(400, "ValidationException", "Input is too long for requested model."),
    "content_policy": _Row(200, "content_filtered", "A filtered prompt is no error: it is a stop reason, on a 200."),
    "auth": _Row(403, "UnrecognizedClientException", "The security token included in the request is invalid."),
    "permission": _Row(403, "AccessDeniedException", "You don't have access to the model."),
    "not_found": _Row(404, "ResourceNotFoundException", "Could not resolve the foundation model."),
    "bad_request": _Row(400, "ValidationException", "A conversation must start with a user message."),
}
_GEMINI: dict[ErrorKind, _Row] = {
    "rate_limit": _Row(
        429, "RESOURCE_EXHAUSTED", "Quota exceeded.", more=_quota("GenerateRequestsPerMinutePerProjectPerModel")
    ),
    "quota_exhausted": _Row(
        429, "RESOURCE_EXHAUSTED", "Quota exceeded.", more=_quota("GenerateRequestsPerDayPerProjectPerModel")
    ),
    "overloaded": _Row(503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
    "server": _Row(500, "INTERNAL", "An internal error has occurred."),
    "timeout": _Row(504, "DEADLINE_EXCEEDED", "Deadline expired before operation could complete."),
    "context_overflow": _Row(
        400,
        "INVALID_ARGUMENT",
        "The input token count (1100000) exceeds the maximum number of tokens (1048576).",
    ),
    "content_policy": _Row(200, "PROHIBITED_CONTENT", "A blocked prompt is no error: no candidates, on a 200."),
    "auth": _Row(400, "INVALID_ARGUMENT", "API key not valid.", more=_reason("API_KEY_INVALID")),
    "permission": _Row(403, "PERMISSION_DENIED", "Permission denied on the resource."),
    "not_found": _Row(404, "NOT_FOUND", "The model is not found for API version v1."),
    "bad_request": _Row(400, "INVALID_ARGUMENT", "Request contains an invalid argument."),
}
_MISTRAL: dict[ErrorKind, _Row] = {
    "rate_limit": _Row(429, "rate_limited", "Rate limit exceeded", "1300"),
    "quota_exhausted": _Row(402, "payment_required", "Monthly usage limit reached"),
    "overloaded": _Row(503, "service_unavailable", "Service tier capacity exceeded for this model."),
    "server": _Row(500, "internal_server_error", "Service unavailable.", "1000"),
    "timeout": _Row(504, "timeout", "Request timed out."),
    "context_overflow": _Row(
        400,
        "invalid_request_error",
        "Prompt contains 140000 tokens, too large for model with 131072 maximum context length",
        "3051",
    ),
    "content_policy": _Row(403, "guardrail_violation", "The input was blocked by a guardrail."),
    "auth": _Row(401, "unauthorized", "Invalid API Key"),
    "permission": _Row(403, "forbidden", "You are not allowed to use this model."),
    "not_found": _Row(404, "not_found", "The resource does not exist."),
    "bad_request": _Row(400, "invalid_request_message_order", "Unexpected role 'user' after role 'tool'", "3230"),
}
_ROWS: dict[Provider, dict[ErrorKind, _Row]] = {
    "openai": _OPENAI,
    "anthropic": _ANTHROPIC,
    "bedrock": _BEDROCK,
    "gemini": _GEMINI,
    "mistral": _MISTRAL,
}
_FIRST: dict[int, ErrorKind] = {400: "bad_request", 403: "permission"}
"""Which kind a bare status means where several have it; elsewhere the first in the table."""

_FURTHER: dict[Provider, dict[int, tuple[str, str]]] = {
    "openai": {502: ("cf_bad_gateway", "Bad gateway."), 422: ("invalid_request_error", "Unprocessable entity.")},
    "anthropic": {413: ("request_too_large", "Request exceeds the maximum size"), 409: ("conflict_error", "Conflict")},
    "bedrock": {424: ("ModelErrorException", "The model failed to process the request.")},
    "gemini": {
        401: ("UNAUTHENTICATED", "Request is missing required authentication credential."),
        402: ("RESOURCE_EXHAUSTED", "The prepaid balance is used up."),
        409: ("ABORTED", "The operation was aborted."),
        499: ("CANCELLED", "The operation was cancelled."),
        502: ("UNAVAILABLE", "Bad gateway."),
    },
    "mistral": {422: ("invalid_request_error", "The request could not be validated.")},
}
_STANDARD = frozenset(status.value for status in HTTPStatus)
_UNKNOWN = {"openai": "server_error", "anthropic": "api_error", "bedrock": "", "gemini": "UNKNOWN", "mistral": "error"}


def native_error(provider: Provider, cause: ErrorKind | int) -> NativeError:
    """What `provider` answers for one kind of failure, or for one HTTP status."""
    row = _row_of_status(provider, cause) if isinstance(cause, int) else _ROWS[provider][cause]
    return _ENVELOPES[provider](row)


def no_such_path(provider: Provider, path: str) -> NativeError:
    """What `provider` answers to a path that it does not serve."""
    type_ = {"bedrock": "UnknownOperationException"}.get(provider, _ROWS[provider]["not_found"].type)
    return _ENVELOPES[provider](_Row(404, type_, f"The sandbox does not serve {path}.", "unknown_url"))


def unreadable(provider: Provider, why: str) -> NativeError:
    """What `provider` answers to a body that it cannot read."""
    return _ENVELOPES[provider](_Row(400, _ROWS[provider]["bad_request"].type, why))


def _row_of_status(provider: Provider, status: int) -> _Row:
    rows = _ROWS[provider]
    if status in _FIRST:
        return rows[_FIRST[status]]
    known = next((row for row in rows.values() if row.status == status), None)
    return known or _Row(status, *_FURTHER[provider].get(status, (_UNKNOWN[provider], _phrase(status))))


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in _STANDARD else f"Status {status}"


def _openai(row: _Row) -> NativeError:
    error = {"message": row.message, "type": row.type, "param": row.more, "code": row.code}
    return NativeError(status=row.status, body={"error": error})


def _anthropic(row: _Row) -> NativeError:
    error = {"type": row.type, "message": row.message}
    return NativeError(status=row.status, body={"type": "error", "error": error, "request_id": f"req_{SERIAL}"})


def _bedrock(row: _Row) -> NativeError:
    """botocore reads the code from the header; without one the code is the status."""
    if row.status == HTTPStatus.OK:
        return NativeError(status=200, body=_filtered(row.type))
    headers = {"x-amzn-errortype": f"{row.type}:http://internal.amazon.com/coral/com.amazon.bedrock/"}
    return NativeError(status=row.status, body={"message": row.message}, headers=headers if row.type else {})


def _filtered(reason: str) -> JSONObject:
    usage = {"inputTokens": 12, "outputTokens": 0, "totalTokens": 12}
    message: JSONObject = {"role": "assistant", "content": []}
    return {"output": {"message": message}, "stopReason": reason, "usage": usage, "metrics": {"latencyMs": 21}}


def _gemini(row: _Row) -> NativeError:
    if row.status == HTTPStatus.OK:
        return NativeError(status=200, body=_blocked(row.type))
    error = {"code": row.status, "message": row.message, "status": row.type}
    return NativeError(status=row.status, body={"error": {**error, "details": row.more} if row.more else error})


def _blocked(reason: str) -> JSONObject:
    usage = {"promptTokenCount": 12, "totalTokenCount": 12}
    return {"promptFeedback": {"blockReason": reason}, "usageMetadata": usage, "responseId": SERIAL}


def _mistral(row: _Row) -> NativeError:
    if row.status == HTTPStatus.UNAUTHORIZED:
        return NativeError(status=401, body={"detail": row.message})
    body = {"object": "error", "message": row.message, "type": row.type, "param": None, "code": row.code}
    return NativeError(status=row.status, body=body)


_ENVELOPES: dict[Provider, Callable[[_Row], NativeError]] = {
    "openai": _openai,
    "anthropic": _anthropic,
    "bedrock": _bedrock,
    "gemini": _gemini,
    "mistral": _mistral,
}
