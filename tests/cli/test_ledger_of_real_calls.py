"""Calls through a drop-in, and what the commands then say of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

pytest.importorskip("openai")
pytest.importorskip("anthropic")

import spaturzu
from spaturzu.cli.commands import cli
from spaturzu.sandbox import Sandbox, Status

ASK: dict[str, Any] = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}]}


def say(*arguments: str) -> Any:
    """A command's JSON."""
    result = CliRunner().invoke(cli, [*arguments, "--json"])
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """A sandbox, and a ledger of this test's own."""
    monkeypatch.setenv("SPATURZU_DB", str(tmp_path / "ledger.sqlite3"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    spaturzu.shutdown()
    with Sandbox() as running:
        yield running
    spaturzu.shutdown()


def chained(sandbox: Sandbox) -> Any:
    from anthropic import Anthropic

    from spaturzu.openai import OpenAI

    claude = Anthropic(api_key="k", base_url=sandbox.url("anthropic"))
    fallback = [{"provider": "anthropic", "client": claude, "model": "claude-haiku-4-5"}]
    return OpenAI(api_key="k", base_url=sandbox.url("openai"), spaturzu={"fallback": fallback})


def test_the_commands_tell_what_the_calls_were(sandbox: Sandbox):
    client = chained(sandbox)
    with spaturzu.run("plan", tags={"team": "search"}) as frame:
        sandbox.openai.script(Status(503))
        client.chat.completions.create(**ASK)
        client.with_agent("write").chat.completions.create(**ASK)
    client.chat.completions.create(**{**ASK, "model": "a-model-nobody-sells"})
    assert spaturzu.flush(10)

    report = say("report", "--by", "model")
    costs = {group["key"]: (group["hops"], group["cost_dollars"], group["unpriced"]) for group in report["groups"]}
    assert costs["a-model-nobody-sells"] == (1, None, 1)
    assert costs["gpt-4o-mini"][0] == 2
    assert float(costs["claude-haiku-4-5"][1]) > 0
    assert (report["total"]["calls"], report["total"]["hops"], report["total"]["failed"]) == (3, 4, 1)
    assert [group["key"] for group in say("report", "--by", "tag:team")["groups"]] == ["search", None]

    run = say("runs", "show", frame.run_id[:13])
    (plan,) = run["items"]
    call, write = plan["items"]
    assert [(hop["provider"], hop["outcome"]) for hop in call["hops"]] == [
        ("openai", "failed"),
        ("anthropic", "served"),
    ]
    assert call["hops"][1]["losses"]
    assert write["agent_path"] == ["plan", "write"]
    assert write["items"][0]["hops"][0]["parent_request_id"] == call["call_id"]

    tailed = CliRunner().invoke(cli, ["tail", "--once"])
    assert [line.split()[2] for line in tailed.stdout.splitlines()] == [
        "openai/gpt-4o-mini",
        "+",
        "openai/gpt-4o-mini",
        "openai/a-model-nobody-sells",
    ]
