"""What differs between the models behind Converse. An unknown id (an opaque ARN, a new vendor) gets the defaults.

Sources: providers.md sections 3.2, 3.5, 6.5 and 11 (2026-11-22), and, read 2026-11-25: structured outputs are Claude
4.5's and later's and some open models' (docs.aws.amazon.com, structured-output; langchain-ai/langchain-aws#883);
efforts came with Opus 4.5 (coder/mux#743), and budgets went with 4.7 (NousResearch/hermes-agent#11137).
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
    """`thinking`: takes Claude's field of that name. `one_sampler`: temperature and topP exclude each other."""

    claude: bool = False
    signer: Provider = "bedrock"
    nova: bool = False
    sampling: bool = True
    one_sampler: bool = False
    thinking: bool = True
    budgets: bool = True
    """Takes `thinking: {type: enabled}` with a budget."""
    effort: bool = True
    json_schema: bool = True
    cache: bool = True
    search_results: bool = True
    """Takes `searchResult` blocks."""
    prefills: bool = False
    """Goes on with a last turn of the assistant's: Claude before 4.6 (providers.md 11.2)."""


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
        prefills=version < (4, 6),
    )


def _claude_version(rest: str) -> tuple[int, int]:
    """(4, 5) of `sonnet-4-5-20250929-v1`, (3, 7) of `3-7-sonnet-20250219-v1`, (2, 0) of `v2`."""
    found = _VERSION.search(rest)
    return (int(found[1]), int(found[2] or 0)) if found else (2, 0)
