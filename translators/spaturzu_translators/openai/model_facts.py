"""What differs between models that speak OpenAI chat completions: one dated table, first match wins.

Source: providers.md sections 1.2, 1.3 and 12, 2026-11-22. A model that no row knows is treated as the API documents.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """How one model family departs from the documented API."""

    token_limit: Literal["max_completion_tokens", "max_tokens"] = "max_completion_tokens"  # noqa: S105
    sampling: bool = True
    """Takes temperature and top_p other than 1."""
    stop: bool = True
    """Takes stop sequences."""
    effort: bool = True
    """Takes `reasoning_effort`."""
    minimal_effort: bool = True
    """Takes the effort `minimal`."""
    tools_while_reasoning: Literal["yes", "unasked", "no"] = "yes"
    """`unasked`: tools only without an explicit effort. `no`: tools only with the effort `none`."""
    cache_breakpoints: bool = False
    """Takes `prompt_cache_breakpoint` on parts."""
    source: str = "a choice of ours: what the oldest servers of this wire know"
    """Where the row is from, with its date."""
    reasoning_history: bool = False
    """Takes its own `reasoning_content` back. Only servers other than OpenAI's show it in the first place."""


_O_MODELS = "providers.md 1.2, 2026-11-22; o1 and o3: openai/openai-python#2104, 2026-11-30"
_CLASSIC = ModelFacts(effort=False, source="community.openai.com/t/1110750, table of o and gpt-4 models, 2026-11-30")
_REASONING = ModelFacts(sampling=False, stop=False, source=_O_MODELS)
_LATEST = replace(
    _REASONING,
    minimal_effort=False,
    tools_while_reasoning="no",
    cache_breakpoints=True,
    source="providers.md 1.2, 1.3 and 12, 2026-11-22",
)
_TOOLS_UNASKED = replace(
    _REASONING,
    tools_while_reasoning="unasked",
    source="providers.md 1.2; 5.5: charmbracelet/crush#2913, 2026-11-30",
)
_COMPATIBLE = ModelFacts(token_limit="max_tokens", reasoning_history=True)  # noqa: S106

_FAMILIES: tuple[tuple[re.Pattern[str], ModelFacts], ...] = (
    (re.compile(r"gpt-5-chat|gpt-(?:3\.5|4|audio)|chatgpt-"), _CLASSIC),
    (re.compile(r"gpt-(?:6|5\.(?:[6-9]|\d\d))"), _LATEST),
    (re.compile(r"gpt-5\.[45]"), _TOOLS_UNASKED),
    (re.compile(r"gpt-5|o[134](?![a-z])"), _REASONING),
    (re.compile(r"gpt-"), ModelFacts(reasoning_history=True)),
)


@lru_cache(maxsize=1024)
def model_facts(model: str) -> ModelFacts:
    """The facts of `model`, by the name that the API gets."""
    return next((facts for family, facts in _FAMILIES if family.match(model)), _COMPATIBLE)
