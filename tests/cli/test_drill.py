"""`spaturzu drill`: the wall against a client that a module names, with no provider called."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from spaturzu.cli.commands import cli

APP = """
import anthropic, openai, spaturzu
from spaturzu.openai import AsyncOpenAI, OpenAI

KEY = "sk-live"
claude = {"provider": "anthropic", "client": anthropic.Anthropic(api_key=KEY), "model": "claude-haiku-5-5"}
spare = {"provider": "openai", "client": openai.OpenAI(api_key=KEY), "model": "gpt-spare"}
client = OpenAI(api_key=KEY, spaturzu={"fallback": [claude, spare]})
alone = OpenAI(api_key=KEY)
number = 7
willing = OpenAI(api_key=KEY, spaturzu={"fallback": [claude], "fallback_on": ["content_policy"]})

def router():
    return spaturzu.Router([claude, spare])

def awaited():
    target = {**claude, "client": anthropic.AsyncAnthropic(api_key=KEY)}
    return AsyncOpenAI(api_key=KEY, spaturzu={"fallback": [target]})
"""
QUICK = ("unavailable", "quota_exhausted", "bad_key", "flapping", "html")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The command on names of a module."""
    (tmp_path / "drilled.py").write_text(APP)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    sys.modules.pop("drilled", None)

    def running(name: str, *options: str, faults: tuple[str, ...] = QUICK) -> Result:
        named = [word for fault in faults for word in ("--fault", fault)]
        return CliRunner().invoke(cli, ["drill", *named, *options, name])

    return running


def lines(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


@pytest.mark.parametrize(("name", "second"), [("client", "anthropic"), ("awaited", "anthropic"), ("router", "openai")])
def test_a_sound_chain_passes(run: Any, name: str, second: str) -> None:
    result = run(f"drilled:{name}", "--json")

    assert [line["verdict"] for line in lines(result)] == ["pass"] * 2 * len(QUICK), result.stdout
    assert lines(result)[0]["served_by"].startswith(second)
    assert result.exit_code == 0


def test_what_a_chain_falls_back_on_is_what_it_is_asked_for(run: Any) -> None:
    result = run("drilled:willing", "--json", faults=("content_filter", "refusal", "bad_key"))

    heard = {(line["fault"], line["verdict"], line["served_by"]) for line in lines(result)}
    claude = "anthropic/claude-haiku-5-5"
    assert heard == {("content_filter", "pass", claude), ("refusal", "pass", claude), ("bad_key", "pass", None)}


def test_a_prompt_that_fits_nowhere_is_the_primarys_to_refuse(run: Any) -> None:
    """Claude Haiku is no larger than gpt-6-astra."""
    result = run("drilled:willing", "--json", faults=("context_overflow",))

    assert {(line["verdict"], line["served_by"]) for line in lines(result)} == {("pass", None)}


def test_the_scorecard_is_for_people(run: Any) -> None:
    result = run("drilled:client")
    assert "quota_exhausted" in result.stdout
    assert f"{2 * len(QUICK)} pass" in result.stdout


def test_a_chain_that_gives_no_answer_fails_the_build(run: Any, tmp_path: Path) -> None:
    (tmp_path / "drilled.py").write_text(APP.replace("[claude, spare]})", '[claude, spare], "deadline": 0.001})'))
    result = run("drilled:client", "--json", faults=("unavailable",))
    assert {line["verdict"] for line in lines(result)} == {"safe"}
    assert result.exit_code == 1


def test_a_named_chain_is_drilled(run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "spaturzu.toml").write_text(
        '[chains.mine]\nfallback = ["openai/gpt-4o", "anthropic/claude-haiku-5-5"]\n'
    )
    for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY"):
        monkeypatch.setenv(name, "k")

    result = run("mine", "--json", faults=("unavailable",))

    assert {(line["verdict"], line["served_by"]) for line in lines(result)} == {("pass", "anthropic/claude-haiku-5-5")}


def test_only_the_shape_that_is_named(run: Any) -> None:
    result = run("drilled:client", "--json", "--shape", "stream", faults=("cut", "html"))
    assert [(line["fault"], line["shape"]) for line in lines(result)] == [("cut", "stream"), ("html", "stream")]


@pytest.mark.parametrize(
    ("name", "faults", "said"),
    [
        ("careless", (), "no chain is named 'careless'"),
        ("drilled:nothing", (), "drilled has no nothing"),
        ("no_such_module:client", (), "cannot import no_such_module"),
        ("drilled:number", (), "a int is no spaturzu client and no Router"),
        ("drilled:alone", (), "there is nobody to fall back to"),
        ("drilled:client", ("quake",), "no fault 'quake' on the wall; there are rate_limit"),
    ],
)
def test_what_cannot_be_drilled_is_refused_with_a_sentence(
    run: Any, name: str, faults: tuple[str, ...], said: str
) -> None:
    result = run(name, faults=faults)
    assert said in result.stderr
    assert result.exit_code == 2
