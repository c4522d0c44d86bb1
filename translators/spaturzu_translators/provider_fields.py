"""Which of a provider's own fields only tune an answer. One that is not named here carries meaning.

A caller's field that nobody here has heard of may be the point of the call, so it skips foreign targets.
Source: providers.md sections 1 to 5 and 11, 2026-11-22.
"""

from __future__ import annotations

TUNING: dict[str, frozenset[str]] = {
    "openai": frozenset(),
    "anthropic": frozenset(),
    "bedrock": frozenset(),
    "gemini": frozenset(),
    "mistral": frozenset(),
}


def is_tuning(provider: str, name: str) -> bool:
    """Can a call do without this field of `provider` and still mean the same?"""
    return name in TUNING.get(provider, ())
