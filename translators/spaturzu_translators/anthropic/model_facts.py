"""What depends on the model, or is a choice of ours, in one place.

Source: providers.md 2.2, 2.3 and 6.5, 2026-11-22.
"""

from __future__ import annotations

import re
from functools import lru_cache

from ..requests import Effort

DEFAULT_MAX_TOKENS = 8192
"""`max_tokens` is mandatory here and optional everywhere else."""

MOST_MAX_TOKENS = 21333
"""Above it the SDK refuses a call that is not streamed and has no explicit timeout (measured on 2.12.0)."""

LEAST_BUDGET = 1024

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
"""An effort in tokens, for models that know budgets only."""

_BEFORE_4_6 = re.compile(r"claude-(?:[123]\b|instant|(?:haiku|sonnet|opus)-4(?:-[0-5](?!\d)|-20\d{6}|$|@))")


@lru_cache(maxsize=256)
def before_4_6(model: str) -> bool:
    """Is it an old Claude: one that takes a prefilled answer, and a thinking budget rather than an effort?"""
    return _BEFORE_4_6.search(model) is not None
