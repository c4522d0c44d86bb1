"""Tool-call ids under each provider's rules: one deterministic function, so calls and results stay paired.

Source: providers.md section 6.3, 2026-11-22.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable

from .messages import Provider

_RULES: dict[Provider, tuple[Callable[[str], object], int]] = {
    "openai": (lambda call_id: 0 < len(call_id) <= 40, 40),
    "anthropic": (re.compile(r"[a-zA-Z0-9_-]{1,128}").fullmatch, 40),
    "bedrock": (re.compile(r"[a-zA-Z0-9_.:-]{1,64}").fullmatch, 40),
    "gemini": (bool, 40),
    "mistral": (re.compile(r"[a-zA-Z0-9]{9}").fullmatch, 9),
}
"""What each accepts, and how long the id is that stands in for one that it does not."""
_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def map_id(provider: Provider, call_id: str) -> str:
    """`call_id` itself where `provider` accepts it, else a hash of it that `provider` accepts."""
    accepts, length = _RULES[provider]
    return call_id if accepts(call_id) else _hashed(call_id, length)


class Remembered(dict[str, str]):
    """A conversion of ids or names that one encoding asks for again and again: `of` once for each."""

    __slots__ = ("of",)

    def __init__(self, of: Callable[[str], str]) -> None:
        self.of = of

    def __missing__(self, given: str) -> str:
        found = self[given] = self.of(given)
        return found


def short_hash(text: str) -> str:
    """Eight hexadecimal digits that stand for `text`."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]


def _hashed(call_id: str, length: int) -> str:
    number = int.from_bytes(hashlib.sha256(call_id.encode("utf-8", "surrogatepass")).digest(), "big")
    digits: list[str] = []
    for _ in range(length):
        number, digit = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return "".join(digits)


def short_name(name: str, limit: int) -> str:
    """A tool name within `limit` characters: cut, with a hash of the whole, so two long names stay two."""
    return name if len(name) <= limit else f"{name[: limit - 9]}_{_hashed(name, 8)}"
