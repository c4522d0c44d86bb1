"""`outage` and `offline` at the door of clients that are built as for production: real addresses, real keys."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import anthropic
import boto3
import google.genai
import httpx2
import mistralai.client
import openai
import pytest

import spaturzu
import spaturzu.anthropic
import spaturzu.bedrock
import spaturzu.google
import spaturzu.mistral
import spaturzu.openai
from spaturzu.demo.callers import CALLERS
from spaturzu.errors import ConfigError
from spaturzu.sandbox import WALL, Cut, Reply, Sandbox, Status, Wire
from spaturzu.testing import offline as offline_block
from spaturzu.testing import outage as outage_block
from spaturzu.tracked import detours
from spaturzu_translators.directions import DIRECTIONS, Direction
from spaturzu_translators.messages import PROVIDERS, Provider

KEY = "sk-live-do-not-tell"
AWS: dict[str, Any] = {"region_name": "us-east-1", "aws_access_key_id": KEY, "aws_secret_access_key": KEY}
RAW: dict[Provider, Callable[[], Any]] = {
    "openai": lambda: openai.OpenAI(api_key=KEY),
    "anthropic": lambda: anthropic.Anthropic(api_key=KEY),
    "bedrock": lambda: boto3.client("bedrock-runtime", **AWS),
    "gemini": lambda: google.genai.Client(api_key=KEY),
    "mistral": lambda: mistralai.client.Mistral(api_key=KEY),
}
DROP_INS: dict[Provider, Callable[..., Any]] = {
    "openai": lambda options: spaturzu.openai.OpenAI(api_key=KEY, spaturzu=options),
    "anthropic": lambda options: spaturzu.anthropic.Anthropic(api_key=KEY, spaturzu=options),
    "bedrock": lambda options: spaturzu.bedrock.BedrockRuntime(**AWS, spaturzu=options),
    "gemini": lambda options: spaturzu.google.Client(api_key=KEY, spaturzu=options),
    "mistral": lambda options: spaturzu.mistral.Mistral(api_key=KEY, spaturzu=options),
}
MADE: dict[Provider, Any] = {}


def raw(provider: Provider) -> Any:
    """Made once: a client costs as much as all the rest of a test."""
    if provider not in MADE:
        MADE[provider] = RAW[provider]()
    return MADE[provider]


def chain(primary: Provider, target: Provider) -> Any:
    return DROP_INS[primary]({"fallback": [{"provider": target, "client": raw(target), "model": "spare"}]})


def asked(wire: Wire) -> int:
    return len(wire.requests)


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("direction", DIRECTIONS, ids=str)
def test_a_client_built_for_production_falls_back_without_the_network(
    offline: Sandbox, outage: Callable[..., Wire], direction: Direction, stream: bool
) -> None:
    primary, target = direction.primary, direction.target
    offline.wires[target].reply(Reply("I step in."))
    wire = outage(primary, status=503)
    caller, client = CALLERS[primary], chain(primary, target)

    said = caller.stream(client) if stream else caller.plain(client)

    assert said.text == "I step in."
    assert (asked(wire), asked(offline.wires[primary]), asked(offline.wires[target])) == (1, 0, 1)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_no_key_reaches_the_local_server(offline: Sandbox, provider: Provider) -> None:
    client = chain(provider, "mistral" if provider == "openai" else "openai")
    CALLERS[provider].plain(client)

    told = json.dumps(offline.wires[provider].requests[0].headers)

    assert KEY not in told
    assert "withheld" in told


def test_different_keys_stay_different(offline: Sandbox) -> None:
    for key in ("one", "two", "one"):
        CALLERS["openai"].plain(spaturzu.openai.OpenAI(api_key=key))

    first, second, third = [request.headers["authorization"] for request in offline.openai.requests]

    assert first == third != second


def test_an_outage_leaves_the_other_providers_as_they_are(outage: Callable[..., Wire]) -> None:
    with Sandbox() as real:
        outage("openai", status=503)
        target = anthropic.Anthropic(api_key=KEY, base_url=real.url("anthropic"))
        options = {"fallback": [{"provider": "anthropic", "client": target, "model": "spare"}]}
        CALLERS["openai"].plain(spaturzu.openai.OpenAI(api_key=KEY, spaturzu=options))

        assert real.anthropic.requests[0].headers["authorization"].endswith(KEY)


def test_what_fails_in_an_outage_is_forgotten_after_it() -> None:
    """Three failures in a row would cool the primary down."""
    client = chain("openai", "anthropic")
    with offline_block(), outage_block("openai", status=503) as wire:
        for _ in range(20):
            CALLERS["openai"].plain(client)
        assert 1 < asked(wire) < 20

    with offline_block() as sandbox:
        CALLERS["openai"].plain(client)
        assert asked(sandbox.openai) == 1


def test_an_outage_holds_in_threads_that_were_there_before(offline: Sandbox) -> None:
    client = chain("openai", "anthropic")
    with ThreadPoolExecutor(1) as pool:
        pool.submit(threading.get_ident).result()
        with outage_block("openai", status=503):
            assert pool.submit(CALLERS["openai"].plain, client).result().model == "spare"
        assert pool.submit(CALLERS["openai"].plain, client).result().model != "spare"


def test_async_clients_meet_it_on_every_event_loop(offline: Sandbox, outage: Callable[..., Wire]) -> None:
    outage("openai", status=503)
    target = {"provider": "anthropic", "client": anthropic.AsyncAnthropic(api_key=KEY), "model": "spare"}
    client = spaturzu.openai.AsyncOpenAI(api_key=KEY, spaturzu={"fallback": [target]})

    async def ask() -> list[Any]:
        return await asyncio.gather(*(CALLERS["openai"].aplain(client) for _ in range(8)))

    said = asyncio.run(ask()) + asyncio.run(ask())

    assert {each.model for each in said} == {"spare"}
    assert asked(offline.anthropic) == 16


def test_geminis_async_half_is_a_target_too(offline: Sandbox, outage: Callable[..., Wire]) -> None:
    outage("openai", status=503)
    target = {"provider": "gemini", "client": raw("gemini").aio, "model": "spare"}
    client = spaturzu.openai.AsyncOpenAI(api_key=KEY, spaturzu={"fallback": [target]})

    assert asyncio.run(CALLERS["openai"].aplain(client)).model == "spare"
    assert asked(offline.gemini) == 1


def test_a_client_that_only_quacks_is_not_called(offline: Sandbox, outage: Callable[..., Wire]) -> None:
    class Duck:
        class messages:  # noqa: N801 - as the SDK has it
            @staticmethod
            def create(**_: Any) -> Any:
                raise AssertionError("offline means that no target's own client is called")

    outage("openai", status=503)
    options = {"fallback": [{"provider": "anthropic", "client": Duck(), "model": "spare"}]}

    assert CALLERS["openai"].plain(spaturzu.openai.OpenAI(api_key=KEY, spaturzu=options)).model == "spare"


def test_the_innermost_outage_counts_and_ends_by_itself(offline: Sandbox) -> None:
    client = spaturzu.openai.OpenAI(api_key=KEY, max_retries=0)
    with outage_block("openai", status=500):
        with outage_block("openai", status=429), pytest.raises(openai.RateLimitError):
            CALLERS["openai"].plain(client)
        with pytest.raises(openai.InternalServerError):
            CALLERS["openai"].plain(client)
    assert CALLERS["openai"].plain(client).text == "Hello"


def test_nothing_is_left_behind() -> None:
    before = threading.active_count()
    with offline_block(), outage_block("openai", "silence"):
        assert detours.current is not None

    assert detours.current is None
    assert threading.active_count() <= before + 1


def test_what_is_no_chat_call_stays_offline_as_well(offline: Sandbox) -> None:
    models = spaturzu.openai.OpenAI(api_key=KEY).models.list()

    assert models.data
    assert offline.openai.requests[0].path == "/v1/models"


def test_a_proxy_is_passed_by(offline: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.delenv("NO_PROXY", raising=False)

    for provider in PROVIDERS:
        CALLERS[provider].plain(DROP_INS[provider](None))
        assert asked(offline.wires[provider]) == 1


def test_the_calls_own_timeout_holds(outage: Callable[..., Wire]) -> None:
    outage("openai", "silence")
    client = spaturzu.openai.OpenAI(api_key=KEY, max_retries=0, timeout=httpx2.Timeout(0.1))

    with pytest.raises(openai.APITimeoutError):
        CALLERS["openai"].plain(client)


def test_a_step_a_name_and_a_kind_say_how(offline: Sandbox) -> None:
    client = chain("anthropic", "openai")
    for how in ({"fault": Cut(times=None)}, {"fault": "html"}, {"kind": "quota_exhausted"}, {"fault": Status(529)}):
        with outage_block("anthropic", **how):  # type: ignore[arg-type]
            assert CALLERS["anthropic"].plain(client).model == "spare", how


@pytest.mark.parametrize("name", ["cut", "reset_mid_stream", "error_event_late", "no_terminal"])
@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_stream_breaks_off_however_short_it_is(offline: Sandbox, provider: Provider, name: Any) -> None:
    """The answer that an outage breaks off is one word, if it is not told otherwise."""
    target: Provider = "anthropic" if provider == "openai" else "openai"
    client = chain(provider, target)
    with outage_block(provider, name):
        CALLERS[provider].stream(client)
    record = spaturzu.last_call()
    assert record is not None
    assert {hop.provider for hop in record.hops} == {provider, target}


@pytest.mark.parametrize(
    ("arguments", "options", "said"),
    [
        (("opanai",), {"status": 503}, "no provider 'opanai'; there are openai"),
        (("openai", "earthquake"), {}, "no fault 'earthquake' on the wall; there are rate_limit"),
        (("openai",), {"kind": "tired"}, "no kind of failure 'tired'; there are rate_limit"),
        (("openai",), {}, "say one of: a fault, a status, a kind"),
        (("openai", "html"), {"status": 503}, "say one of: a fault, a status, a kind"),
        (("anthropic", "retry_after_body"), {}, "anthropic cannot have 'retry_after_body'; openai"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(
    arguments: tuple[Any, ...], options: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigError, match=said), outage_block(*arguments, **options):
        pass
    assert detours.current is None


@pytest.mark.parametrize("name", WALL)
def test_every_fault_of_the_wall_has_a_form_on_each_of_its_wires(name: Any) -> None:
    fault = WALL[name]
    assert fault.name == name
    for wire in fault.wires:
        assert fault.steps(wire)
        assert fault.must
