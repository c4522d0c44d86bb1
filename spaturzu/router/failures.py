"""Foreign exceptions are reduced to a `Failure` here, where they enter, and nowhere else."""

from __future__ import annotations

from dataclasses import replace
from traceback import walk_tb

from spaturzu_translators.codec import codec
from spaturzu_translators.failures import ErrorReply, Failure, FailureKind
from spaturzu_translators.messages import Provider

from .resets import reset_s
from .targets import sdk
from .watch import Late

BY_CLASS: dict[str, FailureKind] = {
    # openai and anthropic wrap the transport's exceptions
    "APITimeoutError": "timeout",
    "APIConnectionError": "connection",
    "APIResponseValidationError": "server",
    "RetryableError": "server",
    "CredentialsError": "auth",
    # httpx and httpx2: the nearest named ancestor counts
    "TimeoutException": "timeout",
    "TransportError": "connection",
    "DecodingError": "server",
    # botocore and urllib3
    "ConnectTimeoutError": "timeout",
    "ReadTimeoutError": "timeout",
    "ConnectTimeout": "timeout",
    "ReadTimeout": "timeout",
    "EndpointConnectionError": "connection",
    "ConnectionClosedError": "connection",
    "SSLError": "connection",
    "ProxyConnectionError": "connection",
    "HTTPClientError": "connection",
    "ProtocolError": "connection",
    "NewConnectionError": "connection",
    "ChecksumMismatch": "connection",
    "ResponseStreamingError": "connection",
    "IncompleteReadError": "connection",
    "ResponseParserError": "server",
    "NoCredentialsError": "auth",
    "PartialCredentialsError": "auth",
    "TokenRetrievalError": "auth",
    "NoRegionError": "auth",
    "ParamValidationError": "bad_request",
    # aiohttp, for clients that use it
    "ServerTimeoutError": "timeout",
    "ClientConnectionError": "connection",
    "ClientPayloadError": "connection",
    # the rest
    "NoResponseError": "server",
    "UnknownApiResponseError": "server",  # google-genai's, of a stream's event
    "ResponseNotRead": "server",  # mistralai's, of a stream's empty answer
    "ValidationError": "bad_request",
    "JSONDecodeError": "server",
    "BadWire": "server",
    "RecursionError": "server",  # an answer that is nested too deeply for its SDK
    "UnicodeDecodeError": "server",
    "TimeoutError": "timeout",
    "ConnectionError": "connection",
}
"""Exceptions without an HTTP answer, by class name, nearest ancestor first (providers.md 7, 2026-11-22)."""

_READERS = {
    "botocore.parsers": "",
    "aiobotocore.parsers": "",
    "google.genai.models": "_GenerateContentResponse_from_",
    "google.genai._common": "_from_response",
}
"""Functions of SDKs that read answers, by module and the beginning of their names. They raise TypeError, AttributeError
or pydantic's ValidationError where JSON has not the right form (botocore 1.43 and 1.44, google-genai 2 and 3 [S])."""

_SHOULD_RETRY = {"true": True, "false": False}


def failure_of(exc: Exception, provider: Provider) -> Failure | None:
    """What `exc`, raised by `provider`'s SDK or by its transport, means; None for one that nobody here knows."""
    if late := next((error for error in (exc, exc.__cause__) if isinstance(error, Late)), None):
        return Failure(kind="timeout", code=late.limit)
    reply = sdk(provider).error(exc)
    if reply is not None:
        return failure_of_reply(reply, provider)
    if _was_reading(exc):
        return Failure(kind="server", code=type(exc).__name__)
    for cls in type(exc).__mro__:
        if kind := BY_CLASS.get(cls.__name__):
            return Failure(kind=kind, code=type(exc).__name__)
    return _refused_locally(exc)


def failure_of_reply(reply: ErrorReply, provider: Provider) -> Failure:
    """What an error answer means, with the provider's own word on whether to retry."""
    failure = codec(provider).decode_error(reply)
    if failure.kind == "rate_limit" and failure.retry_after_s is None:
        failure = replace(failure, retry_after_s=reset_s(reply.headers))
    said = _SHOULD_RETRY.get(reply.headers.get("x-should-retry", ""))
    return failure if said is None else replace(failure, should_retry=said)


def _was_reading(exc: Exception) -> bool:
    """Did it come up as an SDK read an answer? Such a TypeError says nothing of the request."""
    for frame, _ in walk_tb(exc.__traceback__):
        beginning = _READERS.get(frame.f_globals.get("__name__", ""))
        if beginning is not None and frame.f_code.co_name.startswith(beginning):
            return True
    return False


def _refused_locally(exc: Exception) -> Failure | None:
    """anthropic raises builtin errors before it sends (providers.md 7, row 21)."""
    if isinstance(exc, TypeError) and "authentication" in str(exc):
        return Failure(kind="auth", code="TypeError")
    if isinstance(exc, TypeError | ValueError):
        return Failure(kind="bad_request", code=type(exc).__name__)
    return None
