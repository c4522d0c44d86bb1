"""How each SDK is called: what reaches its client, what comes back, and that it does not retry by itself."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import anthropic
import openai
import pytest
from botocore.config import Config
from mistralai.client.utils import BackoffStrategy, RetryConfig

from spaturzu.router.chain import Target
from spaturzu.router.failures import failure_of
from spaturzu.router.targets import sdk
from spaturzu.sandbox import Reply, Sandbox, Silence, Status, clients
from spaturzu.sandbox.clients import MODELS
from spaturzu_translators.codec import BadWire, codec
from spaturzu_translators.events import fold
from spaturzu_translators.messages import PROVIDERS, Provider, Text
from spaturzu_translators.requests import WireRequest

from .stage import ASKED, Fake, body_of

every_provider = pytest.mark.parametrize("provider", PROVIDERS)

MAKE: dict[Provider, Callable[..., Any]] = {
    "openai": clients.openai,
    "anthropic": clients.anthropic,
    "bedrock": clients.bedrock,
    "gemini": clients.gemini,
    "mistral": clients.mistral,
}
RETRIES: dict[Provider, dict[str, Any]] = {
    "openai": {"max_retries": 2},
    "anthropic": {"max_retries": 2},
    "bedrock": {"config": Config(retries={"total_max_attempts": 3, "mode": "standard"})},
    "gemini": {"http_options": {"retry_options": {"attempts": 3, "initial_delay": 0.01}}},
    "mistral": {"retry_config": RetryConfig("backoff", BackoffStrategy(10, 20, 1.5, 500), False)},
}
"""Each SDK's own retries, switched on by the client's owner."""


def wire_for(provider: Provider, *, stream: bool = False) -> WireRequest:
    """Hi, as `provider` takes it."""
    return codec(provider).encode_request(replace(ASKED, model=MODELS[provider], stream=stream)).value


def invoke(client: Any, provider: Provider, *, stream: bool = False, timeout_s: float | None = None) -> Any:
    """One call through the description, as the walk makes it."""
    return sdk(provider).prepare(client, wire_for(provider, stream=stream), timeout_s, False)()


# what reaches a client


@every_provider
def test_the_create_equivalent_gets_the_wires_own_words(provider: Provider) -> None:
    fake = Fake(provider)
    invoke(fake.client, provider)
    wire, asked = wire_for(provider), fake.asked[0]
    expected: dict[Provider, dict[str, Any]] = {
        "openai": wire.body,
        "anthropic": {**wire.body, "timeout": 600.0},
        "bedrock": {**wire.body, "modelId": wire.model},
        "gemini": {
            "model": wire.model,
            "contents": wire.body["contents"] if provider == "gemini" else None,
            "config": {
                "httpOptions": {"retryOptions": {"attempts": 1}},
                "automaticFunctionCalling": {"disable": True},
                "maxOutputTokens": 50,
            },
        },
        "mistral": {**{name: value for name, value in wire.body.items() if name != "stream"}, "retries": None},
    }
    assert asked == expected[provider]


@every_provider
def test_a_stream_is_asked_for_in_the_sdks_own_way(provider: Provider) -> None:
    fake = Fake(provider)
    answer = invoke(fake.client, provider, stream=True)
    described = sdk(provider)
    frames = [described.frame(item) for item in described.stream(answer)]
    decoder = codec(provider).stream_decoder("m")
    events = [event for frame in frames for event in decoder.feed(frame)] + decoder.close()
    assert fold(events).candidates[0].parts == (Text(text="Hello"),)
    assert fake.asked[0].get("stream") is (True if provider in ("openai", "anthropic") else None)


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_keys_that_the_installed_sdk_does_not_know_go_into_extra_body(provider: Provider) -> None:
    asked: dict[str, Any] = {}

    def create(
        *,
        model: str,
        messages: Any,
        max_tokens: int = 0,
        max_completion_tokens: int = 0,
        timeout: Any = None,
        extra_body: Any = None,
    ) -> Any:
        asked.update(model=model, messages=messages, extra_body=extra_body)
        return body_of(provider)

    shapes: dict[str, Any] = {
        "openai": SimpleNamespace(chat=SimpleNamespace(completions=SimpleNamespace(create=create))),
        "anthropic": SimpleNamespace(messages=SimpleNamespace(create=create)),
    }
    wire = wire_for(provider)
    newer = replace(wire, body={**wire.body, "newer_than_the_sdk": 1})
    sdk(provider).prepare(shapes[provider], newer, None, False)()
    assert asked == {"model": wire.model, "messages": wire.body["messages"], "extra_body": {"newer_than_the_sdk": 1}}


@pytest.mark.parametrize("provider", ["openai", "anthropic"])
def test_unknown_keys_reach_the_real_providers_wire(provider: Provider, sandbox: Sandbox) -> None:
    wire = wire_for(provider)
    newer = replace(wire, body={**wire.body, "newer_than_the_sdk": {"a": 1}})
    sdk(provider).prepare(MAKE[provider](sandbox), newer, None, False)()
    assert sandbox.wires[provider].requests[0].body["newer_than_the_sdk"] == {"a": 1}


@pytest.mark.parametrize(
    ("provider", "given"), [("openai", 1.5), ("anthropic", 1.5), ("mistral", 1500), ("gemini", 1500)]
)
def test_a_timeout_is_given_in_the_sdks_own_unit(provider: Provider, given: float) -> None:
    fake = Fake(provider)
    invoke(fake.client, provider, timeout_s=1.5)
    asked = fake.asked[0]
    found: dict[str, Any] = {"gemini": asked.get("config", {}).get("httpOptions", {}), "mistral": asked}
    key = {"mistral": "timeout_ms"}.get(provider, "timeout")
    assert found.get(provider, asked)[key] == given


@pytest.mark.parametrize("provider", ["openai", "anthropic", "gemini", "mistral"])
def test_a_timeout_ends_a_real_call(provider: Provider, sandbox: Sandbox) -> None:
    sandbox.wires[provider].reply(Silence(5.0, times=None))
    client = MAKE[provider](sandbox, **RETRIES[provider])
    with pytest.raises(Exception) as raised:
        invoke(sdk(provider).single(client), provider, timeout_s=0.2)
    failure = failure_of(raised.value, provider)
    assert failure is not None
    assert failure.kind == "timeout"
    assert len(sandbox.wires[provider].requests) == 1


def test_bedrock_says_that_it_has_no_timeout_for_one_call() -> None:
    assert [name for name in PROVIDERS if not sdk(name).takes_timeout] == ["bedrock"]


# retries


@every_provider
def test_a_target_is_asked_once_whatever_its_client_would_do(provider: Provider, sandbox: Sandbox) -> None:
    sandbox.wires[provider].reply(Status(503, times=None))
    target = Target(provider=provider, client=MAKE[provider](sandbox, **RETRIES[provider]), model=MODELS[provider])
    with pytest.raises(Exception) as raised:
        invoke(target.single, provider)
    failure = failure_of(raised.value, provider)
    assert failure is not None
    assert failure.status == 503
    assert len(sandbox.wires[provider].requests) == 1


@every_provider
def test_a_target_still_answers(provider: Provider, sandbox: Sandbox) -> None:
    client = sdk(provider).single(MAKE[provider](sandbox, **RETRIES[provider]))
    body = sdk(provider).body(invoke(client, provider))
    assert codec(provider).decode_response(body, "m").candidates[0].parts == (Text(text="Hello"),)
    sdk_stream = sdk(provider).stream(invoke(client, provider, stream=True))
    decoder = codec(provider).stream_decoder("m")
    events = [event for item in sdk_stream for event in decoder.feed(sdk(provider).frame(item))] + decoder.close()
    assert fold(events).candidates[0].parts == (Text(text="Hello"),)


def test_boto3s_clone_leaves_the_owners_client_as_it_was(sandbox: Sandbox) -> None:
    client = clients.bedrock(sandbox, **RETRIES["bedrock"])
    once = sdk("bedrock").single(client)
    sandbox.bedrock.script(Status(503), Reply("own"))
    answer = client.converse(modelId="m", messages=[{"role": "user", "content": [{"text": "Hi"}]}])
    assert answer["output"]["message"]["content"] == [{"text": "own"}]
    assert len(sandbox.bedrock.requests) == 2
    sandbox.reset()
    sandbox.bedrock.reply(Status(503, times=None))
    with pytest.raises(client.exceptions.ServiceUnavailableException):
        invoke(once, "bedrock")
    assert len(sandbox.bedrock.requests) == 1


def test_a_copy_without_retries_leaves_the_owners_client_as_it_was(sandbox: Sandbox) -> None:
    for client, provider in ((clients.openai(sandbox), "openai"), (clients.anthropic(sandbox), "anthropic")):
        assert sdk(provider).single(client).max_retries == 0  # type: ignore[arg-type]
        assert client.max_retries == 2


@every_provider
def test_a_client_that_only_quacks_is_taken_as_it_is(provider: Provider) -> None:
    client = Fake(provider).client
    assert sdk(provider).single(client) is client


def test_the_allowance_of_a_target_is_its_clients_own() -> None:
    assert Target(provider="openai", client=openai.OpenAI(api_key="k", max_retries=5), model="m").max_retries == 5
    assert Target(provider="openai", client=Fake("openai").client, model="m").max_retries == 2


# sync and async


def test_async_clients_are_known_by_their_class(sandbox: Sandbox) -> None:
    assert sdk("openai").is_async(clients.async_openai(sandbox))
    assert sdk("anthropic").is_async(clients.async_anthropic(sandbox))
    assert not sdk("openai").is_async(clients.openai(sandbox))
    assert not sdk("bedrock").is_async(clients.bedrock(sandbox))


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("provider", ["gemini", "mistral"])
def test_one_client_serves_both_kinds_of_callers(provider: Provider, stream: bool, sandbox: Sandbox) -> None:
    assert sdk(provider).serves_async(getattr(clients, provider)(sandbox))
    client = MAKE[provider](sandbox)

    async def run() -> list[Any]:
        answer = await sdk(provider).prepare(client, wire_for(provider, stream=stream), None, True)()
        return [item async for item in sdk(provider).stream(answer)] if stream else [answer]

    assert asyncio.run(run())


# what identifies a target, and what goes wrong


def test_targets_are_cooled_down_by_endpoint_credential_and_model() -> None:
    def key(**options: Any) -> Any:
        given = {"api_key": "k", "base_url": "https://a.example", **options}
        model = given.pop("model", "m")
        return Target(provider="openai", client=openai.OpenAI(**given), model=model).key

    assert key() == key()
    assert len({key(), key(model="n"), key(api_key="l"), key(base_url="https://b.example")}) == 4


@every_provider
def test_an_error_of_another_library_is_no_error_of_the_sdk(provider: Provider) -> None:
    for exc in (RuntimeError("x"), KeyError("x"), ValueError("x"), OSError("x")):
        assert sdk(provider).error(exc) is None


@pytest.mark.parametrize("provider", ["openai", "anthropic", "mistral"])
@pytest.mark.parametrize("answer", ["<html>", 7, None, b"bytes"])
def test_an_answer_that_is_no_object_is_refused(provider: Provider, answer: Any) -> None:
    with pytest.raises(BadWire):
        sdk(provider).body(answer)


def test_an_answer_keeps_its_unknown_fields() -> None:
    body = {**body_of("openai"), "newer": {"a": 1}}
    answer = openai.types.chat.ChatCompletion.model_validate(json.loads(json.dumps(body)))
    assert sdk("openai").body(answer)["newer"] == {"a": 1}
    message = anthropic.types.Message.model_validate(body_of("anthropic"))
    assert sdk("anthropic").body(message)["content"] == [{"type": "text", "text": "Hello"}]
