"""A model's name, as calls and answers have it, to where it is sold and what price lists call it there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

from spaturzu_translators.messages import Provider

Seller: TypeAlias = Literal["openai", "anthropic", "aws", "google", "mistral"]
"""Who sends the bill, in genai-prices' words."""

SELLERS: dict[Provider, Seller] = {
    "openai": "openai",
    "anthropic": "anthropic",
    "bedrock": "aws",
    "gemini": "google",
    "mistral": "mistral",
}

_BEDROCK = re.compile(r"(?:[a-z]+(?:-[a-z]+)?\.)?(?:anthropic|amazon|meta|mistral|cohere|ai21|deepseek|openai|qwen)\.")
_VERTEX = re.compile(r"@(?P<version>[\w.-]+)$")

ALIASES: dict[tuple[Seller, str], str] = {
    ("anthropic", "claude-haiku-3.5"): "claude-3-5-haiku-20241022",
    ("anthropic", "claude-haiku-3"): "claude-3-haiku-20240307",
}
"""Ids that no API answers to and that NullSpend's table of 56 has (0.4.0, read 2026-11-22); the same figures there."""


@dataclass(frozen=True, slots=True)
class Sold:
    """One model at one seller; `names` are its spellings, to be tried in turn."""

    seller: Seller
    names: tuple[str, ...]


def sold_as(provider: Provider, model: str) -> Sold:
    """Bedrock's ARNs and inference profiles, Vertex's `publishers/...` and `@date`, and plain ids."""
    seller, name = SELLERS[provider], model.rsplit("/", 1)[-1] if _is_path(model) else model
    if seller == "anthropic" and _BEDROCK.match(name):
        seller = "aws"
    if seller == "anthropic" and (_VERTEX.search(name) or "publishers/" in model):
        seller = "google"
    name = ALIASES.get((seller, name), name)
    return Sold(seller, tuple(dict.fromkeys((name, _VERTEX.sub(r"-\g<version>", name), _VERTEX.sub("", name)))))


def _is_path(model: str) -> bool:
    return model.startswith(("arn:", "models/", "projects/", "publishers/"))


def candidates(provider: Provider, model: str | None, request_model: str | None) -> tuple[Sold, ...]:
    """The model that the answer names, then the one that was asked for.

    Claude on Bedrock or Vertex through Anthropic's SDK answers with a bare name, and it is the request's that says who
    bills: then that goes first.
    """
    found = [sold_as(provider, name) for name in (model, request_model) if name]
    if len(found) == 2 and found[1].seller != SELLERS[provider]:
        found.reverse()
    return tuple(found)
