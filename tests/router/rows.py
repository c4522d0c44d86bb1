"""The 52 rows of providers.md section 7 (2026-11-22) as data: what is said or raised, and what must follow from it.

Same-hop retries are finer than the table: none for overload, timeouts and quota; one at once for 500, 502, 504, resets
and refused connections; a wait only for a Retry-After.
"""

from __future__ import annotations

import json
import os
from asyncio import CancelledError
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import anthropic
import boto3
import botocore.exceptions
import httpx
import httpx2
import openai
import pydantic
import urllib3
from botocore.eventstream import ChecksumMismatch
from google.genai import types as gemini_types
from mistralai.client import errors as mistral_errors

from spaturzu_translators.codec import codec
from spaturzu_translators.failures import FailureKind
from spaturzu_translators.messages import JSONObject, Provider

from .sdks import HI, Said, Upstream, bedrock_client, raised


class Does(NamedTuple):
    """May the call go on from the primary, from a fallback, and is the same hop asked again?"""

    falls: bool
    falls_from_target: bool
    same_hop: str


ONCE = Does(True, True, "at_once")
TOLD = Does(True, True, "if_told")
FALLS = Does(True, True, "never")
PRIMARY_STOPS = Does(False, True, "never")
ENDS = Does(False, False, "never")


@dataclass(frozen=True, kw_only=True)
class Case:
    """One way to meet a row. `upstream` is the wire's answer or the transport's exception; `made` any other exception.

    `in_stream`: the error comes inside a stream that began with a 200.
    """

    row: int
    provider: Provider
    name: str
    kind: FailureKind
    does: Does
    upstream: Upstream | None = None
    made: Callable[[], BaseException] | None = None
    in_stream: bool = False
    retry_after_s: float | None = None

    def __str__(self) -> str:
        return f"row{self.row}-{self.provider}-{self.name}"

    def exception(self) -> BaseException:
        """The real exception of the real SDK."""
        if self.made is not None:
            return self.made()
        assert self.upstream is not None
        return raised(self.provider, self.upstream, stream=self.in_stream)


SSE = {"content-type": "text/event-stream"}


def _sse(*frames: JSONObject) -> tuple[bytes, ...]:
    return tuple(b"data: " + json.dumps(frame).encode() + b"\n\n" for frame in frames)


@dataclass(frozen=True)
class Rows:
    """Cases of one provider; each method adds one."""

    provider: Provider
    cases: list[Case] = field(default_factory=list)

    def wire(
        self, row: int, name: str, kind: FailureKind, does: Does, said: Upstream, *, wait: float | None = None
    ) -> None:
        """An HTTP error, or an exception of the transport."""
        self.cases.append(
            Case(row=row, provider=self.provider, name=name, kind=kind, does=does, upstream=said, retry_after_s=wait)
        )

    def stream(self, row: int, name: str, kind: FailureKind, does: Does, *chunks: bytes) -> None:
        """An error inside a stream."""
        said = Said(status=200, headers={"content-type": codec(self.provider).stream_content_type}, chunks=chunks)
        self.cases.append(
            Case(row=row, provider=self.provider, name=name, kind=kind, does=does, upstream=said, in_stream=True)
        )

    def made(self, row: int, name: str, kind: FailureKind, does: Does, made: Callable[[], BaseException]) -> None:
        """An exception that no HTTP answer makes."""
        self.cases.append(Case(row=row, provider=self.provider, name=name, kind=kind, does=does, made=made))


def _caught(work: Callable[[], Any]) -> Callable[[], BaseException]:
    def run() -> BaseException:
        try:
            work()
        except Exception as exc:  # noqa: BLE001 - the subject of the test
            return exc
        raise AssertionError("nothing was raised")

    return run


# openai, rows 1 to 11


def _openai_says(
    status: int, code: str | None = None, kind: str = "invalid_request_error", text: str = "No.", **headers: str
) -> Said:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Said(
        status=status, headers=names, body={"error": {"message": text, "type": kind, "param": None, "code": code}}
    )


def _openai() -> list[Case]:
    rows, say = Rows("openai"), _openai_says
    rows.wire(1, "rate_limit", "rate_limit", TOLD, say(429, "rate_limit_exceeded", "requests"))
    rows.wire(1, "tokens", "rate_limit", TOLD, say(429, None, "tokens"))
    rows.wire(1, "waits", "rate_limit", TOLD, say(429, "rate_limit_exceeded", "tokens", retry_after="2"), wait=2)
    milliseconds = say(429, "rate_limit_exceeded", "tokens", retry_after_ms="250", retry_after="9")
    rows.wire(1, "waits_ms", "rate_limit", TOLD, milliseconds, wait=0.25)
    for code in (
        *("insufficient_quota", "credit_balance_exhausted", "organization_spend_limit_exceeded"),
        *("project_spend_limit_exceeded", "organization_usage_limit_exceeded"),
    ):
        rows.wire(2, code, "quota_exhausted", FALLS, say(429, code, "insufficient_quota"))
    rows.wire(2, "quota_by_type", "quota_exhausted", FALLS, say(429, None, "insufficient_quota"))
    told = say(429, "insufficient_quota", "insufficient_quota", retry_after="1")
    rows.wire(2, "quota_told", "quota_exhausted", FALLS, told, wait=1)
    rows.wire(3, "503", "overloaded", TOLD, say(503, None, "server_error"))
    rows.wire(3, "503_html", "overloaded", TOLD, Said(status=503, body="<html>busy</html>"))
    rows.wire(3, "529", "overloaded", TOLD, say(529, None, "server_error"))
    rows.wire(3, "slow_down", "overloaded", TOLD, say(429, "slow_down", "requests"))
    rows.wire(3, "503_waits", "overloaded", TOLD, say(503, None, "server_error", retry_after="1.5"), wait=1.5)
    rows.wire(4, "500", "server", ONCE, say(500, "server_error", "server_error"))
    rows.wire(4, "502", "server", ONCE, Said(status=502, body="<html>Bad gateway</html>"))
    rows.wire(4, "504", "timeout", ONCE, say(504, None, "server_error"))
    rows.wire(4, "520", "server", ONCE, say(520, None, "server_error"))
    rows.wire(4, "408", "timeout", FALLS, say(408, None, "timeout"))
    rows.wire(4, "409", "server", ONCE, say(409))
    rows.wire(4, "500_told_not_to", "server", FALLS, say(500, None, "server_error", x_should_retry="false"))
    rows.wire(4, "500_waits", "server", TOLD, say(500, None, "server_error", retry_after="2"), wait=2)
    rows.wire(5, "read_timeout", "timeout", FALLS, httpx2.ReadTimeout("slow"))
    rows.wire(5, "connect_timeout", "timeout", FALLS, httpx2.ConnectTimeout("slow"))
    rows.wire(5, "pool_timeout", "timeout", FALLS, httpx2.PoolTimeout("slow"))
    rows.wire(6, "refused", "connection", ONCE, httpx2.ConnectError("refused"))
    rows.wire(6, "reset", "connection", ONCE, httpx2.ReadError("reset"))
    rows.wire(6, "disconnected", "connection", ONCE, httpx2.RemoteProtocolError("disconnected"))
    rows.wire(7, "code", "context_overflow", FALLS, say(400, "context_length_exceeded"))
    too_long = "This model's maximum context length is 8192 tokens."
    rows.wire(7, "message", "context_overflow", FALLS, say(400, None, text=too_long))
    for code in (
        *("content_policy_violation", "content_filter", "invalid_prompt", "bio_policy"),
        *("misalignment_policy_violation", "image_content_policy_violation"),
    ):
        rows.wire(8, code, "content_policy", ENDS, say(400, code))
    for code in ("unsupported_parameter", "unsupported_value", "string_above_max_length", None):
        rows.wire(9, str(code), "bad_request", PRIMARY_STOPS, say(400, code))
    rows.wire(9, "422", "bad_request", PRIMARY_STOPS, say(422))
    rows.wire(10, "401", "auth", PRIMARY_STOPS, say(401, "invalid_api_key"))
    rows.made(10, "oauth", "auth", PRIMARY_STOPS, _oauth_error)
    rows.wire(10, "403", "permission", PRIMARY_STOPS, say(403))
    rows.wire(10, "404", "not_found", PRIMARY_STOPS, say(404, "model_not_found"))
    rows.wire(10, "404_path", "not_found", PRIMARY_STOPS, Said(status=404, body="<html>Not Found</html>"))
    for kind_word, kind, does in (
        ("server_error", "server", ONCE),
        ("rate_limit_error", "rate_limit", TOLD),
        ("tokens", "rate_limit", TOLD),
        ("overloaded_error", "overloaded", TOLD),
        ("insufficient_quota", "quota_exhausted", FALLS),
        ("no_such_type", "server", ONCE),
    ):
        frame = {"error": {"message": "No.", "type": kind_word, "param": None, "code": None}}
        rows.stream(11, kind_word, kind, does, *_sse(frame))  # type: ignore[arg-type]
    return rows.cases


def _oauth_error() -> BaseException:
    response = httpx2.Response(401, request=httpx2.Request("POST", "https://example.com"), json={"error": "denied"})
    return openai.OAuthError(response=response, body={"error": "denied"})


# anthropic, rows 12 to 22


def _anthropic_says(status: int, kind: str, text: str = "No.", code: str | None = None, **headers: str) -> Said:
    details = None if code is None else {"error_code": code}
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Said(status=status, headers=names, body=_anthropic_error(kind, text, details))


def _anthropic_error(kind: str, text: str = "No.", details: JSONObject | None = None) -> JSONObject:
    error: JSONObject = {"type": kind, "message": text, "details": details}
    return {"type": "error", "error": error, "request_id": "req_1"}


def _anthropic() -> list[Case]:
    rows, say = Rows("anthropic"), _anthropic_says
    rows.wire(12, "429", "rate_limit", TOLD, say(429, "rate_limit_error"))
    rows.wire(12, "ramp", "rate_limit", TOLD, say(429, "rate_limit_error", code="ramp_limit_exceeded"))
    rows.wire(12, "waits", "rate_limit", TOLD, say(429, "rate_limit_error", retry_after="7"), wait=7)
    for code in ("contract_spend_limit_reached", "enforced_spend_limit_reached"):
        rows.wire(13, code, "quota_exhausted", FALLS, say(429, "rate_limit_error", code=code))
    rows.wire(14, "402", "quota_exhausted", FALLS, say(402, "billing_error"))
    low = "Your credit balance is too low to access the API."
    rows.wire(14, "400_credit", "quota_exhausted", FALLS, say(400, "invalid_request_error", low))
    spent = "You have reached your specified API usage limits."
    rows.wire(14, "400_spend_limit", "quota_exhausted", FALLS, say(400, "invalid_request_error", spent))
    rows.wire(15, "529", "overloaded", TOLD, say(529, "overloaded_error"))
    rows.wire(15, "529_retry_true", "overloaded", TOLD, say(529, "overloaded_error", x_should_retry="true"))
    rows.wire(15, "503_by_type", "overloaded", TOLD, say(503, "overloaded_error"))
    rows.wire(15, "529_waits", "overloaded", TOLD, say(529, "overloaded_error", retry_after="1"), wait=1)
    rows.wire(16, "500", "server", ONCE, say(500, "api_error"))
    rows.wire(16, "500_told_not_to", "server", FALLS, say(500, "api_error", x_should_retry="false"))
    rows.wire(16, "502", "server", ONCE, Said(status=502, body="<html>Bad gateway</html>"))
    rows.wire(16, "503", "server", TOLD, Said(status=503, body="upstream connect error"))
    rows.wire(16, "503_cmek", "server", TOLD, say(503, "api_error", code="cmek_key_unavailable"))
    rows.wire(16, "504", "timeout", ONCE, say(504, "timeout_error"))
    for kind_word, kind, does in (
        ("overloaded_error", "overloaded", TOLD),
        ("rate_limit_error", "rate_limit", TOLD),
        ("api_error", "server", ONCE),
        ("timeout_error", "timeout", FALLS),
    ):
        event = b"event: error\n" + _sse(_anthropic_error(kind_word))[0]
        rows.stream(17, kind_word, kind, does, event)  # type: ignore[arg-type]
    too_long = "prompt is too long: 210000 tokens > 200000 maximum"
    rows.wire(18, "400", "context_overflow", FALLS, say(400, "invalid_request_error", too_long))
    rows.wire(18, "413", "context_overflow", FALLS, say(413, "request_too_large"))
    rows.wire(20, "400", "bad_request", PRIMARY_STOPS, say(400, "invalid_request_error"))
    rows.wire(20, "422", "bad_request", PRIMARY_STOPS, say(422, "invalid_request_error"))
    rows.wire(20, "401", "auth", PRIMARY_STOPS, say(401, "authentication_error"))
    rows.wire(20, "403", "permission", PRIMARY_STOPS, say(403, "permission_error"))
    rows.wire(20, "404", "not_found", PRIMARY_STOPS, say(404, "not_found_error"))
    rows.made(21, "no_key", "auth", PRIMARY_STOPS, _caught(_anthropic_without_key))
    rows.made(21, "streaming_required", "bad_request", PRIMARY_STOPS, _caught(_anthropic_too_much))
    rows.wire(22, "timeout", "timeout", FALLS, httpx2.ReadTimeout("slow"))
    rows.wire(22, "refused", "connection", ONCE, httpx2.ConnectError("refused"))
    rows.made(22, "raw_read_error", "connection", ONCE, lambda: httpx2.ReadError("reset"))
    rows.made(22, "raw_timeout", "timeout", FALLS, lambda: httpx2.ReadTimeout("slow"))
    rows.made(22, "retryable", "server", ONCE, lambda: anthropic.RetryableError("again"))
    return rows.cases


def _anthropic_without_key() -> None:
    kept = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("ANTHROPIC_")}
    try:
        anthropic.Anthropic(api_key=None).messages.create(model="m", max_tokens=9, messages=HI)  # type: ignore[arg-type]
    finally:
        os.environ.update(kept)


def _anthropic_too_much() -> None:
    anthropic.Anthropic(api_key="k").messages.create(model="m", max_tokens=999_999, messages=HI)  # type: ignore[arg-type]


# bedrock, rows 23 to 34


def _bedrock_says(status: int, code: str, text: str = "No.", more: JSONObject | None = None, **headers: str) -> Said:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Said(status=status, headers={"x-amzn-errortype": code, **names}, body={"message": text, **(more or {})})


def _bedrock_stream(code: str, text: str = "No.") -> bytes:
    return codec("bedrock").frame({code: {"message": text}})


def _bedrock() -> list[Case]:
    rows, say = Rows("bedrock"), _bedrock_says
    rows.wire(23, "throttling", "rate_limit", TOLD, say(429, "ThrottlingException"))
    rows.wire(23, "too_many", "rate_limit", TOLD, say(429, "TooManyRequestsException"))
    rows.wire(23, "waits", "rate_limit", TOLD, say(429, "ThrottlingException", x_amz_retry_after="1500"), wait=1.5)
    rows.stream(23, "throttling", "rate_limit", TOLD, _bedrock_stream("throttlingException"))
    rows.wire(24, "quota", "quota_exhausted", FALLS, say(400, "ServiceQuotaExceededException"))
    daily = say(429, "ThrottlingException", "Too many tokens per day, please wait before trying again.")
    rows.wire(24, "tokens_per_day", "quota_exhausted", FALLS, daily)
    rows.wire(25, "not_ready", "overloaded", TOLD, say(429, "ModelNotReadyException"))
    rows.wire(26, "503", "overloaded", TOLD, say(503, "ServiceUnavailableException"))
    rows.wire(26, "529", "overloaded", TOLD, Said(status=529, body={"message": "No."}))
    rows.stream(26, "503", "overloaded", TOLD, _bedrock_stream("serviceUnavailableException"))
    rows.wire(27, "500", "server", ONCE, say(500, "InternalServerException"))
    rows.wire(27, "424", "server", ONCE, say(424, "ModelErrorException", more={"originalStatusCode": 500}))
    rows.wire(27, "502", "server", ONCE, Said(status=502, body={"message": "No."}))
    rows.wire(27, "504", "timeout", ONCE, Said(status=504, body={"message": "No."}))
    blamed = say(424, "ModelErrorException", more={"originalStatusCode": 400})
    rows.wire(27, "424_of_400", "bad_request", PRIMARY_STOPS, blamed)
    rows.stream(27, "internal", "server", ONCE, _bedrock_stream("internalServerException"))
    rows.stream(27, "model", "server", ONCE, _bedrock_stream("modelStreamErrorException"))
    rows.wire(28, "408", "timeout", FALLS, say(408, "ModelTimeoutException"))
    endpoint = {"endpoint_url": "https://example.com"}
    for exc in (
        botocore.exceptions.ReadTimeoutError(**endpoint),
        botocore.exceptions.ConnectTimeoutError(**endpoint),
        urllib3.exceptions.ReadTimeoutError(None, "/", "slow"),  # type: ignore[arg-type]
    ):
        rows.wire(28, type(exc).__module__.partition(".")[0] + type(exc).__name__, "timeout", FALLS, exc)
    for exc in (
        botocore.exceptions.EndpointConnectionError(**endpoint),
        botocore.exceptions.ConnectionClosedError(**endpoint),
        botocore.exceptions.SSLError(**endpoint, error="bad certificate"),
        botocore.exceptions.ProxyConnectionError(proxy_url="https://example.com"),
        botocore.exceptions.ResponseStreamingError(error="reset"),
        urllib3.exceptions.ProtocolError("reset"),
        ChecksumMismatch(1, 2),
    ):
        rows.wire(29, type(exc).__name__, "connection", ONCE, exc)
    for name, text in (("input", "Input is too long for requested model."), ("prompt", "prompt is too long: 9 > 8")):
        rows.wire(30, name, "context_overflow", FALLS, say(400, "ValidationException", text))
    rows.wire(31, "validation", "bad_request", PRIMARY_STOPS, say(400, "ValidationException"))
    rows.made(31, "params", "bad_request", PRIMARY_STOPS, _caught(lambda: bedrock_client().converse(modelId=1)))
    rows.wire(32, "denied", "permission", PRIMARY_STOPS, say(403, "AccessDeniedException"))
    for code in ("ExpiredTokenException", "UnrecognizedClientException", "InvalidSignatureException"):
        rows.wire(32, code, "auth", PRIMARY_STOPS, say(403, code))
    rows.made(32, "no_credentials", "auth", PRIMARY_STOPS, botocore.exceptions.NoCredentialsError)
    rows.made(32, "no_region", "auth", PRIMARY_STOPS, _caught(_bedrock_nowhere))
    rows.wire(33, "404", "not_found", PRIMARY_STOPS, say(404, "ResourceNotFoundException"))
    return rows.cases


def _bedrock_nowhere() -> None:
    named = ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE")
    kept = {name: os.environ.pop(name) for name in named if name in os.environ}
    try:
        boto3.session.Session().client("bedrock-runtime", aws_access_key_id="k", aws_secret_access_key="k")
    finally:
        os.environ.update(kept)


# gemini, rows 35 to 42

_RPC = "type.googleapis.com/google.rpc."


def _gemini_says(status: int, word: str, text: str = "No.", *details: JSONObject, **headers: str) -> Said:
    error = {"code": status, "status": word, "message": text, "details": list(details)}
    return Said(
        status=status, headers={name.replace("_", "-"): value for name, value in headers.items()}, body={"error": error}
    )


def _quota(period: str) -> JSONObject:
    violation = {"quotaId": f"GenerateRequests{period}PerProjectPerModel"}
    return {"@type": f"{_RPC}QuotaFailure", "violations": [violation]}


def _retry_in(delay: str) -> JSONObject:
    return {"@type": f"{_RPC}RetryInfo", "retryDelay": delay}


def _gemini() -> list[Case]:
    rows, say, exhausted = Rows("gemini"), _gemini_says, "RESOURCE_EXHAUSTED"
    rows.wire(35, "429", "rate_limit", TOLD, say(429, exhausted))
    minute = say(429, exhausted, "No.", _quota("PerMinute"), _retry_in("2.5s"))
    rows.wire(35, "retry_info", "rate_limit", TOLD, minute, wait=2.5)
    rows.wire(35, "header", "rate_limit", TOLD, say(429, exhausted, retry_after="3"), wait=3)
    rows.wire(36, "per_day", "quota_exhausted", FALLS, say(429, exhausted, "No.", _quota("PerDay")))
    rows.wire(36, "402", "quota_exhausted", FALLS, say(402, exhausted, "Your prepayment credits are depleted."))
    billing = say(400, "FAILED_PRECONDITION", "Please enable billing on your project.")
    rows.wire(36, "400_billing", "quota_exhausted", FALLS, billing)
    rows.wire(37, "503", "overloaded", TOLD, say(503, "UNAVAILABLE", "The model is overloaded."))
    rows.wire(38, "500", "server", ONCE, say(500, "INTERNAL"))
    rows.wire(38, "502", "server", ONCE, Said(status=502, body="<html>Bad gateway</html>"))
    rows.wire(38, "504", "timeout", ONCE, say(504, "DEADLINE_EXCEEDED"))
    rows.wire(38, "499", "cancelled", ENDS, say(499, "CANCELLED"))
    for module in (httpx2, httpx):
        rows.wire(39, f"{module.__name__}_timeout", "timeout", FALLS, module.ReadTimeout("slow"))
        rows.wire(39, f"{module.__name__}_refused", "connection", ONCE, module.ConnectError("refused"))
        rows.wire(39, f"{module.__name__}_reset", "connection", ONCE, module.ReadError("reset"))
    too_long = "The input token count (1100000) exceeds the maximum number of tokens allowed (1048576)."
    rows.wire(40, "400", "context_overflow", FALLS, say(400, "INVALID_ARGUMENT", too_long))
    rows.wire(42, "400", "bad_request", PRIMARY_STOPS, say(400, "INVALID_ARGUMENT"))
    bad_key = {"@type": f"{_RPC}ErrorInfo", "reason": "API_KEY_INVALID"}
    rows.wire(42, "bad_key", "auth", PRIMARY_STOPS, say(400, "INVALID_ARGUMENT", "No.", bad_key))
    rows.wire(42, "401", "auth", PRIMARY_STOPS, say(401, "UNAUTHENTICATED"))
    rows.wire(42, "403", "permission", PRIMARY_STOPS, say(403, "PERMISSION_DENIED"))
    rows.wire(42, "404", "not_found", PRIMARY_STOPS, say(404, "NOT_FOUND"))
    shape = _caught(lambda: gemini_types.GenerateContentConfig.model_validate({"noSuchKey": 1}))
    rows.made(42, "pydantic", "bad_request", PRIMARY_STOPS, shape)
    rows.made(42, "value_error", "bad_request", PRIMARY_STOPS, lambda: ValueError("only in Enterprise mode"))
    return rows.cases


# mistral, rows 43 to 50


def _mistral_says(status: int, kind: str, text: str = "No.", code: str | None = None, **headers: str) -> Said:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Said(status=status, headers=names, body=_mistral_error(kind, text, code))


def _mistral_error(kind: str, text: str = "No.", code: str | None = None) -> JSONObject:
    return {"object": "error", "message": text, "type": kind, "param": None, "code": code}


def _mistral() -> list[Case]:
    rows, say = Rows("mistral"), _mistral_says
    rows.wire(43, "1300", "rate_limit", TOLD, say(429, "rate_limited", code="1300"))
    rows.wire(43, "waits", "rate_limit", TOLD, say(429, "rate_limited", code="1300", retry_after="4"), wait=4)
    full = "Service tier capacity exceeded for this model."
    rows.wire(44, "429", "overloaded", TOLD, say(429, "service_tier_capacity_exceeded", full, "3505"))
    rows.wire(44, "503", "overloaded", TOLD, say(503, "service_unavailable", full))
    rows.wire(45, "402", "quota_exhausted", FALLS, say(402, "payment_required"))
    rows.wire(45, "429_monthly", "quota_exhausted", FALLS, say(429, "error", "Monthly usage limit reached."))
    rows.wire(46, "500", "server", ONCE, say(500, "internal_server_error", code="1000"))
    rows.wire(46, "502", "server", ONCE, Said(status=502, body="<html>Bad gateway</html>"))
    rows.wire(46, "503", "overloaded", TOLD, Said(status=503, body="upstream connect error"))
    rows.wire(46, "504", "timeout", ONCE, Said(status=504, body="<html>Timeout</html>"))
    rows.wire(46, "500_waits", "server", TOLD, say(500, "internal_server_error", retry_after="1"), wait=1)
    rows.made(46, "no_response", "server", ONCE, mistral_errors.NoResponseError)
    for kind_word, text, kind, does in (
        ("internal_server_error", "No.", "server", ONCE),
        ("rate_limited", "No.", "rate_limit", TOLD),
        ("service_tier_capacity_exceeded", full, "overloaded", TOLD),
    ):
        rows.stream(46, kind_word, kind, does, *_sse(_mistral_error(kind_word, text)))  # type: ignore[arg-type]
    rows.wire(47, "timeout", "timeout", FALLS, httpx2.ReadTimeout("slow"))
    rows.wire(47, "refused", "connection", ONCE, httpx2.ConnectError("refused"))
    rows.wire(47, "disconnected", "connection", ONCE, httpx2.RemoteProtocolError("disconnected"))
    too_long = "Prompt contains 140000 tokens, too large for model with 131072 maximum context length"
    rows.wire(48, "400", "context_overflow", FALLS, say(400, "invalid_request_error", too_long, "3051"))
    blocked = say(403, "guardrail_violation", "The input was blocked by a guardrail.")
    rows.wire(49, "guardrail", "content_policy", ENDS, blocked)
    rows.wire(49, "moderation", "content_policy", ENDS, say(403, "moderation_violation"))
    for code in ("3230", "3280"):
        rows.wire(50, code, "bad_request", PRIMARY_STOPS, say(400, "invalid_request_message_order", code=code))
    detail = [{"loc": ["body", "messages"], "msg": "Field required", "type": "missing"}]
    rows.wire(50, "422", "bad_request", PRIMARY_STOPS, Said(status=422, body={"detail": detail}))
    rows.wire(50, "401", "auth", PRIMARY_STOPS, Said(status=401, body={"detail": "Unauthorized"}))
    rows.wire(50, "403", "permission", PRIMARY_STOPS, say(403, "forbidden"))
    rows.wire(50, "404", "not_found", PRIMARY_STOPS, Said(status=404, body={"detail": "Not Found"}))
    rows.wire(50, "unknown_model", "not_found", PRIMARY_STOPS, say(400, "invalid_model", "Invalid model: x", "1500"))
    shape = _caught(lambda: pydantic.TypeAdapter(int).validate_python("x"))
    rows.made(50, "pydantic", "bad_request", PRIMARY_STOPS, shape)
    return rows.cases


# rows of every provider


def _any() -> Iterator[Case]:
    for exc in (CancelledError(), KeyboardInterrupt(), GeneratorExit()):
        yield Case(
            row=51,
            provider="openai",
            name=type(exc).__name__,
            kind="cancelled",
            does=ENDS,
            made=lambda exc=exc: exc,  # type: ignore[misc]
        )


CASES: tuple[Case, ...] = (*_openai(), *_anthropic(), *_bedrock(), *_gemini(), *_mistral())
INTERRUPTIONS: tuple[Case, ...] = tuple(_any())

ANSWERS: dict[int, tuple[Provider, JSONObject]] = {
    19: (
        "anthropic",
        {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": "refusal"},
    ),
    34: ("bedrock", {"output": {"message": {"role": "assistant", "content": []}}, "stopReason": "content_filtered"}),
    41: ("gemini", {"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "modelVersion": "m"}),
}
"""Rows that are no errors: a 200 whose model would not answer. It is an answer, and the caller gets it."""

TRUNCATED_ROW = 52
