"""One call's usage at its tariff."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from spaturzu_translators.messages import Provider
from spaturzu_translators.responses import Usage

from .counts import Counts, count
from .overrides import NO_OVERRIDES, Overrides
from .tariff import PriceSource, Tariff, day_of, tariff
from .tiers import context_of
from .units import NOTHING_RUN, SHARES, HostedTool, Share, Unit, to_nanodollars


@dataclass(frozen=True, slots=True, kw_only=True)
class Breakdown:
    """Nanodollars. input (not cached) + cached + cache_creation + output + tools is the total, exactly.

    `reasoning` is the part of `output` that was thought and not said; it is not added again. `tools` are searches that
    the provider ran and counted.
    """

    input: int = 0
    cached: int = 0
    cache_creation: int = 0
    output: int = 0
    tools: int = 0
    reasoning: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Price:
    """What a call costs. `model` is the price list's name for it, `origin` the list and its version.

    `assumptions` is empty where every figure was found; else it says what the list does not know.
    """

    nanodollars: int
    source: PriceSource
    origin: str
    model: str
    breakdown: Breakdown
    assumptions: tuple[str, ...] = ()

    @property
    def provenance(self) -> str:
        """One line for a record: "genai-prices 0.2.3; no price for service_tier=scale, standard rates"."""
        return "; ".join((self.origin, *self.assumptions))


def price(
    provider: Provider,
    model: str | None,
    usage: Usage | None,
    *,
    hosted: Mapping[HostedTool, int] = NOTHING_RUN,
    request_model: str | None = None,
    service_tier: str | None = None,
    at: float | datetime | None = None,
    overrides: Overrides | None = None,
) -> Price | None:
    """What `usage` costs at `model`, which is the one the answer names; `request_model` where that one is not known.

    `hosted` counts what the provider ran itself and its usage does not tell, as searches (`router.hosted`).
    None where the price of a part, or the usage, is not known: never 0 for that. `at` is Unix seconds or a datetime
    (naive: UTC), now if not given. The first call of a process imports genai-prices (0.4 s): not on a caller's path.
    """
    if usage is None or (usage.input_tokens is None and usage.output_tokens is None):
        return None
    context = context_of(provider, usage, service_tier)
    found = tariff(provider, model, request_model, context, day_of(at), overrides or NO_OVERRIDES)
    if found is None:
        return None
    assumed = _search_of(found.model) if not hosted else NOTHING_RUN
    counts = count(provider, usage, hosted or assumed)
    told = [*_not_included(provider, found, counts), *([ONE_SEARCH] if assumed else [])]
    bill = _bill(found, counts, usage.input_tokens or 0)
    return replace(bill, assumptions=(*bill.assumptions, *told)) if bill and told else bill


CODE_TIME = "the time that code ran in a container is not included"
MINI_SEARCHES = "the 8000 input tokens that a mini model is billed for each search are not included"
FREE_SEARCHES = "searches that are free each month are not deducted"
_MINI = re.compile(r"^gpt-4(?:o|\.1)-mini")


def _not_included(provider: Provider, at: Tariff, counts: Counts) -> Iterator[str]:
    """What no answer tells, so that the provider's own bill differs. Takes from `counts` what has no price.

    OpenAI, Pricing: a block of 8,000 for gpt-4o-mini and gpt-4.1-mini, as quoted 2026-03; their usage leaves out what
    was found (an answer in its forum, topic 1347529). Anthropic, Pricing: containers by the hour, most of them free.
    """
    if "timed_sessions" in counts and "timed_sessions" not in at.rates:
        del counts["timed_sessions"]
        yield CODE_TIME
    if "web_searches" in counts and provider == "openai" and _MINI.match(at.model):
        yield MINI_SEARCHES
    if provider == "gemini" and counts.keys() & {"web_searches", "map_searches"}:
        yield FREE_SEARCHES


ONE_SEARCH = "one web search, which the answer does not count"
_SEARCHES: tuple[tuple[re.Pattern[str], HostedTool], ...] = (
    (re.compile(r"^gpt-[\w.-]+-search-preview"), "preview_searches"),
    (re.compile(r"^gpt-[\w.-]+-search-api"), "web_searches"),
)
"""OpenAI's models that search for every answer of Chat Completions, which tells of no count."""


def _search_of(model: str) -> Mapping[HostedTool, int]:
    return {unit: 1 for pattern, unit in _SEARCHES if pattern.search(model)}


def _bill(at: Tariff, counts: Counts, input_tokens: int) -> Price | None:
    amounts: dict[Unit, int] = {}
    for unit, number in counts.items():
        rate = at.rates.get(unit)
        if rate is None:
            return None
        amounts[unit] = number * (rate.at(input_tokens) if rate.tiers else rate.base)
    total = to_nanodollars(sum(amounts.values()))
    return Price(
        nanodollars=total,
        source=at.source,
        origin=at.origin,
        model=at.model,
        breakdown=_breakdown(amounts, total),
        assumptions=at.assumed + _assumed(at) if "cache_write_1h" in counts else at.assumed,
    )


def _assumed(at: Tariff) -> tuple[str, ...]:
    """A write that is kept for an hour costs more than one for five minutes; a list that has only one price says so."""
    if "cache_write_1h" not in at.own and "cache_write" in at.own:
        return ("no price for 1 h cache writes, 5 m rate",)
    return ()


def _breakdown(amounts: dict[Unit, int], total: int) -> Breakdown:
    """Each part rounded alone; what that leaves goes to the largest, so that the parts add up."""
    parts: dict[Share, int] = {}
    for unit, amount in amounts.items():
        share = SHARES[unit]
        parts[share] = parts.get(share, 0) + amount
    rounded = {share: to_nanodollars(amount) for share, amount in parts.items()}
    if left := total - sum(rounded.values()):
        rounded[max(parts, key=parts.__getitem__)] += left
    thought = to_nanodollars(amounts["reasoning"]) if "reasoning" in amounts else 0
    return Breakdown(**rounded, reasoning=min(thought, rounded.get("output", 0)))
