"""Chains in every direction whose clients know nothing of a test: their requests are turned at the door."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

import anthropic
import boto3
import google.genai
import mistralai.client
import openai

from spaturzu.testing.cells import Cell
from spaturzu.testing.drill import arun_cells, run_cells
from spaturzu_translators.messages import PROVIDERS, Provider

KEY = "sk-live"
AWS: dict[str, Any] = {"region_name": "us-east-1", "aws_access_key_id": KEY, "aws_secret_access_key": KEY}
ASYNC_CLASSES: tuple[Provider, ...] = ("openai", "anthropic")
"""Whose SDK has an async client of its own."""

SPARE = "spare"
"""Every target's model, which no primary asks for."""


@dataclass(frozen=True)
class Directions:
    """Raw clients and an event loop for all tests of a worker."""

    runner: asyncio.Runner
    raw_clients: dict[tuple[Provider, bool], Any] = field(default_factory=dict[tuple[Provider, bool], Any])

    def raw(self, provider: Provider, as_async: bool) -> Any:
        """A target's client: async ones where the SDK has them."""
        if (provider, as_async) not in self.raw_clients:
            self.raw_clients[provider, as_async] = _raw(provider, as_async)
        return self.raw_clients[provider, as_async]

    def chain(self, places: Sequence[Provider], *, as_async: bool, **options: Any) -> Any:
        """A drop-in of the first that falls back to the others."""
        primary, *targets = places
        awaited = as_async and primary in ASYNC_CLASSES
        fallback = [
            {"provider": target, "client": self.raw(target, awaited and target in ASYNC_CLASSES), "model": SPARE}
            for target in targets
        ]
        return _drop_in(primary, as_async, {"fallback": fallback, **options})

    def run(self, client: Any, cells: Sequence[Cell], *, as_async: bool, at_once: int = 32) -> None:
        """All cells on one client, side by side."""
        if as_async:
            self.runner.run(arun_cells(client, cells, at_once=at_once))
        else:
            run_cells(client, cells, at_once=at_once)


def _raw(provider: Provider, as_async: bool) -> Any:
    match provider:
        case "openai":
            return (openai.AsyncOpenAI if as_async else openai.OpenAI)(api_key=KEY)
        case "anthropic":
            return (anthropic.AsyncAnthropic if as_async else anthropic.Anthropic)(api_key=KEY)
        case "bedrock":
            return boto3.client("bedrock-runtime", **AWS)
        case "gemini":
            return google.genai.Client(api_key=KEY)
        case "mistral":
            return mistralai.client.Mistral(api_key=KEY)


_DROP_INS: dict[Provider, tuple[str, str, str]] = {
    "openai": ("openai", "OpenAI", "AsyncOpenAI"),
    "anthropic": ("anthropic", "Anthropic", "AsyncAnthropic"),
    "bedrock": ("bedrock", "BedrockRuntime", "AsyncBedrockRuntime"),
    "gemini": ("google", "Client", "Client"),
    "mistral": ("mistral", "Mistral", "Mistral"),
}


def _drop_in(provider: Provider, as_async: bool, options: dict[str, Any]) -> Any:
    module, sync_name, async_name = _DROP_INS[provider]
    make = getattr(import_module(f"spaturzu.{module}"), async_name if as_async else sync_name)
    return make(**(AWS if provider == "bedrock" else {"api_key": KEY}), spaturzu=options)


def third(primary: Provider, target: Provider) -> Provider:
    """Somebody else, different for different directions."""
    others = [provider for provider in PROVIDERS if provider not in (primary, target)]
    return others[PROVIDERS.index(target) % len(others)]
