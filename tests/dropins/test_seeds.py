"""The samples that users of the first version know, in our words: settings come from the environment, as there."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from typing import Any

import pytest

import spaturzu
from spaturzu import flush, run, shutdown
from spaturzu_translators.messages import Provider

from .chains import DOWN, SERVED, House, served_model

USER = [{"role": "user", "content": "Summarise this ticket"}]


def environment(house: House) -> dict[str, str]:
    """What points the five SDKs at the sandbox; Mistral's has no variable for its address."""
    url = house.sandbox.url
    return {
        "OPENAI_API_KEY": "any",
        "OPENAI_BASE_URL": url("openai"),
        "ANTHROPIC_API_KEY": "any",
        "ANTHROPIC_BASE_URL": url("anthropic"),
        "AWS_ACCESS_KEY_ID": "any",
        "AWS_SECRET_ACCESS_KEY": "any",
        "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": url("bedrock"),
        "GEMINI_API_KEY": "any",
        "GOOGLE_GEMINI_BASE_URL": url("gemini"),
        "MISTRAL_API_KEY": "any",
        "SPATURZU_API_KEY": "any",
        "SPATURZU_BASE_URL": "http://127.0.0.1:9",
    }


@pytest.fixture(autouse=True)
def _environment(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment(house).items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("GOOGLE_API_KEY", raising=False)
    house.answers(SERVED)


def _agent_path() -> tuple[str, ...]:
    record = spaturzu.last_call()
    assert record is not None
    return record.agent_path


def test_quick_start(capsys: pytest.CaptureFixture[str]) -> None:
    from spaturzu.openai import OpenAI

    client = OpenAI()
    answer = client.with_agent("support-triage").chat.completions.create(model="gpt-6-astra", messages=USER)
    print(answer.choices[0].message.content)  # noqa: T201
    flush()

    assert capsys.readouterr().out.strip() == SERVED.text
    assert _agent_path() == ("support-triage",)


def test_with_agent_alone_and_inside_a_run() -> None:
    from spaturzu.openai import OpenAI

    openai = OpenAI()
    openai.with_agent("writer").chat.completions.create(model="gpt-6-astra", messages=USER)
    alone = _agent_path()
    with run("planner"):
        openai.with_agent("writer").chat.completions.create(model="gpt-6-astra", messages=USER)

    assert (alone, _agent_path()) == (("writer",), ("planner", "writer"))


def test_run_async_with_tags(house: House) -> None:
    from spaturzu.openai import AsyncOpenAI

    async def synthesize() -> Any:
        async with run("synthesize", tags={"phase": "draft"}):
            await AsyncOpenAI().chat.completions.create(model="gpt-6-astra", messages=USER)
        return spaturzu.last_call()

    record = house.run(synthesize())
    assert (record.agent_path, record.tags) == (("synthesize",), {"phase": "draft"})


def test_a_chain_of_raw_clients(house: House) -> None:
    import boto3
    from anthropic import Anthropic

    from spaturzu.openai import OpenAI

    openai = OpenAI(
        spaturzu={
            "fallback": [
                {"provider": "anthropic", "client": Anthropic(), "model": "claude-haiku-5-5"},
                {
                    "provider": "bedrock",
                    "client": boto3.client("bedrock-runtime", region_name="us-east-1"),
                    "model": served_model("bedrock"),
                },
            ],
        }
    )
    house.answers(DOWN, "openai", "anthropic")

    answer = openai.chat.completions.create(model="gpt-6-astra", messages=USER)

    assert (answer.choices[0].message.content, answer.model) == (SERVED.text, served_model("bedrock"))


def test_openai_in_a_run() -> None:
    from spaturzu.openai import OpenAI

    openai = OpenAI()
    with run("support-triage"):
        openai.chat.completions.create(model="gpt-6-astra", messages=USER)

    assert _agent_path() == ("support-triage",)


def test_anthropic_in_a_run() -> None:
    from spaturzu.anthropic import Anthropic

    anthropic = Anthropic()
    with run("researcher"):
        answer = anthropic.messages.create(model="claude-sonnet-5-5", max_tokens=256, messages=USER)

    assert (_agent_path(), answer.content[0].text) == (("researcher",), SERVED.text)


def test_bedrock_in_a_run() -> None:
    from spaturzu.bedrock import BedrockRuntime

    bedrock = BedrockRuntime(region_name="us-east-1")
    with run("triage"):
        answer = bedrock.converse(
            modelId="anthropic.claude-sonnet-5-5-v1:0", messages=[{"role": "user", "content": [{"text": "Hello"}]}]
        )

    assert (_agent_path(), answer["output"]["message"]["content"][0]["text"]) == (("triage",), SERVED.text)


def test_gemini_in_a_run() -> None:
    from spaturzu.google import Client

    gemini = Client(api_key=os.environ["GEMINI_API_KEY"])
    with run("summariser"):
        answer = gemini.models.generate_content(
            model="gemini-3.8-flash", contents=[{"role": "user", "parts": [{"text": "Hello"}]}]
        )

    assert (_agent_path(), answer.text) == (("summariser",), SERVED.text)


def test_mistral_in_a_run(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    from mistralai.client import sdkconfiguration

    from spaturzu.mistral import Mistral

    for name in sdkconfiguration.SERVERS:
        monkeypatch.setitem(sdkconfiguration.SERVERS, name, house.sandbox.url("mistral"))
    mistral = Mistral(api_key=os.environ["MISTRAL_API_KEY"])
    with run("classifier"):
        answer = mistral.chat.complete(model="mistral-large-latest", messages=USER)

    assert (_agent_path(), answer.choices[0].message.content) == (("classifier",), SERVED.text)


def test_a_client_of_ones_own(house: House) -> None:
    from openai import OpenAI

    from spaturzu import spaturzu as make

    sp = make(tags={"env": "prod"})
    openai = sp.wrap_openai(OpenAI(base_url=house.sandbox.url("openai").replace("/v1", "/openai/v1")))
    with sp.run("support-triage"):
        openai.chat.completions.create(model="llama", messages=USER)

    record = spaturzu.last_call()
    assert record is not None
    assert (record.agent_path, record.tags) == (("support-triage",), {"env": "prod"})
    assert house.wire("openai").requests[0].path == "/openai/v1/chat/completions"


def test_tags_of_a_run() -> None:
    from spaturzu.openai import OpenAI

    with run("nightly-report", tags={"team": "search", "phase": "draft"}):
        OpenAI().chat.completions.create(model="gpt-6-astra", messages=USER)

    record = spaturzu.last_call()
    assert record is not None
    assert record.tags == {"team": "search", "phase": "draft"}


def test_runs_of_two_providers() -> None:
    from spaturzu.anthropic import Anthropic
    from spaturzu.openai import OpenAI

    openai, anthropic = OpenAI(), Anthropic()
    with run("research") as frame:
        openai.chat.completions.create(model="gpt-6-astra", messages=USER)
        first = _agent_path()
        with run("synthesize", tags={"phase": "draft"}):
            anthropic.messages.create(model="claude-haiku-5-5", max_tokens=9, messages=USER)

    record = spaturzu.last_call()
    assert record is not None
    assert (first, record.agent_path) == (("research",), ("research", "synthesize"))
    assert (record.run_id, record.tags) == (frame.run_id, {"phase": "draft"})


def test_flush_and_shutdown() -> None:
    assert flush() is True
    assert flush(timeout_s=30.0) is True
    assert shutdown() is True


CONFIGURED = """
from spaturzu import ConfigError, configure, last_call, run
configure(tags={"env": "prod", "region": "us-east-1", "version": "2.1.0"})
from spaturzu.openai import OpenAI
client = OpenAI()
with run("a", tags={"env": "dev"}):
    client.chat.completions.create(model="gpt-6-astra", messages=[{"role": "user", "content": "Hi"}])
print(sorted(last_call().tags.items()))
try:
    configure()
except ConfigError as error:
    print(error)
"""


def test_configure_once_before_the_first_client(house: House) -> None:
    """In a process of its own: the options are the whole process's."""
    given = {**os.environ, **environment(house), "PYTHONPATH": os.pathsep.join(sys.path)}

    told = subprocess.run([sys.executable, "-c", CONFIGURED], env=given, capture_output=True, text=True, check=True)

    tags, error = told.stdout.splitlines()
    assert tags == "[('env', 'dev'), ('region', 'us-east-1'), ('version', '2.1.0')]"
    assert error.startswith("spaturzu: configure() comes too late")


def test_many_tasks_share_a_client(house: House) -> None:
    from spaturzu.anthropic import AsyncAnthropic

    client = AsyncAnthropic()

    async def ask(number: int) -> tuple[str, ...]:
        async with run(f"agent-{number}"):
            await client.messages.create(model="claude-haiku-5-5", max_tokens=9, messages=USER)
        return _agent_path()

    async def gathered() -> list[tuple[str, ...]]:
        return await asyncio.gather(*map(ask, range(8)))

    assert house.run(gathered()) == [(f"agent-{number}",) for number in range(8)]


def test_every_provider_of_the_samples_is_known() -> None:
    known: tuple[Provider, ...] = ("openai", "anthropic", "bedrock", "gemini", "mistral")
    assert all(hasattr(spaturzu.Spaturzu, f"wrap_{name}") for name in (*known, "google"))
