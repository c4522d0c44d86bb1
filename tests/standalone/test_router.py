"""Router: OpenAI's objects from any backend, by clients built from the environment, over real sockets."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest
from openai.types.chat import ChatCompletion
from pydantic import BaseModel

import spaturzu
from spaturzu import AsyncRouter, ConfigError, Router, configure, last_call
from spaturzu.sandbox import Reply, Sandbox, Status
from spaturzu.sandbox.clients import MODELS
from spaturzu_translators.messages import PROVIDERS, Provider

ASK = [{"role": "user", "content": "Say hello."}]
NAMES = {provider: f"{provider}/{MODELS[provider]}" for provider in PROVIDERS}
DOWN = Status(503, times=None)


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """Five local providers, and an environment that leads there."""
    with Sandbox() as sandbox:
        for name, value in {
            "OPENAI_API_KEY": "k",
            "OPENAI_BASE_URL": sandbox.url("openai"),
            "ANTHROPIC_API_KEY": "k",
            "ANTHROPIC_BASE_URL": sandbox.url("anthropic"),
            "GEMINI_API_KEY": "k",
            "GOOGLE_GEMINI_BASE_URL": sandbox.url("gemini"),
            "MISTRAL_API_KEY": "k",
            "MISTRAL_SERVER_URL": sandbox.url("mistral"),
            "AWS_ACCESS_KEY_ID": "k",
            "AWS_SECRET_ACCESS_KEY": "k",
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": sandbox.url("bedrock"),
        }.items():
            monkeypatch.setenv(name, value)
        yield sandbox


@pytest.fixture(autouse=True)
def _anew() -> Iterator[None]:
    spaturzu.shutdown()
    yield
    spaturzu.shutdown()


@pytest.mark.parametrize("provider", PROVIDERS)
def test_any_backend_answers_with_openais_objects(sandbox: Sandbox, provider: Provider) -> None:
    sandbox.wires[provider].reply(Reply("Hello there."))

    answer = Router([NAMES[provider]]).chat.completions.create(messages=ASK)

    assert isinstance(answer, ChatCompletion)
    assert answer.choices[0].message.content == "Hello there."
    assert answer.model == MODELS[provider]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_any_backend_streams_openais_chunks(sandbox: Sandbox, provider: Provider) -> None:
    sandbox.wires[provider].reply(Reply("Hello there."))

    chunks = list(Router([NAMES[provider]]).chat.completions.create(messages=ASK, stream=True))

    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "Hello there."


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_async_router_answers_and_streams(sandbox: Sandbox, provider: Provider) -> None:
    sandbox.wires[provider].reply(Reply("Hello there."))

    async def both() -> tuple[str | None, str]:
        router = AsyncRouter([NAMES[provider]])
        answer = await router.chat.completions.create(messages=ASK)
        stream = await router.chat.completions.create(messages=ASK, stream=True)
        text = "".join([chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices])
        await router.close()
        return answer.choices[0].message.content, text

    assert asyncio.run(both()) == ("Hello there.", "Hello there.")


def test_it_falls_back_along_the_chain(sandbox: Sandbox) -> None:
    sandbox.wires["openai"].reply(DOWN)
    sandbox.wires["anthropic"].reply(DOWN)

    answer = Router([NAMES["openai"], NAMES["anthropic"], NAMES["mistral"]]).chat.completions.create(messages=ASK)

    record = last_call()
    assert answer.model == MODELS["mistral"]
    assert record is not None
    assert [hop.status for hop in record.hops] == ["failed", "failed", "served"]


def test_it_hedges_like_any_chain(sandbox: Sandbox) -> None:
    sandbox.wires["anthropic"].reply(Reply("Slow.", delay_s=60))
    router = Router([NAMES["anthropic"], NAMES["mistral"]], hedge={"after": 0.05, "max_share": None})

    answer = router.chat.completions.create(messages=ASK)

    assert answer.model == MODELS["mistral"]
    assert str(router.spaturzu.health().hedges) == "hedges: 1 of 1 calls, 1 won, 0 capped"


def test_an_exhausted_chain_raises_openais_error_for_the_first_targets_failure(sandbox: Sandbox) -> None:
    sandbox.wires["anthropic"].reply(Status(429, times=None))
    sandbox.wires["gemini"].reply(DOWN)

    with pytest.raises(openai.RateLimitError) as caught:
        Router([NAMES["anthropic"], NAMES["gemini"]]).chat.completions.create(messages=ASK)

    assert NAMES["anthropic"] in caught.value.__notes__[0]
    assert NAMES["gemini"] in caught.value.__notes__[0]


def test_a_model_of_the_chain_is_tried_first(sandbox: Sandbox) -> None:
    router = Router([NAMES["openai"], NAMES["mistral"]])

    answer = router.chat.completions.create(messages=ASK, model=NAMES["mistral"])

    assert answer.model == MODELS["mistral"]
    assert not sandbox.wires["openai"].requests


def test_a_model_that_is_not_in_the_chain_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(ConfigError, match=r"'gpt-5' is not in this router's chain"):
        Router([NAMES["openai"]]).chat.completions.create(messages=ASK, model="gpt-5")


def test_parse_gives_the_pydantic_object(sandbox: Sandbox) -> None:
    class City(BaseModel):
        name: str

    sandbox.wires["gemini"].reply(Reply('{"name": "Cluj"}'))

    answer = Router([NAMES["gemini"]]).chat.completions.parse(messages=ASK, response_format=City)

    assert answer.choices[0].message.parsed == City(name="Cluj")


def test_the_stream_helper_works(sandbox: Sandbox) -> None:
    sandbox.wires["anthropic"].reply(Reply("Hello there."))

    with Router([NAMES["anthropic"]]).chat.completions.stream(messages=ASK) as stream:
        text = stream.get_final_completion().choices[0].message.content

    assert text == "Hello there."


def test_responses_are_a_shape_too(sandbox: Sandbox) -> None:
    sandbox.wires["anthropic"].reply(Reply("Hello there."))

    assert Router([NAMES["anthropic"]]).responses.create(input="Say hello.").output_text == "Hello there."


def test_an_agents_calls_are_attributed(sandbox: Sandbox) -> None:
    Router([NAMES["mistral"]]).with_agent("triage").chat.completions.create(messages=ASK)

    record = last_call()
    assert record is not None
    assert record.agent_path == ("triage",)


def test_explain_tells_what_each_target_would_be_sent(sandbox: Sandbox) -> None:
    planned = Router([NAMES["anthropic"], NAMES["mistral"]]).spaturzu.explain(messages=ASK, n=2)

    assert [plan.skipped is not None for plan in planned] == [True, False]
    assert not sandbox.wires["mistral"].requests


def test_what_is_no_chat_call_has_nowhere_to_go(sandbox: Sandbox) -> None:
    with pytest.raises(ConfigError, match="/v1/embeddings is neither"):
        Router([NAMES["openai"]])._client.embeddings.create(model="m", input="x")


def test_a_missing_key_is_named(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY")

    with pytest.raises(ConfigError, match="set ANTHROPIC_API_KEY"):
        Router([NAMES["openai"], NAMES["anthropic"]])


@pytest.mark.parametrize("name", ["gpt-6-astra", "azure/gpt", "openai/"])
def test_what_names_no_target_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="names no target; write PROVIDER/MODEL"):
        Router([name])


def test_an_empty_chain_is_refused() -> None:
    with pytest.raises(ConfigError, match="empty list"):
        Router([])


def test_a_chain_named_in_configure_is_used_by_routers_and_drop_ins(sandbox: Sandbox) -> None:
    configure(chains={"careful": [NAMES["anthropic"]]})
    sandbox.wires["openai"].reply(DOWN)

    from spaturzu.openai import OpenAI

    routed = Router("careful").chat.completions.create(messages=ASK)
    dropped_in = OpenAI(spaturzu={"chain": "careful"}).chat.completions.create(model="gpt-6-astra", messages=ASK)

    assert routed.model == dropped_in.model == MODELS["anthropic"]


def test_a_chain_named_in_the_file_is_used_with_its_options(
    sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "spaturzu.toml").write_text(
        f'[chains.careful]\ndeadline = 30\nfallback = [{{target = "{NAMES["mistral"]}", max_tokens = 7}}]\n'
    )

    Router("careful").chat.completions.create(messages=ASK)

    assert sandbox.wires["mistral"].requests[0].body["max_tokens"] == 7


def test_an_unknown_name_tells_the_known_ones(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    configure(chains={"careful": ["openai/gpt-6-astra"]})

    with pytest.raises(ConfigError, match=r"no chain is named 'fast'; known: careful"):
        Router("fast")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "broken.toml"
    broken.write_text("[chains")
    monkeypatch.setenv("SPATURZU_CONFIG", str(broken))

    with pytest.raises(ConfigError, match=r"broken\.toml cannot be read"):
        Router("careful")


def test_a_configured_file_that_is_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPATURZU_CONFIG", str(tmp_path / "none.toml"))

    with pytest.raises(ConfigError, match=r"none\.toml, which does not exist"):
        Router("careful")
