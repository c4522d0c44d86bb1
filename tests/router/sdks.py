"""The five real SDKs over an upstream that is a plain function: what they raise for an answer, or for none."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import SimpleNamespace
from typing import Any, TypeAlias

import anthropic
import boto3
import httpx2
import openai
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from google import genai
from google.genai.types import HttpOptions
from mistralai.client import Mistral

from spaturzu_translators.failures import ErrorReply
from spaturzu_translators.messages import JSON, Provider

HI = [{"role": "user", "content": "Hi"}]


@dataclass(frozen=True, kw_only=True)
class Said:
    """One HTTP answer. `chunks` are the pieces of a stream's body."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: JSON = None
    chunks: tuple[bytes, ...] = ()

    @property
    def content(self) -> bytes:
        return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body).encode()

    @property
    def reply(self) -> ErrorReply:
        """The same as the door sees it."""
        return ErrorReply(status=self.status, headers=self.headers, body=self.body)


Upstream: TypeAlias = Said | Exception
"""What the provider answers, or what the transport raises."""

_next: list[Upstream] = []


def raised(provider: Provider, upstream: Upstream, *, stream: bool = False) -> Exception:
    """The exception of `provider`'s real SDK when its one request meets `upstream`."""
    _next[:] = [upstream]
    try:
        CALLS[provider](stream)
    except Exception as exc:  # noqa: BLE001 - the subject of the test
        return exc
    raise AssertionError(f"{provider} raised nothing for {upstream}")


def _handle(request: httpx2.Request) -> httpx2.Response:
    upstream = _next[0]
    if isinstance(upstream, Exception):
        raise upstream
    if upstream.chunks:
        return httpx2.Response(upstream.status, headers=dict(upstream.headers), content=iter(upstream.chunks))
    headers = {"content-type": "application/json", **upstream.headers}
    return httpx2.Response(upstream.status, headers=headers, content=upstream.content)


def _http() -> httpx2.Client:
    return httpx2.Client(transport=httpx2.MockTransport(_handle))


@cache
def _openai() -> openai.OpenAI:
    return openai.OpenAI(api_key="k", max_retries=0, http_client=_http())


@cache
def _anthropic() -> anthropic.Anthropic:
    return anthropic.Anthropic(api_key="k", max_retries=0, http_client=_http())


@cache
def _gemini() -> genai.Client:
    return genai.Client(api_key="k", http_options=HttpOptions(httpx_client=_http()))


@cache
def _mistral() -> Mistral:
    return Mistral(api_key="k", client=_http())


@cache
def bedrock_client() -> Any:
    """boto3's client, whose HTTP session is the upstream."""
    client = boto3.client(
        "bedrock-runtime",
        region_name="us-east-1",
        aws_access_key_id="k",
        aws_secret_access_key="k",
        config=Config(retries={"total_max_attempts": 1, "mode": "standard"}),
    )
    client._endpoint.http_session = SimpleNamespace(send=_session_send)
    return client


def _session_send(request: Any) -> AWSResponse:
    upstream = _next[0]
    if isinstance(upstream, Exception):
        raise upstream
    return AWSResponse(request.url, upstream.status, dict(upstream.headers), _Raw(upstream))


class _Raw:
    """The body as botocore reads it."""

    def __init__(self, upstream: Said) -> None:
        self._chunks = upstream.chunks or (upstream.content,)

    def stream(self, amt: int = 1024, decode_content: bool | None = None) -> Iterator[bytes]:
        yield from self._chunks

    def close(self) -> None: ...


def call_openai(stream: bool) -> None:
    """Ask, and read a stream to its end."""
    answer = _openai().chat.completions.create(model="m", messages=HI, stream=stream)  # type: ignore[call-overload]
    list(answer if stream else ())


def call_anthropic(stream: bool) -> None:
    """Ask, and read a stream to its end."""
    answer = _anthropic().messages.create(model="m", max_tokens=9, messages=HI, stream=stream)  # type: ignore[call-overload]
    list(answer if stream else ())


def call_bedrock(stream: bool) -> None:
    """Ask, and read a stream to its end."""
    client = bedrock_client()
    asked = {"modelId": "m", "messages": [{"role": "user", "content": [{"text": "Hi"}]}]}
    list(client.converse_stream(**asked)["stream"] if stream else client.converse(**asked))


def call_gemini(stream: bool) -> None:
    """Ask, and read a stream to its end."""
    models = _gemini().models
    if stream:
        list(models.generate_content_stream(model="m", contents="Hi"))
    else:
        models.generate_content(model="m", contents="Hi")


def call_mistral(stream: bool) -> None:
    """Ask, and read a stream to its end."""
    chat = _mistral().chat
    if stream:
        list(chat.stream(model="m", messages=HI))  # type: ignore[arg-type]
    else:
        chat.complete(model="m", messages=HI)  # type: ignore[arg-type]


CALLS: dict[Provider, Callable[[bool], None]] = {
    "openai": call_openai,
    "anthropic": call_anthropic,
    "bedrock": call_bedrock,
    "gemini": call_gemini,
    "mistral": call_mistral,
}
