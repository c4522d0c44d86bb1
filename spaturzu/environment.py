"""Raw SDK clients built from the environment, as a provider's own quick start would build them.

    client_for("anthropic", as_async=False)  ->  anthropic.Anthropic(), which reads ANTHROPIC_API_KEY

Each function imports its SDK when it is called, and no other.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from spaturzu_translators.messages import PROVIDERS, Provider

from .errors import ConfigError

ALIASES: dict[str, Provider] = {"google": "gemini"}
"""Other names that a chain may give a provider."""


@dataclass(frozen=True, slots=True)
class _Recipe:
    """`keys`: one of these variables must be set (none for Bedrock, whose SDK has a chain of its own)."""

    extra: str
    keys: tuple[str, ...]
    make: Callable[[bool], Any]


def client_for(provider: Provider, *, as_async: bool) -> Any:
    """A raw client of `provider`'s SDK. Async where the SDK has a class for it (OpenAI, Anthropic).

    Raises ConfigError where the SDK is not installed or its key is not set.
    """
    recipe = _RECIPES[provider]
    if recipe.keys and not any(map(os.environ.get, recipe.keys)):
        raise ConfigError(
            f"spaturzu: {provider} needs a key: set {' or '.join(recipe.keys)}, or give a client yourself"
        )
    try:
        return recipe.make(as_async)
    except ImportError as error:
        raise ConfigError(
            f"spaturzu: {provider}'s SDK is not installed: pip install 'spaturzu[{recipe.extra}]'"
        ) from error


def split_name(where: str, name: str) -> tuple[Provider, str]:
    """`"anthropic/claude-haiku-5-5"` as provider and model. Raises ConfigError on anything else, with `where` it is."""
    prefix, slash, model = name.partition("/")
    provider = ALIASES.get(prefix, prefix)
    if not slash or not model or provider not in PROVIDERS:
        raise ConfigError(
            f"spaturzu: {where} is {name!r}, which names no target; "
            f"write PROVIDER/MODEL, with a provider of {', '.join(PROVIDERS)}"
        )
    return provider, model


def _openai(as_async: bool) -> Any:
    sdk: Any = import_module("openai")
    return sdk.AsyncOpenAI() if as_async else sdk.OpenAI()


def _anthropic(as_async: bool) -> Any:
    sdk: Any = import_module("anthropic")
    return sdk.AsyncAnthropic() if as_async else sdk.Anthropic()


def _bedrock(_: bool) -> Any:
    """boto3 itself reads AWS_DEFAULT_REGION and its files; AWS's other SDKs, and its own platforms, AWS_REGION."""
    boto3: Any = import_module("boto3")
    core: Any = import_module("botocore.exceptions")
    try:
        return boto3.client("bedrock-runtime", region_name=os.environ.get("AWS_REGION") or None)
    except core.NoRegionError as error:
        raise ConfigError("spaturzu: bedrock needs a region: set AWS_REGION, or give a client yourself") from error


def _gemini(_: bool) -> Any:
    sdk: Any = import_module("google.genai")
    return sdk.Client()


def _mistral(_: bool) -> Any:
    sdk: Any = import_module("mistralai.client")
    return sdk.Mistral(api_key=os.environ["MISTRAL_API_KEY"], server_url=os.environ.get("MISTRAL_SERVER_URL"))


_RECIPES: dict[Provider, _Recipe] = {
    "openai": _Recipe("openai", ("OPENAI_API_KEY",), _openai),
    "anthropic": _Recipe("anthropic", ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"), _anthropic),
    "bedrock": _Recipe("bedrock", (), _bedrock),
    "gemini": _Recipe(
        "google",
        ("GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GENAI_USE_VERTEXAI", "GOOGLE_GENAI_USE_ENTERPRISE"),
        _gemini,
    ),
    "mistral": _Recipe("mistral", ("MISTRAL_API_KEY",), _mistral),
}
