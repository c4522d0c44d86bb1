"""What differs between Gemini models. An unknown model gets today's behaviour.

Sources: providers.md 4.3 and 6.5 and the thinking and thought-signature pages of ai.google.dev, 2026-11-22; budgets and
levels, with the same pages quoted: hexdocs.pm/gemini_ex 0.11 and 0.13, read 2026-11-25.
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
    low: int = 1
    high: int = 65_536
    off: bool = True


THINKING: tuple[tuple[str, Thinking | None], ...] = (
    ("gemini-1", None),
    ("gemini-2.0", None),
    ("gemma", None),
    ("gemini-2.5-pro", Thinking(levels=False, low=128, high=32_768, off=False)),
    ("gemini-2.5-flash-lite", Thinking(levels=False, low=512, high=24_576)),
    ("gemini-2.5", Thinking(levels=False, high=24_576)),
    ("gemini-3-pro", Thinking(levels=True, off=False, coarse=True)),
    ("gemini-3.1-pro", Thinking(levels=True, off=False)),
)
"""By the start of a model's name; the first row that fits counts. None: the model cannot think."""

TODAY = Thinking(levels=True)

EFFORT_BUDGETS: dict[Effort, int] = {
    "minimal": 1024,
    "low": 1024,
    "medium": 8192,
    "high": 24_576,
    "xhigh": 32_768,
    "max": 32_768,
}
"""Google's own mapping for its OpenAI-compatible endpoint, for models that take a budget only."""

UNSIGNED = ("gemini-1", "gemini-2", "gemma")
"""Models that take function calls in history without a thought signature; Gemini 3 and later answer 400."""


def thinking_of(model: str) -> Thinking | None:
    """How `model` is told to think."""
    name = _short(model)
    return next((fact for start, fact in THINKING if name.startswith(start)), TODAY)


def wants_signatures(model: str) -> bool:
    """Does `model` refuse a function call without a thought signature in history?"""
    return not _short(model).startswith(UNSIGNED)


def _short(model: str) -> str:
    return model.rpartition("/")[2]
