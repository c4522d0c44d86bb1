"""How many tokens a model's context window holds, as genai-prices' list has it; None for a model that it does not know.

Asked only after a provider has refused a request as too long: to load the list takes 0.3 s, once.
"""

from __future__ import annotations

from functools import lru_cache

from spaturzu_translators.messages import Provider


@lru_cache(maxsize=1024)
def context_window(provider: Provider, model: str) -> int | None:
    """Tokens of input and output together."""
    from spaturzu.pricing.genai import lookup
    from spaturzu.pricing.names import sold_as

    sold = sold_as(provider, model)
    entries = (lookup(sold.seller, name) for name in sold.names)
    return next((entry.context_window for entry in entries if entry is not None), None)
