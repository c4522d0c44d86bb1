"""When models end, as far as their makers have said: after it every call of them is a 404.

Sources: OpenAI's models in providers.md section 1.5 and Anthropic's in its SDK 2.12 (`DEPRECATED_MODELS`), 2026-11-22.
Gemini's and Mistral's deprecated models stand in genai-prices' list without a date; Mistral's service tells one
(`check --live`). Bedrock has dates of its own, also for Anthropic's models: `lifecycle` asks for them.
"""

from __future__ import annotations

import re
from datetime import date

from spaturzu_translators.messages import Provider

_ENDS: dict[Provider, dict[date, tuple[str, ...]]] = {
    "openai": {
        date(2026, 10, 23): ("gpt-4.1-nano", "o4-mini", "o3-mini", "gpt-4-turbo", "gpt-3.5-turbo"),
        date(2026, 12, 11): ("gpt-5", "gpt-5-mini", "gpt-5-nano", "o3"),
        date(2027, 1, 14): ("gpt-4o", "gpt-4o-mini", "gpt-4.1", "gpt-4.1-mini"),
    },
    "anthropic": {
        date(2024, 11, 6): ("claude-1.3", "claude-instant-1.1", "claude-instant-1.2"),
        date(2025, 7, 21): ("claude-2.0", "claude-2.1", "claude-3-sonnet"),
        date(2026, 1, 5): ("claude-3-opus",),
        date(2026, 2, 19): ("claude-3-7-sonnet", "claude-3-5-haiku"),
        date(2026, 6, 15): ("claude-opus-4-0", "claude-opus-4", "claude-sonnet-4-0", "claude-sonnet-4"),
        date(2026, 6, 30): ("claude-mythos-preview",),
        date(2026, 11, 30): ("claude-sonnet-4-5",),
    },
}
_VERSION = re.compile(r"-(?:latest|\d{8}|\d{4}-\d{2}-\d{2})$")
"""What a name ends in that says which of a model's versions it is."""


def end_of(provider: Provider, model: str) -> date | None:
    """The day on which it ends or ended; None where none is known."""
    name = _VERSION.sub("", model)
    return next((day for day, names in _ENDS.get(provider, {}).items() if name in names), None)
