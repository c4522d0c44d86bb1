"""The five providers' wires as the sandbox speaks them."""

from __future__ import annotations

from spaturzu_translators.messages import Provider

from . import anthropic, bedrock, gemini, mistral, openai
from .dialect import Asked, Dialect, Streamed

DIALECTS: dict[Provider, Dialect] = {
    "openai": openai.DIALECT,
    "anthropic": anthropic.DIALECT,
    "bedrock": bedrock.DIALECT,
    "gemini": gemini.DIALECT,
    "mistral": mistral.DIALECT,
}

__all__ = ["DIALECTS", "Asked", "Dialect", "Streamed"]
