"""Bills worked out by hand: the plain sum of their terms is what they say, and so is what the engine finds."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from spaturzu.pricing import price
from spaturzu_translators import PROVIDERS
from spaturzu_translators.responses import Usage

BILLS: list[dict[str, Any]] = json.loads((Path(__file__).parents[2] / "fixtures" / "bills.json").read_text("utf-8"))[
    "bills"
]
BUYS = {"million": 10**6, "thousand": 10**3, "hour": 3600}
each_bill = pytest.mark.parametrize("bill", BILLS, ids=lambda bill: f"{bill['provider']}: {bill['name']}")


def by_hand(bill: dict[str, Any]) -> int:
    """The terms' sum in nanodollars; Python rounds fractions half to even."""
    dollars = sum(Fraction(term["dollars"]) * term["count"] / BUYS[term["per"]] for term in bill["terms"])
    return round(dollars * 10**9)


@each_bill
def test_a_bill_is_the_sum_of_its_terms(bill: dict[str, Any]) -> None:
    if bill["nanodollars"] is None:
        assert bill["terms"] == []
    else:
        assert by_hand(bill) == bill["nanodollars"]


@each_bill
def test_the_engine_comes_to_what_was_worked_out_by_hand(bill: dict[str, Any]) -> None:
    found = price(
        bill["provider"],
        bill["model"],
        Usage(**bill["usage"]),
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
    assert all(bill["page"] and bill["origin"] for bill in BILLS)
