"""Bills worked out by hand: whole-number sums of figures that were read apart from the engine's price list."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from spaturzu.pricing import price
from spaturzu_translators import PROVIDERS
from spaturzu_translators.responses import Usage

TABLE: dict[str, Any] = json.loads((Path(__file__).parents[2] / "fixtures" / "bills.json").read_text("utf-8"))
BILLS: list[dict[str, Any]] = TABLE["bills"]
PRICES: dict[str, dict[str, Any]] = TABLE["prices"]
ONE = {"million": 9, "thousand": 9_000, "hour": 2_500}
"""What one token, search or second is in nine-millionths of what its figure buys: all bills have whole sums in them."""
each_bill = pytest.mark.parametrize("bill", BILLS, ids=lambda bill: f"{bill['provider']}: {bill['name']}")


def nanodollars(figure: str) -> int:
    """A price page's figure, which has at most nine decimals."""
    whole, _, decimals = figure.partition(".")
    assert len(decimals) <= 9
    return int(whole + decimals.ljust(9, "0"))


def by_hand(bill: dict[str, Any]) -> int:
    """The lines' sum, rounded once, half to even: no fraction and no float on the way."""
    figures = PRICES[bill["price"]]["figures"]
    amount = sum(
        count * nanodollars(figures[unit]) * ONE[TABLE["per"].get(unit, "million")] for count, unit in bill["lines"]
    )
    whole, rest = divmod(amount, 9_000_000)
    return whole + (rest > 4_500_000 or (rest == 4_500_000 and whole % 2 == 1))


@each_bill
def test_a_bill_is_the_sum_of_its_lines(bill: dict[str, Any]) -> None:
    if bill["nanodollars"] is None:
        assert bill["lines"] == []
    else:
        assert by_hand(bill) == bill["nanodollars"]


@each_bill
def test_the_engine_comes_to_what_was_worked_out_by_hand(bill: dict[str, Any]) -> None:
    found = price(
        bill["provider"],
        bill["model"],
        Usage(**bill["usage"]),
        hosted=bill.get("hosted", {}),
        request_model=bill.get("request_model"),
        service_tier=bill.get("service_tier"),
        at=datetime.fromisoformat(bill["at"]),
    )
    assert (None if found is None else found.nanodollars) == bill["nanodollars"]
    assert list(found.assumptions if found else ()) == bill.get("assumptions", [])


def test_there_are_sixty_bills_and_more_for_every_provider_and_trait() -> None:
    assert len(BILLS) >= 60
    assert Counter(bill["provider"] for bill in BILLS).keys() == set(PROVIDERS)
    traits = Counter(name for bill in BILLS for name, tokens in bill["usage"].items() if tokens)
    assert traits.keys() >= {
        *("cache_read_tokens", "cache_creation_tokens", "cache_creation_5m_tokens", "cache_creation_1h_tokens"),
        *("reasoning_tokens", "input_audio_tokens", "output_audio_tokens"),
    }
    assert {bill.get("service_tier") for bill in BILLS} >= {"batch", "flex", "priority"}


def test_every_figure_says_where_and_of_when_it_was_read() -> None:
    for row in PRICES.values():
        assert row["sources"]
        assert all(TABLE["sources"][name]["dated"] for name in row["sources"])
    assert {name for row in PRICES.values() for name in row["sources"]} == TABLE["sources"].keys()
    assert {bill["price"] for bill in BILLS if bill["nanodollars"] is not None} == PRICES.keys()


def test_sixty_bills_and_more_rest_on_figures_that_are_not_the_engines_list_alone() -> None:
    apart = [name for name, row in PRICES.items() if row["sources"] != ["genai-prices"]]
    assert sum(bill.get("price") in apart for bill in BILLS) >= 60
