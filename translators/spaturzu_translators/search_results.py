"""A search result that the caller gives the model: a block of its own for Claude, here and behind Bedrock, else text.

It is kept as Anthropic writes it, whichever of the two it came by, beside the text that every provider can read.
Source: providers.md 2.3, 3.3 and 11.2, 2026-11-22.
"""

from __future__ import annotations

from typing import cast

from .messages import JSON, CacheTtl, JSONObject, Text, is_object

SEARCH_RESULT = "search_result"


def as_text(block: JSONObject, cache: CacheTtl | None = None) -> Text | None:
    """Text that names its source, with Anthropic's `block` beside it; None where it holds anything but text."""
    said = only_text(block.get("content"))
    if said is None:
        return None
    head = f"{block.get('title', '')} ({block.get('source', '')})"
    return Text(text=f"{head}\n{said}", cache=cache, provider_fields={"anthropic": {SEARCH_RESULT: block}})


def only_text(content: JSON) -> str | None:
    """The text of a list of blocks that say nothing but text; None where it holds anything else."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return None
    texts: list[JSON] = [block.get("text") if is_object(block) else None for block in cast("list[JSON]", content)]
    return "\n".join(texts) if all(isinstance(text, str) for text in texts) else None
