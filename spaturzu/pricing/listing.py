"""What the price list says of a model besides its price. Imports genai-prices: not on a caller's path."""

from __future__ import annotations

from dataclasses import dataclass

from spaturzu_translators.messages import Provider

from .genai import lookup
from .names import sold_as


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """`context_window` in tokens, None where the list has none."""

    context_window: int | None
    is_deprecated: bool


def listing(provider: Provider, model: str) -> Listing | None:
    """The list's entry for a model; None where it does not know the name."""
    sold = sold_as(provider, model)
    for name in sold.names:
        entry = lookup(sold.seller, name)
        if entry is not None:
            return Listing(context_window=entry.context_window, is_deprecated=bool(entry.deprecated))
    return None
