"""The user's own prices: where they come from, what wins, and what is wrong with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from spaturzu.errors import ConfigError
from spaturzu.pricing import Overrides, price
from spaturzu_translators.responses import Usage

PLAIN = Usage(input_tokens=1000, output_tokens=100)
OURS: dict[str, Any] = {
    "openai": {
        "gpt-4o": {"input": 2, "cache_read": 0.7, "output": 8, "service_tiers": {"flex": {"input": 1}}},
        "ft:*": {"input": 3, "output": 12},
        "ft:gpt-4o:*": {"input": 4, "output": 16},
        "long": {"input": 1, "output": 2, "above": {"100": {"input": 2}, "500": {"input": 3, "output": 9}}},
        "renamed": {"like": "gpt-4o-mini"},
    },
    "google": {"gemma-3-27b-it": {"input": 0, "output": 0}},
}


def paid(model: str, usage: Usage = PLAIN, prices: Any = OURS, provider: Any = "openai", **more: Any) -> int | None:
    found = price(provider, model, usage, overrides=Overrides.read(prices), **more)
    return found and found.nanodollars


def test_own_price_wins_over_the_list():
    found = price("openai", "gpt-4o", PLAIN, overrides=Overrides.read(OURS))
    assert (found.nanodollars, found.source) == (2_800_000, "override")


def test_other_models_are_priced_from_the_list():
    found = price("openai", "gpt-4o-mini", PLAIN, overrides=Overrides.read(OURS))
    assert (found.nanodollars, found.source) == (210_000, "genai-prices")


def test_free_is_a_price():
    assert paid("gemma-3-27b-it", provider="gemini") == 0


def test_longest_pattern_that_fits_is_taken():
    assert paid("ft:gpt-4o:acme") == 1000 * 4_000 + 100 * 16_000
    assert paid("ft:other") == 1000 * 3_000 + 100 * 12_000


def test_tiers_by_input_are_cliffs():
    for tokens, expected in ((100, 100), (101, 202), (501, 1503)):
        assert paid("long", Usage(input_tokens=tokens, output_tokens=0)) == expected * 1000


def test_another_name_is_looked_up_in_the_list():
    assert paid("renamed") == 210_000


def test_service_tier_of_ones_own():
    assert paid("gpt-4o", service_tier="flex") == 1000 * 1_000 + 100 * 8_000
    found = price("openai", "gpt-4o", PLAIN, service_tier="batch", overrides=Overrides.read(OURS))
    assert found.assumptions == ("no price for processing=batch, standard rates",)


def test_missing_output_price_is_no_price():
    assert paid("m", prices={"openai": {"m": {"input": 1}}}) is None
    assert paid("m", Usage(input_tokens=1000), prices={"openai": {"m": {"input": 1}}}) == 1_000_000


@pytest.mark.parametrize("name", ["prices.json", "prices.toml"])
def test_file_is_read_exactly(tmp_path: Path, name: str):
    file = tmp_path / name
    toml = '[openai."m"]\ninput = 0.1\noutput = 0.000000007\n'
    file.write_text(toml if name.endswith("toml") else json.dumps({"openai": {"m": {"input": 0.1, "output": 7e-9}}}))
    found = price("openai", "m", Usage(input_tokens=10**9, output_tokens=10**9), overrides=Overrides.read(file))
    assert found.nanodollars == 100_000_007_000
    assert found.origin == f"override ({name})"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"opneai": {}}, "prices: unknown provider 'opneai'"),
        ({"openai": 5}, "prices.openai is a int; give a table"),
        ({"openai": {"m": {"output": 1}}}, "prices.openai.m: 'input' is missing"),
        ({"openai": {"m": {"input": 1, "outptu": 1}}}, "prices.openai.m: unknown key 'outptu'; known here: input,"),
        ({"openai": {"m": {"input": -1}}}, "prices.openai.m.input is -1; give dollars"),
        ({"openai": {"m": {"input": True}}}, "prices.openai.m.input is True"),
        ({"openai": {"m": {"input": "cheap"}}}, "prices.openai.m.input is 'cheap'"),
        ({"openai": {"m": {"input": "1e-10"}}}, "too many decimals"),
        ({"openai": {"m": {"input": 1, "above": {"many": {}}}}}, "'many' is not a number of input tokens"),
        ({"openai": {"m": {"input": 1, "above": {"9": {"output": 1}}}}}, "'output' has no price below"),
        ({"openai": {"m": {"like": "x", "input": 1}}}, "'like' takes a model's name and stands alone"),
    ],
)
def test_mistake_is_said_in_a_sentence_that_names_the_key(given: Any, says: str):
    with pytest.raises(ConfigError) as error:
        Overrides.read(given)
    assert says in str(error.value)


def test_unreadable_file_is_said_in_a_sentence(tmp_path: Path):
    (tmp_path / "p.json").write_text("{")
    for name in ("p.json", "none.toml"):
        with pytest.raises(ConfigError, match="cannot be read"):
            Overrides.read(tmp_path / name)
