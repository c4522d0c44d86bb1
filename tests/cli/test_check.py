"""`spaturzu check` finds what is wrong with a chain, and says nothing of one where all is well."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import openai
import pytest
from click.testing import CliRunner, Result

from spaturzu.cli.commands import cli
from spaturzu.router.chain import Target
from spaturzu.router.check import Known, check
from spaturzu.router.retirements import end_of

PREAMBLE = """
import openai, anthropic, httpx2, spaturzu, boto3
from mistralai.client import Mistral
from spaturzu.openai import OpenAI
gpt = openai.OpenAI(api_key="k")
claude = anthropic.Anthropic(api_key="k")
def target(provider, client, model, **more):
    return {"provider": provider, "client": client, "model": model, **more}
"""
BEDROCK = 'boto3.client("bedrock-runtime", region_name="us-east-1", aws_access_key_id="k", aws_secret_access_key="k")'


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The command on a module `app`, written for the test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", "k")

    def running(source: str, *options: str, name: str = "app:chain") -> Result:
        import sys

        sys.modules.pop("app", None)
        (tmp_path / "app.py").write_text(PREAMBLE + source)
        return CliRunner().invoke(cli, ["check", "--json", *options, name])

    return running


def concerns(result: Result) -> list[tuple[str, str]]:
    found = [json.loads(line) for line in result.stdout.splitlines()]
    return [(finding["concern"], finding["target"]) for finding in found]


def test_a_sound_chain_has_no_findings(run: Any) -> None:
    source = 'chain = [target("anthropic", claude, "claude-haiku-5-5"), target("openai", gpt, "gpt-6-astra")]'
    result = run(source, "--ignore", "capability")
    assert result.stdout == ""
    assert result.exit_code == 0


def test_a_retired_model_is_found(run: Any) -> None:
    source = (
        'chain = [target("openai", gpt, "gpt-4o"), target("mistral", Mistral(api_key="k"), "magistral-small-2506")]'
    )
    result = run(source)
    assert ("model", "mistral/magistral-small-2506") in concerns(result)
    assert result.exit_code == 1


@pytest.mark.parametrize(
    ("provider", "model"),
    [("anthropic", "claude-3-opus-20240229"), ("openai", "gpt-4-turbo-2024-04-09"), ("anthropic", "claude-sonnet-4-0")],
)
def test_a_model_that_its_maker_has_ended_is_found(run: Any, provider: str, model: str) -> None:
    client = {"openai": "gpt", "anthropic": "claude"}[provider]
    result = run(f'chain = [target("{provider}", {client}, "{model}")]')
    assert concerns(result) == [("model", f"{provider}/{model}")]
    assert "ended on 202" in result.stdout
    assert result.exit_code == 1


@pytest.mark.parametrize(("days", "seen"), [(-1, "ended on"), (0, "ended on"), (29, "ends on"), (31, None)])
def test_a_model_that_ends_soon_is_found_before_it_does(days: int, seen: str | None) -> None:
    end = end_of("openai", "gpt-4o-2024-08-06")
    assert end is not None
    chain = [Target(provider="openai", client=openai.OpenAI(api_key="k"), model="gpt-4o-2024-08-06")]
    found = check(chain, lambda *_: Known(has_price=True), today=end - timedelta(days=days))
    assert [seen in finding.says for finding in found if seen] == ([True] if seen else [])
    assert end_of("openai", "gpt-4o-audio-preview") is None


def test_an_unknown_price_is_found(run: Any) -> None:
    assert ("price", "openai/my-own-tune") in concerns(run('chain = [target("openai", gpt, "my-own-tune")]'))


def test_a_smaller_window_is_found(run: Any) -> None:
    source = 'chain = [target("anthropic", claude, "claude-sonnet-4-5"), target("openai", gpt, "gpt-4")]'
    assert ("window", "openai/gpt-4") in concerns(run(source))


def test_a_missing_capability_is_found_and_named(run: Any) -> None:
    source = 'chain = [target("openai", gpt, "gpt-4o"), target("anthropic", claude, "claude-sonnet-4-5")]'
    result = run(source)
    assert ("capability", "anthropic/claude-sonnet-4-5") in concerns(result)
    assert "several answers (n)" in result.stdout
    assert "a forced tool" not in result.stdout


def test_two_targets_behind_one_key_are_one_failure_domain(run: Any) -> None:
    source = 'chain = [target("openai", gpt, "gpt-4o"), target("openai", gpt, "gpt-4o-mini")]'
    assert ("domain", "openai/gpt-4o-mini") in concerns(run(source))


def test_another_key_is_another_domain(run: Any) -> None:
    source = (
        'other = openai.OpenAI(api_key="other")\n'
        'chain = [target("openai", gpt, "gpt-4o"), target("openai", other, "gpt-4o-mini")]'
    )
    assert ("domain", "openai/gpt-4o-mini") not in concerns(run(source))


def test_retries_in_a_targets_transport_are_found(run: Any) -> None:
    source = (
        "http = httpx2.Client(transport=httpx2.HTTPTransport(retries=3))\n"
        'chain = [target("openai", openai.OpenAI(api_key="k", http_client=http), "gpt-4o")]'
    )
    assert ("retries", "openai/gpt-4o") in concerns(run(source))


def test_a_drop_in_is_checked_with_its_primary(run: Any) -> None:
    source = 'chain = OpenAI(api_key="k", spaturzu={"fallback": [target("openai", gpt, "gpt-4o")]})'
    assert ("domain", "openai/gpt-4o") in concerns(run(source, "--model", "gpt-4o-mini"))


def test_a_router_is_checked(run: Any) -> None:
    assert ("price", "openai/my-own-tune") in concerns(run('chain = spaturzu.Router(["openai/my-own-tune"])'))


def test_a_named_chain_is_checked(run: Any, tmp_path: Path) -> None:
    (tmp_path / "spaturzu.toml").write_text('[chains.mine]\nfallback = ["openai/my-own-tune"]\n')
    assert ("price", "openai/my-own-tune") in concerns(run("", name="mine"))


def test_ignored_concerns_do_not_count(run: Any) -> None:
    result = run('chain = [target("openai", gpt, "my-own-tune")]', "--ignore", "price")
    assert (result.stdout, result.exit_code) == ("", 0)


@pytest.mark.parametrize(
    ("name", "words"), [("app:none", "has no none"), ("nowhere:x", "cannot import"), ("fast", "no chain is named")]
)
def test_what_is_not_there_is_a_sentence(run: Any, name: str, words: str) -> None:
    result = run("", name=name)
    assert words in result.stderr
    assert result.exit_code == 2


def test_something_else_is_named_as_what_it_is(run: Any) -> None:
    result = run("chain = 5")
    assert "is a int; name a spaturzu client" in result.stderr
    assert result.exit_code == 2


def test_a_misspelt_concern_is_named(run: Any) -> None:
    result = run('chain = [target("openai", gpt, "gpt-4o")]', "--ignore", "prize")
    assert "no concern is named prize; known: model, price" in result.stderr
    assert result.exit_code == 2


class Models(BaseHTTPRequestHandler):
    """A provider that has one model."""

    def do_GET(self) -> None:
        known = self.path.endswith("/there")
        model = {"id": "there", "object": "model", "created": 1, "owned_by": "x", "capabilities": {}, "type": "base"}
        day = datetime.now(UTC) + timedelta(days=9)
        ends = {"deprecation": day.isoformat()} if self.path.endswith("ending") else {}
        body = json.dumps({**model, **ends} if known or ends else {"error": {}}).encode()
        known = known or bool(ends)
        self.send_response(200 if known else 404)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def models_url() -> Iterator[str]:
    for url in _served(Models):
        yield f"{url}/v1"


def _served(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("made", ["OpenAI", "AsyncOpenAI"])
@pytest.mark.parametrize(("model", "expected"), [("there", []), ("gone", [("model", "openai/gone")])])
def test_live_asks_the_provider_for_the_model(
    run: Any, models_url: str, made: str, model: str, expected: list[Any]
) -> None:
    source = f'chain = [target("openai", openai.{made}(api_key="k", base_url="{models_url}"), "{model}")]'
    assert concerns(run(source, "--live", "--ignore", "price")) == expected


@pytest.mark.parametrize(("model", "found"), [("ending", True), ("there", False), ("gone", True)])
def test_live_asks_mistral_when_a_model_ends(run: Any, models_url: str, model: str, found: bool) -> None:
    url = models_url.removesuffix("/v1")
    source = f'chain = [target("mistral", Mistral(api_key="k", server_url="{url}"), "{model}")]'
    result = run(source, "--live", "--ignore", "price")
    assert concerns(result) == ([("model", f"mistral/{model}")] if found else [])
    assert ("ends on" in result.stdout) == (model == "ending")


class FoundationModels(BaseHTTPRequestHandler):
    """AWS's other service. `legacy` ends in 200 days, `ending` in 9; `denied` is not to be asked for."""

    def do_GET(self) -> None:
        name = self.path.rpartition("/")[2].partition(".")[2]
        statuses = {"denied": (403, "AccessDeniedException"), "gone": (404, "ResourceNotFoundException")}
        status, error = statuses.get(name, (200, ""))
        days = {"legacy": 200, "ending": 9}.get(name)
        ends = {"endOfLifeTime": (datetime.now(UTC) + timedelta(days=days)).isoformat()} if days else {}
        lifecycle = {"status": "LEGACY" if name == "legacy" else "ACTIVE", **ends}
        details = {"modelArn": "a", "modelId": name, "modelLifecycle": lifecycle}
        body = json.dumps({"message": error} if error else {"modelDetails": details}).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        if error:
            self.send_header("x-amzn-errortype", error)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def bedrock_url() -> Iterator[str]:
    yield from _served(FoundationModels)


@pytest.mark.parametrize(
    ("model", "says", "is_known"),
    [
        ("acme.fine", None, False),
        ("acme.ending", "the model ends on", True),
        ("us.acme.ending", "the model ends on", True),
        ("acme.legacy", "calls the model legacy, and serves it until", True),
        ("acme.gone", "has no such model", False),
        ("us.acme.gone", None, False),
        ("acme.denied", None, False),
    ],
)
def test_live_asks_aws_when_a_model_ends(
    run: Any, bedrock_url: str, model: str, says: str | None, is_known: bool
) -> None:
    keys = f'region_name="us-east-1", aws_access_key_id="k", aws_secret_access_key="k", endpoint_url="{bedrock_url}"'
    source = f'chain = [target("bedrock", boto3.client("bedrock-runtime", {keys}), "{model}")]'
    result = run(source, "--live", "--ignore", "price", "--ignore", "retries", "--json")
    found = [json.loads(line)["says"] for line in result.stdout.splitlines()]
    assert len(found) == (says is not None), result.output
    assert all(says and says in sentence for sentence in found)
    assert ("not known when they end" in result.stderr) != is_known
    assert ("not told: AccessDeniedException" in result.stderr) == (model == "acme.denied")


def test_what_is_not_known_of_ends_is_said(run: Any) -> None:
    source = (
        'chain = [target("openai", gpt, "gpt-4o"), target("mistral", Mistral(api_key="k"), "mistral-large-latest")]'
    )
    assert "not known when they end: mistral/mistral-large-latest" in run(source).stderr
