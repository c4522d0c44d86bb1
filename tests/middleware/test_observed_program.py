"""A program that sets OpenTelemetry up sees its calls, whatever the client, and each token once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

for package in ("opentelemetry.sdk", "openai", "anthropic"):
    pytest.importorskip(package)

ROOT = Path(__file__).parent.parent.parent
HOPS = ("chat gpt-4o-mini", "chat claude-haiku-4-5")
Spans = list[dict[str, Any]]


@pytest.fixture(scope="module")
def spans(tmp_path_factory: pytest.TempPathFactory) -> Spans:
    """Of one run of the program."""
    ledger = tmp_path_factory.mktemp("observed") / "ledger.sqlite3"
    path = os.pathsep.join((str(ROOT), str(ROOT / "translators")))
    environment = {**os.environ, "PYTHONPATH": path, "SPATURZU_DB": str(ledger), "NO_PROXY": "127.0.0.1"}
    program = [sys.executable, "-m", "tests.middleware.observed"]
    answer = subprocess.run(program, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout)


def below(spans: Spans, name: str) -> dict[str, dict[str, Any]]:
    """The spans in the trace of the application's span `name`, by name."""
    (root,) = [span for span in spans if span["name"] == name]
    return {span["name"]: span for span in spans if span["trace"] == root["trace"]}


@pytest.mark.slow
@pytest.mark.parametrize("name", ["fallback", "async"])
def test_a_fallback_is_a_tree_below_the_applications_span(spans: Spans, name: str):
    found = below(spans, name)
    route = found["spaturzu.route chat gpt-4o-mini"]
    assert set(found) == {name, route["name"], "chat gpt-4o-mini", "chat claude-haiku-4-5"}
    assert route["parent"] == found[name]["id"]
    assert found["chat gpt-4o-mini"]["parent"] == found["chat claude-haiku-4-5"]["parent"] == route["id"]
    assert found["chat gpt-4o-mini"]["attributes"]["error.type"] == "503"
    assert route["attributes"]["spaturzu.served_by"] == "anthropic/claude-haiku-4-5"


@pytest.mark.slow
def test_a_hop_has_its_tokens_its_cost_and_whose_it_is(spans: Spans):
    said = below(spans, "fallback")["chat claude-haiku-4-5"]["attributes"]
    assert said["gen_ai.provider.name"] == "anthropic"
    assert said["gen_ai.usage.input_tokens"] > 0
    assert said["spaturzu.cost.usd"] > 0
    assert (said["spaturzu.agent.path"], said["spaturzu.tag.team"]) == (["plan"], "search")


@pytest.mark.slow
def test_a_stream_belongs_to_where_it_began(spans: Spans):
    found = below(spans, "stream")
    assert found["spaturzu.route chat gpt-4o-mini"]["parent"] == found["stream"]["id"]
    assert found["chat gpt-4o-mini"]["attributes"]["gen_ai.request.stream"] is True
    assert found["chat gpt-4o-mini"]["attributes"]["spaturzu.hop.outcome"] == "served"


@pytest.mark.slow
def test_a_stream_that_another_hop_goes_on_with_stays_one_route(spans: Spans):
    found = below(spans, "resumed")
    route, broken, resumed = (found[name] for name in ("spaturzu.route chat gpt-4o-mini", *HOPS))
    assert [hop["attributes"]["spaturzu.hop.outcome"] for hop in (broken, resumed)] == ["failed", "served"]
    assert broken["parent"] == resumed["parent"] == route["id"]
    assert route["attributes"]["spaturzu.stream.stitched"] is True
    assert route["attributes"]["spaturzu.served_by"] == "anthropic/claude-haiku-4-5"
    assert route["end"] >= resumed["end"] > broken["end"]
    assert "error.type" not in route["attributes"]


@pytest.mark.slow
def test_each_calls_tokens_are_counted_once_whoever_made_the_span(spans: Spans):
    for name in ("fallback", "async", "vendor"):
        found = below(spans, name).values()
        assert sum("gen_ai.usage.output_tokens" in span["attributes"] for span in found) == 1, name


@pytest.mark.slow
def test_no_span_holds_a_prompt_an_answer_or_a_key(spans: Spans):
    exported = json.dumps(spans)
    for said in ("the secret prompt", "Hello", "sk-secret"):
        assert said not in exported


@pytest.mark.slow
@pytest.mark.parametrize("name", ["fallback", "async", "stream"])
def test_a_hop_says_where_it_went_and_how_the_answer_ended(spans: Spans, name: str):
    found = below(spans, name)
    hops = [found[hop]["attributes"] for hop in HOPS if hop in found]
    assert {hop["server.address"] for hop in hops} == {"127.0.0.1"}
    assert len({hop["server.port"] for hop in hops}) == len(hops)
    (served,) = [hop for hop in hops if hop["spaturzu.hop.outcome"] == "served"]
    assert served["gen_ai.response.finish_reasons"] == ["stop"]
