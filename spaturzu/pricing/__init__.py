"""Usage times price, in whole nanodollars. No network, and not on the caller's path.

    price("openai", "gpt-4o", Usage(input_tokens=500, output_tokens=150)).nanodollars  # 2_750_000

A user's overrides come first, then genai-prices (the data in its wheel), then None: a price that is not
known is never 0.
"""

from __future__ import annotations

from .bill import Breakdown, Price, PriceSource, price
from .estimate import estimate
from .money import dollars, microdollars
from .overrides import Overrides
from .quote import Figure, Quote, quote
from .tariff import known

__all__ = [
    "Breakdown",
    "Figure",
    "Overrides",
    "Price",
    "PriceSource",
    "Quote",
    "dollars",
    "estimate",
    "known",
    "microdollars",
    "price",
    "quote",
]
