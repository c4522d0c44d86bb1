"""What differs between models that speak OpenAI's Responses: one dated table, first match wins.

Source: providers.md sections 1.2, 1.R and 12, 2026-11-22. A model that no row knows is treated as the API documents.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """How one model family departs from the documented API."""

    sampling: bool = True
    """Takes temperature and top_p other than 1."""
    effort: bool = True
    """Takes `reasoning`."""
    minimal_effort: bool = True
    """Takes the effort `minimal`."""
    cache_breakpoints: bool = False
    """Takes `prompt_cache_breakpoint` on parts."""
    source: str = "providers.md 1.R, 2026-11-22"
    """Where the row is from, with its date."""


_FAMILIES: tuple[tuple[re.Pattern[str], ModelFacts], ...] = (
    (
        re.compile(r"gpt-5-chat|gpt-(?:3\.5|4|audio)|chatgpt-"),
        ModelFacts(effort=False, source="community.openai.com/t/1110750, 2026-11-30"),
    ),
    (
        re.compile(r"gpt-(?:6|5\.(?:[6-9]|\d\d))"),
        ModelFacts(
            sampling=False,
            minimal_effort=False,
            cache_breakpoints=True,
            source="providers.md 1.2, 1.3 and 12, 2026-11-22",
        ),
    ),
    (
        re.compile(r"gpt-5|o[134](?![a-z])"),
        ModelFacts(sampling=False, source="providers.md 1.2; o1 to o4: openai/openai-python#2104, 2026-11-30"),
    ),
)
_DOCUMENTED = ModelFacts()


@lru_cache(maxsize=1024)
def model_facts(model: str) -> ModelFacts:
    """The facts of `model`, by the name that the API gets."""
    return next((facts for family, facts in _FAMILIES if family.match(model)), _DOCUMENTED)
