"""The drop-ins are the SDKs' own clients, with all that their users set; clients built elsewhere join them."""

from __future__ import annotations

import asyncio
import contextvars
import gc
import sys
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import anthropic
import google.genai
import mistralai.client
import openai
import pytest

import spaturzu
import spaturzu.openai
from spaturzu.chains import configure_chains, forget_chains
from spaturzu.demo.callers import CALLERS
from spaturzu.sandbox import Held, Reply
from spaturzu.sandbox.clients import KEY
from spaturzu_translators.messages import PROVIDERS, Provider

from .chains import (
    ASYNC_CLASSES,
    DOWN,
    DOWN_ONCE,
    SERVED,
    House,
    each_primary,
    other,
    plain_and_stream,
    served_model,
    sync_and_async,
)
from .generation import HTTP

USER = [{"role": "user", "content": "Hi"}]
CLASSES: dict[Provider, tuple[type[Any], type[Any]]] = {
    "openai": (openai.OpenAI, openai.AsyncOpenAI),
    "anthropic": (anthropic.Anthropic, anthropic.AsyncAnthropic),
    "gemini": (google.genai.Client, google.genai.Client),
    "mistral": (mistralai.client.Mistral, mistralai.client.Mistral),
}
WRAP = {name: f"wrap_{name}" for name in PROVIDERS}


def _fallback(house: House, *targets: Provider, as_async: bool = False) -> dict[str, Any]:
    return {"fallback": [house.target(target, as_async=as_async) for target in targets]}


class TestTheRealClass:
    """A framework that checks for the SDK's client accepts the drop-in."""

    @sync_and_async
    @pytest.mark.parametrize("provider", CLASSES)
    def test_a_drop_in_is_an_instance_of_it(self, house: House, provider: Provider, as_async: bool) -> None:
        client = house.chain(provider, other(provider), as_async=as_async)

        assert isinstance(client, CLASSES[provider][as_async])

    def test_boto3s_class_is_made_at_run_time(self, house: House) -> None:
        client = house.chain("bedrock", "openai")

        assert "BedrockRuntime" in {cls.__name__ for cls in type(client).__mro__}
        assert isinstance(client, type(house.raw("bedrock")).__mro__[1])  # botocore.client.BaseClient

    def test_everything_else_of_the_sdk_is_there(self) -> None:
        assert spaturzu.openai.RateLimitError is openai.RateLimitError
        assert spaturzu.openai.pydantic_function_tool is openai.pydantic_function_tool
        with pytest.raises(AttributeError):
            _ = spaturzu.openai.no_such_name

    @each_primary
    def test_a_client_of_its_own_connections_falls_back(self, house: House, primary: Provider) -> None:
        """All other tests share HTTP clients; here the SDK makes its own."""
        house.answers(DOWN, primary)
        house.answers(SERVED, other(primary))
        own = {"openai": ["http_client"], "anthropic": ["http_client"], "mistral": ["client", "async_client"]}
        without: dict[str, Any] = dict.fromkeys(own.get(primary, ()))
        if primary == "gemini":
            without["http_options"] = {"httpx_client": None, "httpx_async_client": None}

        for as_async in (False, True):
            client = house.chain(primary, other(primary), as_async=as_async, **without)
            assert house.call(primary, client, as_async=as_async).said.text == SERVED.text


class TestUsersOwnSettings:
    """`http_client`, `timeout`, `max_retries`, `with_options`, `copy`."""

    @pytest.mark.parametrize("primary", ["openai", "anthropic", "gemini", "mistral"])
    def test_event_hooks_of_ones_own_http_client_see_the_primary(self, house: House, primary: Provider) -> None:
        seen: list[str] = []
        hooks = {
            "request": [lambda request: seen.append(request.method)],
            "response": [lambda response: seen.append(str(response.status_code))],
        }
        http = HTTP.Client(event_hooks=hooks, headers={"x-team": "search"})
        place = {"mistral": {"client": http}, "gemini": {"http_options": {"httpx_client": http}}}
        house.wire(primary).script(DOWN)
        house.answers(SERVED, other(primary))
        client = house.chain(primary, other(primary), **place.get(primary, {"http_client": http}))

        house.call(primary, client)

        assert seen == ["POST", "503"]
        assert house.wire(primary).requests[0].headers["x-team"] == "search"

    @pytest.mark.parametrize("primary", ["openai", "anthropic"])
    def test_copies_keep_the_chain(self, house: House, primary: Provider) -> None:
        house.answers(DOWN, primary)
        house.answers(SERVED, other(primary))
        client = house.chain(primary, other(primary), timeout=7, max_retries=4)

        for copied in (
            client.copy(),
            client.with_options(timeout=3),
            client.copy(max_retries=0, api_key="another"),
            client.with_options(http_client=HTTP.Client()),
            client.with_options(timeout=3).copy().with_agent("triage"),
        ):
            assert house.call(primary, copied).said.text == SERVED.text
            assert type(copied) is type(client)
        assert (client.timeout, client.max_retries) == (7, 4)
        assert client.with_options(timeout=3).timeout == 3
        assert client.with_agent("triage").max_retries == 4

    @pytest.mark.parametrize("primary", ["openai", "anthropic"])
    def test_a_closed_client_says_so(self, house: House, primary: Provider) -> None:
        http = HTTP.Client()
        with house.chain(primary, other(primary), http_client=http) as client:
            assert not client.is_closed()

        assert client.is_closed()
        assert http.is_closed

    def test_extra_headers_and_body_of_a_call_reach_the_primary(self, house: House) -> None:
        client = house.chain("openai", "anthropic")

        client.chat.completions.create(
            model="m", messages=USER, extra_headers={"x-a": "1"}, extra_body={"vendor": {"key": 2}}
        )

        received: Any = house.wire("openai").requests[0]
        assert (received.headers["x-a"], received.body["vendor"]) == ("1", {"key": 2})

    @sync_and_async
    def test_azure(self, house: House, as_async: bool) -> None:
        house.answers(DOWN, "openai")
        house.answers(SERVED, "anthropic")
        cls = spaturzu.openai.AsyncAzureOpenAI if as_async else spaturzu.openai.AzureOpenAI
        endpoint = house.sandbox.url("openai").removesuffix("/v1")
        client = cls(
            azure_endpoint=endpoint, api_key=KEY, api_version="2026-10-01", spaturzu=_fallback(house, "anthropic")
        )

        heard = house.call("openai", client.with_options(timeout=9), as_async=as_async)

        assert isinstance(client, openai.AsyncAzureOpenAI if as_async else openai.AzureOpenAI)
        assert heard.said.text == SERVED.text
        (received,) = house.wire("openai").requests
        assert received.path == "/openai/deployments/gpt-6-astra/chat/completions"
        assert heard.record.hops[0].model == "gpt-6-astra"

    def test_openai_compatible_servers(self, house: House) -> None:
        house.answers(DOWN, "openai")
        house.answers(SERVED, "anthropic")
        url = house.sandbox.url("openai").replace("/v1", "/groq/openai/v1")

        heard = house.call("openai", house.chain("openai", "anthropic", base_url=url))

        assert heard.said.text == SERVED.text
        assert house.wire("openai").requests[0].path == "/groq/openai/v1/chat/completions"


class TestPassingThrough:
    """What is no chat call is none of our business."""

    def test_embeddings_and_models_byte_for_byte(self, house: House) -> None:
        seen: list[Any] = []
        for client in (house.raw("openai"), house.chain("openai", "anthropic")):
            house.sandbox.reset()
            answer = client.embeddings.with_raw_response.create(model="text-embedding-3-small", input=["a", "b"])
            models = [model.id for model in client.models.list()]
            sent = [
                (r.method, r.path, r.raw, {k: v for k, v in r.headers.items() if k != "host"})
                for r in house.wire("openai").requests
            ]
            seen.append((answer.content, models, sent))

        assert seen[0] == seen[1]

    def test_a_chat_answer_of_the_primary_byte_for_byte(self, house: House) -> None:
        body = b'{"choices" : [ ],\n "model":"m",  "id": "1", "object":"chat.completion", "created": 1}'
        house.answers(Reply(body=body), "openai")
        client = house.chain("openai", "anthropic")

        raw = client.chat.completions.with_raw_response.create(model="m", messages=USER)

        assert raw.content == body
        assert raw.headers["x-spaturzu-provider"] == "openai"

    def test_errors_of_other_endpoints_do_not_fall_back(self, house: House) -> None:
        client = house.chain("openai", "anthropic")

        with pytest.raises(openai.NotFoundError):
            client.files.retrieve("file-1")

        assert house.asked("anthropic") == 0

    def test_counting_tokens(self, house: House) -> None:
        contents = {"anthropic": {"messages": USER}, "gemini": {"contents": "Hi"}}
        claude, gemini = house.chain("anthropic", "openai"), house.chain("gemini", "openai")

        assert claude.messages.count_tokens(model="m", **contents["anthropic"]).input_tokens > 0
        assert gemini.models.count_tokens(model="m", **contents["gemini"]).total_tokens > 0
        assert house.asked("openai") == 0

    @each_primary
    def test_without_options_nothing_is_added(self, house: House, primary: Provider) -> None:
        heard = house.call(primary, house.drop_in(primary))

        assert heard.statuses == ["served"]
        assert "x-spaturzu-provider" not in str(heard.answer)


class TestWrapping:
    """`wrap_*` for clients built elsewhere."""

    @sync_and_async
    @each_primary
    def test_the_original_is_left_as_it_is(self, house: House, primary: Provider, as_async: bool) -> None:
        house.answers(DOWN, primary)
        house.answers(SERVED, other(primary))
        original = house.raw(primary, as_async=as_async)
        before = (type(original), dict(vars(original)))
        wrap = getattr(spaturzu.spaturzu(tags={"env": "prod"}), WRAP[primary])
        takes_async = as_async and primary in ASYNC_CLASSES

        wrapped = wrap(original, **_fallback(house, other(primary), as_async=takes_async))

        if primary != "bedrock" or not as_async:
            heard = house.call(primary, wrapped, as_async=as_async)
            assert heard.said.text == SERVED.text
            assert heard.record.tags == {"env": "prod"}
        assert isinstance(wrapped, type(original))
        assert wrapped is not original
        assert before[0] is type(original)
        assert {name: vars(original)[name] for name in before[1]} == before[1]

    @each_primary
    def test_the_original_does_not_fall_back(self, house: House, primary: Provider) -> None:
        house.answers(DOWN, primary)
        original = house.single(primary)
        getattr(spaturzu.spaturzu(), WRAP[primary])(original, **_fallback(house, other(primary)))

        heard = house.attempt(primary, original, stream=False, as_async=False)

        assert heard.error is not None
        assert house.asked(other(primary)) == 0

    @sync_and_async
    @pytest.mark.parametrize("how", ["wrap", "with_agent"])
    @each_primary
    def test_a_collected_original_takes_nothing_with_it(
        self, house: House, primary: Provider, how: str, as_async: bool
    ) -> None:
        house.answers(SERVED)
        house.wire(primary).script(DOWN)
        options = _fallback(house, other(primary), as_async=as_async and primary in ASYNC_CLASSES)
        client = _left_alone(house, primary, options, how, as_async)
        if client is None:
            pytest.skip("boto3 has no async client to wrap")

        gc.collect(1)
        house.run(asyncio.sleep(0))

        for _ in range(2):
            assert house.call(primary, client, as_async=as_async).said.text == SERVED.text

    def test_wrap_gemini_is_wrap_google(self) -> None:
        assert spaturzu.Spaturzu.wrap_gemini is spaturzu.Spaturzu.wrap_google

    def test_wrapping_without_options_attributes_only(self, house: House) -> None:
        client = spaturzu.spaturzu(tags={"env": "dev"}).wrap_openai(house.raw("openai"))

        heard = house.call("openai", client.with_agent("triage", tags={"try": 1}))

        assert (heard.record.agent_path, heard.record.tags) == (("triage",), {"env": "dev", "try": "1"})

    def test_a_drop_in_that_is_wrapped_again_has_the_new_targets_only(self, house: House) -> None:
        house.answers(DOWN, "openai")
        house.answers(SERVED, "mistral")
        client = spaturzu.spaturzu().wrap_openai(house.chain("openai", "anthropic"), **_fallback(house, "mistral"))

        heard = house.call("openai", client)

        assert [hop.provider for hop in heard.record.hops] == ["openai", "mistral"]

    @sync_and_async
    @each_primary
    def test_a_drop_in_that_is_wrapped_again_keeps_its_chain_and_its_agent(
        self, house: House, primary: Provider, as_async: bool
    ) -> None:
        house.answers(DOWN, primary)
        house.answers(SERVED, other(primary))
        client = house.chain(primary, other(primary), as_async=as_async).with_agent("triage")

        again = getattr(spaturzu.spaturzu(tags={"env": "prod"}), WRAP[primary])(client, customer="acme")

        heard = house.call(primary, again, as_async=as_async)
        assert heard.said.text == SERVED.text
        assert (heard.record.agent_path, heard.record.tags) == (("triage",), {"env": "prod"})
        assert heard.record.customer_id == "acme"

    def test_a_chain_by_name_replaces_the_targets_of_before(self, house: House) -> None:
        configure_chains({"spare": _fallback(house, "mistral")})
        house.answers(DOWN, "openai")
        house.answers(SERVED, "mistral")
        try:
            client = spaturzu.spaturzu().wrap_openai(house.chain("openai", "anthropic"), chain="spare")
        finally:
            forget_chains()

        heard = house.call("openai", client)

        assert [hop.provider for hop in heard.record.hops] == ["openai", "mistral"]

    def test_a_drop_in_may_be_a_target(self, house: House) -> None:
        """Its own chain is walked first."""
        house.answers(DOWN, "openai", "anthropic")
        house.answers(SERVED, "mistral")
        inner = house.chain("anthropic", "mistral")
        target = {**house.target("anthropic"), "client": inner}

        heard = house.call("openai", house.drop_in("openai", options={"fallback": [target]}))

        assert (heard.said.text, heard.said.model) == (SERVED.text, served_model("mistral"))


def _left_alone(house: House, primary: Provider, options: Any, how: str, as_async: bool) -> Any:
    """A client whose original nobody else holds."""
    own: dict[str, Any] = {"openai": {"http_client": None}, "anthropic": {"http_client": None}}.get(primary, {})
    if primary == "mistral":
        own = {"client": None, "async_client": None}
    if primary == "gemini":
        own = {"http_options": {"httpx_client": None, "httpx_async_client": None}}
    if how == "with_agent":
        return house.drop_in(primary, as_async=as_async, options=options, **own).with_agent("a")
    if primary == "bedrock" and as_async:
        return None
    from spaturzu.sandbox import clients

    make = getattr(clients, f"async_{primary}" if as_async and primary in ASYNC_CLASSES else primary)
    return getattr(spaturzu.spaturzu(), WRAP[primary])(make(house.sandbox), **options)


def _as_sdk(answer: Any) -> Any:
    return answer


def _as_dict(answer: Any) -> Any:
    """What a hand-written client might give: plain JSON."""
    if isinstance(answer, dict):
        return answer
    if hasattr(answer, "__next__") or hasattr(answer, "generator"):
        return (_as_dict(getattr(event, "data", event)) for event in answer)
    return answer.model_dump(mode="json", by_alias=True, exclude_none=True, exclude={"sdk_http_response"})


def _duck(provider: Provider, raw: Any, given: Callable[[Any], Any]) -> Any:
    """An object that has the create-equivalent of `raw`, and nothing else."""

    def over(method: Any) -> Any:
        return lambda **kwargs: given(method(**kwargs))

    match provider:
        case "openai":
            create = over(raw.chat.completions.create)
            return SimpleNamespace(chat=SimpleNamespace(completions=SimpleNamespace(create=create)))
        case "anthropic":
            return SimpleNamespace(messages=SimpleNamespace(create=over(raw.messages.create)))
        case "bedrock":
            return SimpleNamespace(converse=over(raw.converse), converse_stream=over(raw.converse_stream))
        case "gemini":
            both = (raw.models.generate_content, raw.models.generate_content_stream)
            return SimpleNamespace(
                models=SimpleNamespace(generate_content=over(both[0]), generate_content_stream=over(both[1]))
            )
        case "mistral":
            return SimpleNamespace(chat=SimpleNamespace(complete=over(raw.chat.complete), stream=over(raw.chat.stream)))


def _async_duck(provider: Provider, raw: Any) -> Any:
    """The same with `async def`."""

    async def create(**kwargs: Any) -> Any:
        return await (raw.messages if provider == "anthropic" else raw.chat.completions).create(**kwargs)

    if provider == "anthropic":
        return SimpleNamespace(messages=SimpleNamespace(create=create))
    return SimpleNamespace(chat=SimpleNamespace(completions=SimpleNamespace(create=create)))


class TestDucks:
    """Objects that have the create-equivalent only."""

    @plain_and_stream
    @pytest.mark.parametrize("given", [_as_sdk, _as_dict])
    @each_primary
    def test_as_a_target(self, house: House, primary: Provider, given: Any, stream: bool) -> None:
        quacking = other(primary)
        house.answers(DOWN, primary)
        house.answers(SERVED, quacking)
        target = house.target(quacking, client=_duck(quacking, house.raw(quacking), given))
        client = house.drop_in(primary, options={"fallback": [target]})

        heard = house.call(primary, client, stream=stream)

        assert heard.said.text == SERVED.text
        assert heard.statuses == ["failed", "served"]

    @plain_and_stream
    @each_primary
    def test_as_a_target_of_an_async_primary(self, house: House, primary: Provider, stream: bool) -> None:
        quacking = other(primary)
        house.answers(DOWN, primary)
        house.answers(SERVED, quacking)
        target = house.target(quacking, client=_duck(quacking, house.raw(quacking), _as_sdk))
        client = house.drop_in(primary, as_async=True, options={"fallback": [target]})

        assert house.call(primary, client, stream=stream, as_async=True).said.text == SERVED.text

    @plain_and_stream
    @pytest.mark.parametrize("quacking", ASYNC_CLASSES)
    def test_async_ones(self, house: House, quacking: Provider, stream: bool) -> None:
        house.answers(SERVED, quacking)
        primary: Provider = "anthropic" if quacking == "openai" else "openai"
        duck = _async_duck(quacking, house.raw(quacking, as_async=True))
        house.answers(DOWN, primary)

        as_target = house.drop_in(primary, as_async=True, options={"fallback": [house.target(quacking, client=duck)]})
        wrapped = getattr(spaturzu.spaturzu(), WRAP[quacking])(duck)

        assert house.call(primary, as_target, stream=stream, as_async=True).said.text == SERVED.text
        assert house.call(quacking, wrapped, stream=stream, as_async=True).said.text == SERVED.text
        with pytest.raises(spaturzu.ConfigError, match="is async"):
            house.drop_in(primary, options={"fallback": [house.target(quacking, client=duck)]})

    @plain_and_stream
    @pytest.mark.parametrize("given", [_as_sdk, _as_dict])
    @each_primary
    def test_wrapped(self, house: House, primary: Provider, given: Any, stream: bool) -> None:
        """The caller gets the SDK's own objects, of whatever the duck gives."""
        house.answers(SERVED)
        duck = _duck(primary, house.single(primary), given)
        client = getattr(spaturzu.spaturzu(), WRAP[primary])(duck, **_fallback(house, other(primary)))
        raw = house.call(primary, house.raw(primary), stream=stream)

        heard = house.call(primary, client, stream=stream)
        assert (heard.said.text, type(heard.answer)) == (SERVED.text, type(raw.answer))

        house.answers(DOWN, primary)
        heard = house.call(primary, client, stream=stream)
        assert (heard.said.text, heard.statuses) == (SERVED.text, ["failed", "served"])

    @plain_and_stream
    @pytest.mark.parametrize("primary", ["gemini", "mistral"])
    def test_wrapped_and_called_async(self, house: House, primary: Provider, stream: bool) -> None:
        house.answers(SERVED)
        client = getattr(spaturzu.spaturzu(), WRAP[primary])(_duck(primary, house.raw(primary), _as_sdk))

        assert house.call(primary, client, stream=stream, as_async=True).said.text == SERVED.text


class TestAttribution:
    """`with_agent` and `run`."""

    @sync_and_async
    @each_primary
    def test_with_agent_names_a_call(self, house: House, primary: Provider, as_async: bool) -> None:
        client = house.chain(primary, other(primary), as_async=as_async)

        heard = house.call(primary, client.with_agent("writer", tags={"n": 1, "ok": True}), as_async=as_async)
        plain = house.call(primary, client, as_async=as_async)

        assert heard.record.agent_path == ("writer",)
        assert heard.record.tags == {"n": "1", "ok": "true"}
        assert plain.record.agent_path == ()

    @each_primary
    def test_with_agent_keeps_the_chain_and_nests_under_a_run(self, house: House, primary: Provider) -> None:
        house.answers(DOWN, primary)
        house.answers(SERVED, other(primary))
        client = house.chain(primary, other(primary))

        with spaturzu.run("planner", tags={"phase": "draft", "team": "search"}) as frame:
            heard = house.call(primary, client.with_agent("writer", tags={"phase": "final"}))
            inside = house.call(primary, client)

        assert heard.said.text == SERVED.text
        assert (heard.record.agent_path, heard.record.run_id) == (("planner", "writer"), frame.run_id)
        assert heard.record.tags == {"phase": "final", "team": "search"}
        assert inside.record.agent_path == ("planner",)

    def test_runs_nest(self, house: House) -> None:
        client = house.drop_in("openai")

        with spaturzu.run("research") as outer, spaturzu.run("synthesize", tags={"phase": "draft"}) as inner:
            heard = house.call("openai", client)

        assert (heard.record.agent_path, heard.record.tags) == (("research", "synthesize"), {"phase": "draft"})
        assert outer.run_id == inner.run_id == heard.record.run_id
        assert spaturzu.get_current_frame() is None

    def test_async_runs_are_each_tasks_own(self, house: House) -> None:
        client = house.chain("openai", "anthropic", as_async=True)

        async def ask(name: str) -> Any:
            async with spaturzu.run(name):
                await asyncio.sleep(0)
                await CALLERS["openai"].create(client.with_agent("a"), False, False, True)
                record = spaturzu.last_call()
                assert record is not None
                return record.agent_path

        async def gathered() -> Any:
            return await asyncio.gather(*(ask(f"run-{number}") for number in range(20)))

        assert house.run(gathered()) == [(f"run-{number}", "a") for number in range(20)]

    def test_threads_share_a_client(self, house: House) -> None:
        house.answers(DOWN, "openai")
        house.answers(SERVED, "anthropic")
        client = house.chain("openai", "anthropic")
        paths: dict[int, Any] = {}

        def ask(number: int) -> None:
            with spaturzu.run(f"run-{number}"):
                record = house.call("openai", client.with_agent("a")).record
            paths[number] = (record.agent_path, record.served_by.provider)

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert paths == {number: ((f"run-{number}", "a"), "anthropic") for number in range(16)}

    @each_primary
    def test_with_agent_is_cheap(self, house: House, primary: Provider) -> None:
        client = house.chain(primary, other(primary))
        client.with_agent("warm")

        most = 7000 if primary == "bedrock" else 900  # a new client of botocore's makes 10,000, of httpx's 1,000
        assert calls_within(lambda: client.with_agent("writer")) < most

    def test_a_streams_agent_is_read_where_it_was_called(self, house: House) -> None:
        client = house.chain("openai", "anthropic")

        with spaturzu.run("caller"):
            stream = CALLERS["openai"].create(client, True, False, False)
        with spaturzu.run("reader"):
            list(stream)

        record = spaturzu.last_call()
        assert record is not None
        assert record.agent_path == ("caller",)


def calls_within(work: Callable[[], object]) -> int:
    """How many functions it calls, in C or in Python."""
    events: list[str] = []
    before = sys.getprofile()
    sys.setprofile(lambda _, event, __: events.append(event))
    try:
        work()
    finally:
        sys.setprofile(before)
    return sum(event.endswith("call") for event in events)


PLACE: contextvars.ContextVar[str] = contextvars.ContextVar("place", default="nowhere")


@plain_and_stream
@pytest.mark.parametrize("primary", ASYNC_CLASSES)
def test_a_sync_target_of_an_async_primary_runs_beside_the_loop(house: House, primary: Provider, stream: bool) -> None:
    house.answers(DOWN, primary)
    seen: list[tuple[str, bool]] = []
    raw = house.raw("openai")

    def create(**kwargs: Any) -> Any:
        seen.append((PLACE.get(), threading.current_thread() is threading.main_thread()))
        return raw.chat.completions.create(**kwargs)

    house.answers(Held(SERVED, lambda: len(TICKS) > 10), "openai")
    duck = SimpleNamespace(chat=SimpleNamespace(completions=SimpleNamespace(create=create)))
    if primary == "openai":
        house.wire("openai").script(DOWN_ONCE)
    client = house.drop_in(primary, as_async=True, options={"fallback": [house.target("openai", client=duck)]})

    async def ask() -> str:
        PLACE.set("here")
        ticks = asyncio.create_task(_ticks())
        said = await (CALLERS[primary].astream if stream else CALLERS[primary].aplain)(client)
        ticks.cancel()
        return said.text

    TICKS.clear()
    text = house.run(ask())

    assert (text, seen) == (SERVED.text, [("here", False)])


TICKS: list[None] = []
"""Of the event loop while an answer is held."""


async def _ticks() -> None:
    while True:
        await asyncio.sleep(0.01)
        TICKS.append(None)


class TestTheUrlOfAChat:
    """It is made once for each base URL, and follows the base URL."""

    @sync_and_async
    @pytest.mark.parametrize("provider", ["openai", "anthropic"])
    def test_a_new_base_url_holds_from_the_next_call_on(self, house: House, provider: Provider, as_async: bool) -> None:
        client = house.drop_in(provider, as_async=as_async)
        house.call(provider, client, as_async=as_async)
        client.base_url = f"{str(client.base_url).rstrip('/')}/moved"
        moved = client.with_options(base_url=f"{str(client.base_url).rstrip('/')}/again")
        for caller in (client, moved, client):
            house.call(provider, caller, as_async=as_async)
        paths = [request.path for request in house.sandbox.wires[provider].requests]
        assert [("moved" in path, "again" in path) for path in paths] == [
            (False, False),
            (True, False),
            (True, True),
            (True, False),
        ]

    def test_azures_deployments_have_their_own(self) -> None:
        asked: list[str] = []
        http = HTTP.Client(transport=HTTP.MockTransport(lambda request: _noted(asked, request)))
        client = spaturzu.openai.AzureOpenAI(
            azure_endpoint="https://mine.openai.azure.com", api_key="k", api_version="v", http_client=http
        )
        for model in ("one", "two", "one"):
            client.chat.completions.create(model=model, messages=USER)  # type: ignore[arg-type]
        assert [path.split("/")[3] for path in asked] == ["one", "two", "one"]


def _noted(asked: list[str], request: Any) -> Any:
    asked.append(request.url.path)
    return HTTP.Response(200, json={"id": "1", "choices": [], "object": "chat.completion", "created": 1, "model": "m"})
