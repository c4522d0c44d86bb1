"""What differs between Gemini models. An unknown model gets today's behaviour.

Each row says where it is from, with the date. Levels and budgets as such: providers.md 4.2
and 6.5, 2026-11-22.
"""

from __future__ import annotations

from dataclasses import dataclass

from ..requests import Effort


@dataclass(frozen=True, slots=True, kw_only=True)
class Thinking:
    """How a model is told to think: by levels, or else by a budget from `low` to `high`; `off`: may it not think."""

    levels: bool
    coarse: bool = False
    """Of the levels, only LOW and HIGH."""
    minimal: bool = True
    """Of the levels, MINIMAL too."""
    low: int = 1
    high: int = 65_536
    off: bool = True


_QUOTED = "hexdocs.pm/gemini_ex 0.11 and 0.13, quoting ai.google.dev's page on thinking, read 2026-11-25"

_THINKERS = "firebase.google.com/docs/ai-logic/thinking names 2.5 and 3, read 2026-11-30"
_LEVELS = "docs.cloud.google.com/gemini-enterprise-agent-platform/models/thinking, read 2026-11-30"

THINKING: tuple[tuple[str, Thinking | None, str], ...] = (
    ("gemini-1", None, _THINKERS),
    ("gemini-2.0", None, _THINKERS),
    ("gemini-2.5-pro", Thinking(levels=False, low=128, high=32_768, off=False), _QUOTED),
    ("gemini-2.5-flash-lite", Thinking(levels=False, low=512, high=24_576), _QUOTED),
    ("gemini-2.5", Thinking(levels=False, high=24_576), _QUOTED),
    ("gemini-3-pro", Thinking(levels=True, off=False, coarse=True), _QUOTED),
    ("gemini-3.1-pro", Thinking(levels=True, off=False, minimal=False), "docs.rs/adk-model 1.0, read 2026-11-30"),
    ("gemini-3.7-flash", Thinking(levels=True, minimal=False), _LEVELS),
    ("gemini-3.8-flash", Thinking(levels=True, minimal=False), _LEVELS),
)
"""By the start of a model's name; the first row that fits counts. None: the model cannot think. Then the source."""

TODAY = Thinking(levels=True)

EFFORT_BUDGETS: dict[Effort, int] = {
    "minimal": 1024,
    "low": 1024,
    "medium": 8192,
    "high": 24_576,
    "xhigh": 32_768,
    "max": 32_768,
}
"""For models that take a budget only. Low, medium and high are Google's own for its OpenAI-compatible endpoint (1K, 8K,
24K: ai.google.dev/gemini-api/docs/openai as feedback.typingmind.com quotes it, read 2026-11-30); the others ours."""

UNSIGNED = ("gemini-1", "gemini-2")
"""Models that take function calls in history without a thought signature; Gemini 3 and later answer 400
(providers.md 4.3, 2026-11-22)."""


def thinking_of(model: str) -> Thinking | None:
    """How `model` is told to think."""
    name = _short(model)
    return next((fact for start, fact, _ in THINKING if name.startswith(start)), TODAY)


def wants_signatures(model: str) -> bool:
    """Does `model` refuse a function call without a thought signature in history?"""
    return not _short(model).startswith(UNSIGNED)


UNVALIDATED = ("gemini-1", "gemini-2.0")
"""Models that do not know the mode VALIDATED (pydantic-ai's profile of Google's models, read 2026-11-30)."""


def validates(model: str) -> bool:
    """Can `model` be held to the schemas of its tools where it may as well say something?"""
    return not _short(model).startswith(UNVALIDATED)


def _short(model: str) -> str:
    return model.rpartition("/")[2]
