"""The OpenAI drop-in: `from spaturzu.openai import OpenAI`. All other names are those of `openai`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import openai as _openai

from .dropin import Options, class_of, subclassed
from .tracked.stainless import StainlessDropIn, over_duck, wrapped

if TYPE_CHECKING:
    from .instance import Spaturzu


class _OpenAI(StainlessDropIn):
    _wire_of = "openai"
    _sdk = _openai


class OpenAI(_OpenAI, _openai.OpenAI):
    """`openai.OpenAI` that falls back: `OpenAI(spaturzu={"fallback": [...]})`. Raises ConfigError on bad options."""


class AsyncOpenAI(_OpenAI, _openai.AsyncOpenAI):
    """`openai.AsyncOpenAI` that falls back."""


class AzureOpenAI(_OpenAI, _openai.AzureOpenAI):
    """`openai.AzureOpenAI` that falls back."""


class AsyncAzureOpenAI(_OpenAI, _openai.AsyncAzureOpenAI):
    """`openai.AsyncAzureOpenAI` that falls back."""


def wrap(client: Any, options: Options, instance: Spaturzu) -> Any:
    """`Spaturzu.wrap_openai`."""
    if not isinstance(client, _openai.OpenAI | _openai.AsyncOpenAI):
        client = over_duck(client, "openai", OpenAI, AsyncOpenAI)
    return wrapped(client, subclassed(_OpenAI, class_of(client)), options, instance)


def __getattr__(name: str) -> Any:
    """Everything else of `openai`, so that changing the import is all there is to change."""
    return getattr(_openai, name)
