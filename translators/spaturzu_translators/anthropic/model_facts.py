"""What depends on the model, or is a choice of ours, in one place.

A model that no pattern knows, and every new one, gets what the API does today. Each pattern and figure says where it is
from, with the date.
"""

from __future__ import annotations

import re
from functools import lru_cache

from ..requests import Effort

DEFAULT_MAX_TOKENS = 8192
"""`max_tokens` is mandatory here and optional everywhere else (providers.md 6.6, 2026-11-22). The figure is ours."""

MOST_MAX_TOKENS = 21333
"""Above it the SDK refuses a call that is not streamed and has no explicit timeout (measured on 2.12.0)."""

LEAST_BUDGET = 1024
"""Source: providers.md 2.2, 2026-11-22."""

MARK_SAMPLING = "$sampling"
"""Our note in a request's provider fields: sampling may stand on this wire, for the caller put it there (by
`extra_body`), or its target is asked in an API version that takes it."""

MOST_STRICT_TOOLS = 20
"""With more the API answers 400 "Too many strict tools" (seen in recorded traffic, 2026)."""

EFFORT_BUDGETS: dict[Effort, int] = {
    "minimal": 1024,
    "low": 2048,
    "medium": 4096,
    "high": 8192,
    "xhigh": 16384,
    "max": 32768,
}
"""An effort in tokens, for models that know budgets only. The figures are ours: the API documents none."""

_BEFORE_4_6 = re.compile(r"claude-(?:[123]\b|instant|(?:haiku|sonnet|opus)-4(?:-[0-5](?!\d)|-20\d{6}|$|@))")


@lru_cache(maxsize=256)
def before_4_6(model: str) -> bool:
    """Is it an old Claude: one that takes a thinking budget rather than an effort?

    Sources: providers.md 2.2 and 6.5, 2026-11-22, of 4.6 and later; vercel.com/docs/ai-gateway, Bedrock reasoning, read
    2026-11-30, of the ones before (budgets only).
    """
    return _BEFORE_4_6.search(model) is not None


def prefills(model: str) -> bool:
    """Does it go on with a last turn of the assistant's? 4.6 and later refuse it.

    Source: providers.md 2.3 and 11.2, 2026-11-22.
    """
    return before_4_6(model)


_ALSO_4_6 = re.compile(r"claude-(?:haiku|sonnet|opus)-4-6(?!\d)")


@lru_cache(maxsize=256)
def takes_sampling(model: str) -> bool:
    """Does it take temperature, top_p and top_k, in API versions before 2026-10-21? Claude 4.7 and later in none.

    Source: providers.md 2.2, 2026-11-22; there, Sonnet 4.6 is the newest that was seen to.
    """
    return before_4_6(model) or _ALSO_4_6.search(model) is not None


@lru_cache(maxsize=256)
def takes_budgets(model: str) -> bool:
    """Does it take `thinking: {type: enabled, budget_tokens}`? Claude 4.7 and later answer 400: efforts only.

    Sources: the error's text, NousResearch/hermes-agent#11137 and docs.memberjunction.org (claude-sonnet-5), read
    2026-11-25; anthropic 2.12.0 warns of opus-4-6 and mythos-preview, which still take it.
    """
    return takes_sampling(model) or "claude-mythos-preview" in model


_ALWAYS_THINKS = re.compile(r"claude-(?:opus-5-5|fable-5-1)(?!\d)")


@lru_cache(maxsize=256)
def always_thinks(model: str) -> bool:
    """Does it refuse `thinking: {type: disabled}`? Source: docs.apiyi.com, Claude thinking guide, 2026-11-09."""
    return _ALWAYS_THINKS.search(model) is not None
