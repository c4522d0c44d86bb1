"""`spaturzu prices` shows figures with their source, lists what is known, and says what has no price."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from spaturzu.cli.commands import cli

OURS = """
[openai.our-model]
input = 0.1
output = 0.25
[openai.our-model.above.1000]
input = 0.2
"""


def run(*words: str) -> Result:
    return CliRunner().invoke(cli, ["prices", *words])


def shown(*words: str) -> list[dict[str, Any]]:
    return json.loads(run("show", *words, "--json").stdout)


def test_figures_are_shown_with_their_source_and_their_tiers() -> None:
    (found,) = shown("gpt-5.4")
    assert found["figures"]["input"] == {"dollars": "2.5", "per": "million tokens", "above": {"272000": "5"}}
    assert found["origin"].startswith("genai-prices ")
    assert found["pages"]
    assert found["dated"] >= "2026-11-10"
    said = run("show", "gpt-5.4").stdout
    assert "2.5, 5 above 272,000 input tokens" in said
    assert "source: genai-prices" in said


def test_a_model_is_shown_at_every_provider_that_has_it() -> None:
    assert [found["provider"] for found in shown("claude-sonnet-4-5")] == ["anthropic", "gemini"]
    assert [found["provider"] for found in shown("anthropic/claude-sonnet-4-5")] == ["anthropic"]
    assert [found["provider"] for found in shown("claude-sonnet-4-5", "--provider", "gemini")] == ["gemini"]


def test_prices_of_a_day_and_of_a_tier() -> None:
    (before,) = shown("anthropic/claude-sonnet-4-6", "--at", "2026-03-12")
    (since,) = shown("anthropic/claude-sonnet-4-6", "--at", "2026-03-13")
    assert before["figures"]["input"]["above"] == {"200000": "6"}
    assert (since["figures"]["input"]["above"], since["since"]) == ({}, "2026-03-13")
    (flex,) = shown("gpt-5-mini", "--tier", "flex")
    assert flex["figures"]["input"]["dollars"] == "0.125"


def test_what_has_no_price_is_an_exit_status() -> None:
    result = run("show", "who-knows")
    assert result.exit_code == 1
    assert "no known price for who-knows" in result.stderr


def test_the_list_holds_every_provider_or_one() -> None:
    everything = json.loads(run("list", "--json").stdout)
    assert {entry["provider"] for entry in everything} == {"openai", "anthropic", "bedrock", "gemini", "mistral"}
    assert {"provider": "openai", "model": "gpt-5.4", "input": "2.5", "output": "15"} in everything
    assert "claude-haiku-4-5" in run("list", "--provider", "anthropic").stdout


def test_own_prices_win_and_say_so(tmp_path: Path) -> None:
    file = tmp_path / "ours.toml"
    file.write_text(OURS)
    (found,) = shown("our-model", "--prices", str(file))
    assert found["source"] == "override"
    assert found["origin"] == "override (ours.toml)"
    assert found["figures"]["input"] == {"dollars": "0.1", "per": "million tokens", "above": {"1000": "0.2"}}
    assert run("check", "openai/our-model", "--prices", str(file)).exit_code == 0
    assert run("check", "openai/our-model").exit_code == 1


def test_own_prices_that_cannot_be_read_are_said_in_a_sentence(tmp_path: Path) -> None:
    file = tmp_path / "ours.json"
    file.write_text('{"openai": {"m": {"inptu": 1}}}')
    result = run("check", "gpt-4o", "--prices", str(file))
    assert result.exit_code == 2
    assert "ours.json.openai.m: 'input' is missing" in result.stderr


def test_ids_are_checked_one_by_one() -> None:
    result = run("check", "gpt-4o", "mistral/mistral-small-latest", "gpt-unheard-of", "--json")
    assert result.exit_code == 1
    priced = [json.loads(line)["priced"] for line in result.stdout.splitlines()]
    assert [entry is not None for entry in priced] == [True, True, False]


def test_a_chains_models_are_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("anthropic")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "priced_app.py").write_text(
        "import anthropic\n"
        "client = anthropic.Anthropic(api_key='k')\n"
        "chain = [{'provider': 'anthropic', 'client': client, 'model': name}\n"
        "         for name in ('claude-haiku-4-5', 'claude-of-tomorrow')]\n"
    )
    result = run("check", "--chain", "priced_app:chain")
    assert result.exit_code == 1
    assert "anthropic/claude-haiku-4-5: anthropic/claude-haiku-4-5" in result.stdout
    assert "anthropic/claude-of-tomorrow: no known price" in result.stdout


def test_nothing_to_check_is_an_error() -> None:
    assert run("check").exit_code == 2
    assert run("check", "--chain", "nowhere:chain").exit_code == 2
