"""What is counted, what its price is called, and which part of the bill it belongs to.

A rate is a whole number of SCALE-ths of a dollar for one token, search or second: SCALE is chosen so that every figure
of a price page (dollars per million tokens, per thousand searches, per hour, with up to nine decimals) is whole, and
sums stay exact until the one rounding to nanodollars.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Literal, TypeAlias

from .money import round_half_even

SCALE = 36 * 10**15
_NANO = SCALE // 10**9

Unit: TypeAlias = Literal[
    "input",
    "input_audio",
    "input_image",
    "input_video",
    "audio_seconds",
    "cache_read",
    "cache_read_audio",
    "cache_write",
    "cache_write_1h",
    "output",
    "output_audio",
    "output_image",
    "reasoning",
    "web_searches",
    "preview_searches",
    "map_searches",
    "file_searches",
    "code_sessions",
    "timed_sessions",
    "pictures",
]
HostedTool: TypeAlias = Literal[
    "web_searches", "preview_searches", "map_searches", "file_searches", "code_sessions", "timed_sessions", "pictures"
]
"""What a provider runs itself. Those without `keys` have a price where the user gives one, or a supplement does.
`timed_sessions` are billed by how long they last, which no answer tells."""
NOTHING_RUN: Mapping[HostedTool, int] = MappingProxyType({})
Share: TypeAlias = Literal["input", "cached", "cache_creation", "output", "tools"]


@dataclass(frozen=True, slots=True)
class UnitFacts:
    """`keys`: genai-prices' names for its price. `per`: how many units a price page's figure buys.

    `stand_ins`: whose price holds where this one has none of its own, first found first: a missing discount is none.
    """

    share: Share
    keys: tuple[str, ...]
    per: int = 10**6
    stand_ins: tuple[Unit, ...] = ()


UNITS: dict[Unit, UnitFacts] = {
    "input": UnitFacts("input", ("input_mtok",)),
    "input_audio": UnitFacts("input", ("input_audio_mtok",), stand_ins=("input",)),
    "input_image": UnitFacts("input", ("input_image_mtok",), stand_ins=("input",)),
    "input_video": UnitFacts("input", ("input_video_mtok",), stand_ins=("input",)),
    "audio_seconds": UnitFacts("input", ("input_audio_hours", "audio_hours"), per=3600),
    "cache_read": UnitFacts("cached", ("cache_read_mtok",), stand_ins=("input",)),
    "cache_read_audio": UnitFacts(
        "cached", ("cache_audio_read_mtok",), stand_ins=("input_audio", "cache_read", "input")
    ),
    "cache_write": UnitFacts("cache_creation", ("cache_write_5m_mtok", "cache_write_mtok"), stand_ins=("input",)),
    "cache_write_1h": UnitFacts("cache_creation", ("cache_write_1h_mtok",), stand_ins=("cache_write", "input")),
    "output": UnitFacts("output", ("output_mtok",)),
    "output_audio": UnitFacts("output", ("output_audio_mtok",), stand_ins=("output",)),
    "output_image": UnitFacts("output", ("output_image_mtok",), stand_ins=("output",)),
    "reasoning": UnitFacts("output", ("output_reasoning_mtok",), stand_ins=("output",)),
    "web_searches": UnitFacts("tools", ("web_searches_kcount",), per=1000),
    "preview_searches": UnitFacts("tools", (), per=1000, stand_ins=("web_searches",)),
    "map_searches": UnitFacts("tools", (), per=1000),
    "file_searches": UnitFacts("tools", ("storage_searches_kcount",), per=1000),
    "code_sessions": UnitFacts("tools", (), per=1000),
    "timed_sessions": UnitFacts("tools", (), per=1000),
    "pictures": UnitFacts("tools", (), per=1000),
}


SHARES: dict[Unit, Share] = {unit: facts.share for unit, facts in UNITS.items()}


@dataclass(frozen=True, slots=True)
class Rate:
    """A price, and what it becomes for all tokens once the call's input exceeds a tier's start (ascending)."""

    base: int
    tiers: tuple[tuple[int, int], ...] = ()

    def at(self, input_tokens: int) -> int:
        """The rate of a call with so many input tokens, cached ones included."""
        rate = self.base
        for start, dearer in self.tiers:
            if input_tokens > start:
                rate = dearer
        return rate


def rate_of(figure: Decimal, unit: Unit) -> int:
    """A price page's figure in dollars. Raises ValueError if it has more decimals than an exact sum allows."""
    scaled = figure * SCALE / UNITS[unit].per
    if scaled != (whole := int(scaled)):
        raise ValueError(f"{figure} has too many decimals; at most nine are exact")
    return whole


def figure_of(rate: int, unit: Unit) -> Decimal:
    """The inverse of `rate_of`."""
    figure = Decimal(rate * UNITS[unit].per) / SCALE
    return Decimal(int(figure)) if figure == int(figure) else figure.normalize()


def to_nanodollars(amount: int) -> int:
    """A sum of counts times rates, rounded once."""
    return round_half_even(amount, _NANO)
