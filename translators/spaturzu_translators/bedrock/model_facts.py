"""What differs between the models behind Converse. An unknown id (an opaque ARN, a new vendor) gets the defaults.

Each fact says where it is from, with the date.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from ..messages import Provider

_CLAUDE = re.compile(r"anthropic\.claude-(?P<rest>[a-z0-9-]+)")
_VERSION = re.compile(r"(?<!\d)(\d{1,2})(?:-(\d{1,2}))?(?!\d)")
_OTHER = re.compile(
    r"(?:^|[./])(?:meta|mistral|cohere|ai21|deepseek|openai|qwen|minimax|moonshotai?|nvidia|google|zai|writer)\."
    r"|amazon\.titan"
)
_PROSE_ONLY = re.compile(r"(?:^|[./])(?:meta|cohere|ai21|writer)\.|amazon\.(?:titan|nova)")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFacts:
    """How a model departs from Converse as it is documented."""

    claude: bool = False
    signer: Provider = "bedrock"
    """Whose signatures its thoughts have: Claude's are Anthropic's (providers.md 11.2, 2026-11-22)."""
    nova: bool = False
    sampling: bool = True
    """Takes temperature and topP: Claude before 4.7 (providers.md 3.2, 2026-11-22)."""
    one_sampler: bool = False
    """temperature and topP exclude each other: some Claude 4.5 and later (providers.md 3.2, 2026-11-22)."""
    thinking: bool = True
    """Takes Claude's field `thinking`: Claude from 3.7 (docs.aws.amazon.com, extended thinking, read
    2026-11-30), no other (providers.md 6.5, 2026-11-22)."""
    budgets: bool = True
    """Takes `thinking: {type: enabled}` with a budget: Claude before 4.7 (NousResearch/hermes-agent#11137, read
    2026-11-25)."""
    effort: bool = True
    """Takes an effort: Claude from 4.6 (providers.md 6.5, 2026-11-22) and Opus 4.5 (coder/mux#743, read 2026-11-25)."""
    json_schema: bool = True
    """Binds an answer to a schema: Claude from 4.5 and some open models (docs.aws.amazon.com, structured-output;
    langchain-ai/langchain-aws#883; read 2026-11-30), which name none of the vendors in `_PROSE_ONLY`."""
    cache: bool = True
    """Takes `cachePoint`: Claude and Nova, the models that docs.aws.amazon.com's page on prompt caching names and
    langchain-aws' middleware marks (read 2026-11-30); a vendor that is not named here is asked as documented."""
    search_results: bool = True
    """Takes `searchResult` blocks: Claude from 3.7, and Haiku 3.5 (botocore 1.44.5, `SearchResultBlock`)."""
    prefills: bool = False
    """Goes on with a last turn of the assistant's: Claude before 4.6 (providers.md 11.2, 2026-11-22)."""


@lru_cache(maxsize=1024)
def facts_of(model: str) -> ModelFacts:
    """The facts of a model id, an inference profile or an ARN that names its model."""
    claude = _CLAUDE.search(model)
    if claude:
        return _claude(claude["rest"])
    other = _OTHER.search(model) is not None
    nova = "amazon.nova" in model
    return ModelFacts(
        nova=nova,
        thinking=not (other or nova),
        cache=not other,
        search_results=not (other or nova),
        json_schema=_PROSE_ONLY.search(model) is None,
    )


def prefills(model: str) -> bool:
    """Does it go on with a last turn of the assistant's?"""
    return facts_of(model).prefills


def _claude(rest: str) -> ModelFacts:
    version = _claude_version(rest)
    opus = "opus" in rest
    return ModelFacts(
        claude=True,
        signer="anthropic",
        sampling=version < (4, 7),
        one_sampler=version >= (4, 5),
        thinking=version >= (3, 7),
        budgets=version < (4, 7),
        effort=version >= (4, 6) or (opus and version >= (4, 5)),
        json_schema=version >= (4, 5),
        search_results=version >= (3, 7) or ("haiku" in rest and version >= (3, 5)),
        prefills=version < (4, 6),
    )


def _claude_version(rest: str) -> tuple[int, int]:
    """(4, 5) of `sonnet-4-5-20250929-v1`, (3, 7) of `3-7-sonnet-20250219-v1`, (2, 0) of `v2`."""
    found = _VERSION.search(rest)
    return (int(found[1]), int(found[2] or 0)) if found else (2, 0)
