"""Real SDK clients that talk to a sandbox: dummy keys, everything else as the SDK has it, retries included.

Keyword arguments go to the SDK's own constructor. Each function imports its SDK, and no other.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from spaturzu_translators.messages import Provider

from .sandbox import Sandbox

if TYPE_CHECKING:
    from anthropic import Anthropic, AsyncAnthropic
    from google.genai import Client
    from mistralai.client import Mistral
    from openai import AsyncOpenAI, OpenAI

KEY = "sandbox-key"

MODELS: dict[Provider, str] = {
    "openai": "gpt-6-astra",
    "anthropic": "claude-haiku-5-5",
    "bedrock": "anthropic.claude-haiku-5-5-v1:0",
    "gemini": "gemini-3.8-flash",
    "mistral": "mistral-large-latest",
}
"""A current model of each provider (2026-11-22). The sandbox answers for any name."""


def openai(sandbox: Sandbox, **options: Any) -> OpenAI:
    """`openai.OpenAI`."""
    from openai import OpenAI

    given: dict[str, Any] = {"base_url": sandbox.url("openai"), "api_key": KEY, **options}
    return OpenAI(**given)


def async_openai(sandbox: Sandbox, **options: Any) -> AsyncOpenAI:
    """`openai.AsyncOpenAI`."""
    from openai import AsyncOpenAI

    given: dict[str, Any] = {"base_url": sandbox.url("openai"), "api_key": KEY, **options}
    return AsyncOpenAI(**given)


def anthropic(sandbox: Sandbox, **options: Any) -> Anthropic:
    """`anthropic.Anthropic`."""
    from anthropic import Anthropic

    given: dict[str, Any] = {"base_url": sandbox.url("anthropic"), "api_key": KEY, **options}
    return Anthropic(**given)


def async_anthropic(sandbox: Sandbox, **options: Any) -> AsyncAnthropic:
    """`anthropic.AsyncAnthropic`."""
    from anthropic import AsyncAnthropic

    given: dict[str, Any] = {"base_url": sandbox.url("anthropic"), "api_key": KEY, **options}
    return AsyncAnthropic(**given)


def bedrock(sandbox: Sandbox, **options: Any) -> Any:
    """boto3's `bedrock-runtime` client, whose class botocore makes at run time."""
    boto3: Any = import_module("boto3")  # has no types
    keys: dict[str, Any] = {"aws_access_key_id": KEY, "aws_secret_access_key": KEY}
    place = {"region_name": "us-east-1", "endpoint_url": sandbox.url("bedrock")}
    return boto3.client("bedrock-runtime", **{**keys, **place, **options})


def gemini(sandbox: Sandbox, **options: Any) -> Client:
    """`google.genai.Client`; `http_options` keep what they say and get the sandbox's address.

    Hold it while you use it: it closes its connections when it is collected.
    """
    from google.genai import Client
    from google.genai.types import HttpOptions

    http = HttpOptions.model_validate(options.pop("http_options", None) or {}).model_copy()
    http.base_url = http.base_url or sandbox.url("gemini")
    given: dict[str, Any] = {"api_key": KEY, "http_options": http, **options}
    return Client(**given)


def mistral(sandbox: Sandbox, **options: Any) -> Mistral:
    """`mistralai.client.Mistral`, for sync and async alike."""
    from mistralai.client import Mistral

    given: dict[str, Any] = {"server_url": sandbox.url("mistral"), "api_key": KEY, **options}
    return Mistral(**given)
