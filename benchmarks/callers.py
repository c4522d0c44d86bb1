"""The clients that compete: the raw SDKs', and the drop-ins with a chain and without."""

from __future__ import annotations

from typing import Any

import anthropic
import openai

import spaturzu.anthropic
import spaturzu.openai
from spaturzu.sandbox import clients

from .provider import Servers

MODELS = clients.MODELS
MESSAGES: list[Any] = [
    {"role": "user", "content": "What is the weather in Cluj?"},
    {"role": "assistant", "content": "Rain until noon, then sun."},
    {"role": "user", "content": "And tomorrow?"},
]


def key_and_url(servers: Servers, provider: Any) -> dict[str, Any]:
    """What points an SDK's client to its server."""
    return {"base_url": servers.url(provider), "api_key": clients.KEY}


def chain(servers: Servers, provider: Any) -> dict[str, Any]:
    """`spaturzu={...}` with one fallback, to `provider`."""
    made: Any = servers
    client = getattr(clients, provider)(made)
    return {"fallback": [{"provider": provider, "client": client, "model": MODELS[provider]}]}


def openai_clients(servers: Servers, *, as_async: bool) -> dict[str, Any]:
    """By name: raw, alone (no chain), chained."""
    raw, ours = (
        (openai.AsyncOpenAI, spaturzu.openai.AsyncOpenAI) if as_async else (openai.OpenAI, spaturzu.openai.OpenAI)
    )
    return _three(raw, ours, key_and_url(servers, "openai"), chain(servers, "anthropic"))


def anthropic_clients(servers: Servers, *, as_async: bool) -> dict[str, Any]:
    """By name: raw, alone (no chain), chained."""
    raw, ours = (
        (anthropic.AsyncAnthropic, spaturzu.anthropic.AsyncAnthropic)
        if as_async
        else (anthropic.Anthropic, spaturzu.anthropic.Anthropic)
    )
    return _three(raw, ours, key_and_url(servers, "anthropic"), chain(servers, "openai"))


def _three(raw: Any, ours: Any, where: dict[str, Any], options: dict[str, Any]) -> dict[str, Any]:
    return {"raw": raw(**where), "alone": ours(**where), "chained": ours(**where, spaturzu=options)}


def ask_openai(client: Any, **more: Any) -> Any:
    """A chat call of OpenAI's."""
    return client.chat.completions.create(model=MODELS["openai"], messages=MESSAGES, **more)


def ask_anthropic(client: Any, **more: Any) -> Any:
    """A chat call of Anthropic's."""
    return client.messages.create(model=MODELS["anthropic"], max_tokens=256, messages=MESSAGES, **more)
