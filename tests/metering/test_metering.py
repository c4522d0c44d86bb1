"""Every call has a record: whose it was, what it used, and what it cost, whichever way it was made."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import anthropic
import openai
import pytest
from pydantic import BaseModel

import spaturzu
from spaturzu.ledger.record import Record
from spaturzu.sandbox import Cut, Reply, Sandbox, Status, clients

ASKED: dict[str, Any] = {"model": "gpt-6-astra", "messages": [{"role": "user", "content": "Say something long."}]}
Records = Callable[[], list[Record]]


def raw(servers: Sandbox, **more: Any) -> openai.OpenAI:
    return openai.OpenAI(base_url=servers.url("openai"), api_key="k", max_retries=0, **more)


def client_of(sp: spaturzu.Spaturzu, servers: Sandbox, **options: Any) -> openai.OpenAI:
    return sp.wrap_openai(raw(servers), **options)


def claude(servers: Sandbox) -> dict[str, Any]:
    return {"provider": "anthropic", "client": clients.anthropic(servers), "model": "claude-haiku-5-5"}


class Answer(BaseModel):
    """What a parsed call asks for."""

    text: str


WAYS: dict[str, Callable[[Any], Any]] = {
    "create": lambda client: client.chat.completions.create(**ASKED),
    "with_raw_response": lambda client: client.chat.completions.with_raw_response.create(**ASKED).parse(),
    "with_options": lambda client: client.with_options(timeout=9).chat.completions.create(**ASKED),
    "parse": lambda client: client.chat.completions.parse(**ASKED, response_format=Answer),
    "stream": lambda client: list(client.chat.completions.create(**ASKED, stream=True)),
    "stream helper": lambda client: _streamed(client.chat.completions.stream(**ASKED)),
    "responses": lambda client: client.responses.create(model="gpt-6-astra", input="Hi"),
    "responses stream": lambda client: list(client.responses.create(model="gpt-6-astra", input="Hi", stream=True)),
}


def _streamed(manager: Any) -> None:
    with manager as events:
        for _ in events:
            pass


@pytest.mark.parametrize("way", WAYS)
def test_a_call_is_metered_whichever_way_it_is_made(
    way: str, sp: spaturzu.Spaturzu, servers: Sandbox, records: Records
):
    if way == "parse":
        servers.openai.script(Reply('{"text": "hi"}'))
    with sp.run("planner", customer="acme", session_id="s1"):
        WAYS[way](client_of(sp, servers, stream_usage=True))
    (record,) = records()
    assert (record.outcome, record.status, record.response_model) == ("served", 200, "gpt-6-astra")
    assert record.usage is not None
    assert (record.usage.input_tokens, record.usage.output_tokens, record.usage_source) == (12, 7, "provider")
    assert record.cost_nanodollars == 470_000
    assert (record.agent_path, record.customer_id, record.session_id) == (("planner",), "acme", "s1")
    assert record.tags == {"env": "t"}
    assert record.streamed == ("stream" in way)


def test_a_fallback_has_a_record_for_each_hop(sp: spaturzu.Spaturzu, servers: Sandbox, records: Records):
    servers.openai.script(Status(503))
    with sp.run("planner"):
        client: Any = client_of(sp, servers, fallback=[claude(servers)])
        client.with_agent("writer", tags={"n": 1}).chat.completions.create(**ASKED)
    failed, served = records()
    assert (failed.outcome, failed.status, failed.kind, failed.usage) == ("failed", 503, "overloaded", None)
    assert (served.outcome, served.provider, served.request_model) == ("served", "anthropic", "claude-haiku-5-5")
    assert failed.request_model == "gpt-6-astra"
    assert failed.id == failed.call_id == served.call_id != served.id
    assert {record.agent_path for record in (failed, served)} == {("planner", "writer")}
    assert {record.run_id for record in (failed, served)} != {None}
    assert all(record.tags == {"env": "t", "n": "1"} for record in (failed, served))
    assert served.cost_nanodollars == 4700


def test_a_skipped_hop_has_a_record_without_usage(sp: spaturzu.Spaturzu, servers: Sandbox, records: Records):
    servers.openai.script(Status(503))
    with pytest.raises(openai.InternalServerError):
        client_of(sp, servers, fallback=[claude(servers)]).chat.completions.create(**ASKED, n=2)
    _, skipped = records()
    assert (skipped.outcome, skipped.status, skipped.usage, skipped.usage_source) == ("skipped", None, None, None)
    assert "candidate_count" in skipped.losses


def test_an_abandoned_stream_is_metered_with_what_it_used(sp: spaturzu.Spaturzu, servers: Sandbox, records: Records):
    servers.openai.script(Reply("one two three four five six seven"))
    stream = client_of(sp, servers).chat.completions.create(**ASKED, stream=True)
    for _ in zip(range(4), stream, strict=False):
        pass
    stream.close()
    (record,) = records()
    assert (record.outcome, record.streamed) == ("abandoned", True)
    assert record.usage_source in ("tiktoken", "heuristic")
    assert record.usage is not None
    assert (record.usage.input_tokens or 0) > 0
    assert (record.usage.output_tokens or 0) > 0
    assert (record.cost_nanodollars or 0) > 0
    assert sp.stats().estimated == 1


def test_a_broken_stream_is_metered_with_what_it_used(sp: spaturzu.Spaturzu, servers: Sandbox, records: Records):
    servers.openai.script(Cut(after_deltas=2, reply=Reply("One two three four")))
    with pytest.raises(openai.APIError):
        list(client_of(sp, servers).chat.completions.create(**ASKED, stream=True))
    (record,) = records()
    assert record.outcome == "failed"
    assert record.usage is not None
    assert (record.usage.output_tokens or 0) > 0


def test_embeddings_are_metered(sp: spaturzu.Spaturzu, servers: Sandbox, records: Records):
    client = client_of(sp, servers)
    with sp.run("indexer"):
        client.embeddings.create(model="text-embedding-3-small", input="Hi")
    (record,) = records()
    assert (record.operation, record.response_model) == ("embeddings", "text-embedding-3-small")
    assert record.usage is not None
    assert (record.usage.input_tokens or 0) > 0
    assert (record.cost_nanodollars or 0) > 0
    assert record.agent_name == "indexer"


def test_what_is_not_understood_is_passed_through_and_counted(
    sp: spaturzu.Spaturzu, servers: Sandbox, records: Records
):
    client = client_of(sp, servers)
    with pytest.raises(openai.NotFoundError):
        client.moderations.create(model="omni", input="Hi")
    client.models.list()
    (record,) = records()
    assert (record.operation, record.outcome, record.request_model) == ("unmetered", "failed", "omni")
    assert sp.stats().unmetered == 1


def test_async_calls_are_metered_each_with_its_own_agent(sp: spaturzu.Spaturzu, servers: Sandbox, records: Records):
    client = sp.wrap_openai(openai.AsyncOpenAI(base_url=servers.url("openai"), api_key="k"))

    async def work(name: str) -> None:
        async with sp.run(name):
            await client.chat.completions.create(**ASKED)
            await asyncio.sleep(0)
            async for _ in await client.chat.completions.create(**ASKED, stream=True):
                pass

    async def everyone() -> None:
        await asyncio.gather(*(work(f"agent-{number}") for number in range(5)))

    asyncio.run(everyone())
    paths = [record.agent_path for record in records()]
    assert sorted(paths) == sorted([(f"agent-{number}",) for number in range(5)] * 2)


def test_threads_have_frames_of_their_own(sp: spaturzu.Spaturzu, servers: Sandbox, records: Records):
    client = client_of(sp, servers)

    def work(name: str) -> None:
        with sp.run(name):
            client.chat.completions.create(**ASKED)

    with sp.run("outer"):
        threads = [threading.Thread(target=work, args=(f"t{number}",)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(record.agent_path for record in records()) == [(f"t{number}",) for number in range(4)]


@pytest.mark.parametrize("as_async", [False, True], ids=["sync", "async"])
def test_a_gemini_stream_belongs_to_whoever_made_it_though_it_starts_later(
    as_async: bool, sp: spaturzu.Spaturzu, servers: Sandbox, records: Records
):
    client: Any = sp.wrap_google(clients.gemini(servers))

    async def read() -> None:
        async with sp.run("maker"):
            stream = await client.aio.models.generate_content_stream(model="gemini-3.8-flash", contents="Hi")
        async for _ in stream:
            pass

    if as_async:
        asyncio.run(read())
    else:
        with sp.run("maker"):
            stream = client.models.generate_content_stream(model="gemini-3.8-flash", contents="Hi")
        list(stream)
    (record,) = records()
    assert record.agent_path == ("maker",)


def test_parents_are_the_latest_calls_of_the_enclosing_frame(sp: spaturzu.Spaturzu, servers: Sandbox, records: Records):
    client = client_of(sp, servers)
    with sp.run("a"):
        client.chat.completions.create(**ASKED)
        with sp.run("b"):
            client.chat.completions.create(**ASKED)
            client.chat.completions.create(**ASKED)
        client.chat.completions.create(**ASKED)
    first, second, third, fourth = records()
    assert first.parent_request_id is None
    assert second.parent_request_id == third.parent_request_id == first.id
    assert fourth.parent_request_id is None
    assert len({record.run_id for record in (first, second, third, fourth)}) == 1
    assert first.id < second.id < third.id < fourth.id


def test_the_inner_customer_and_session_win(sp: spaturzu.Spaturzu, servers: Sandbox, records: Records):
    client: Any = client_of(sp, servers, customer="client's", session_id="c")
    client.chat.completions.create(**ASKED)
    with sp.run("a", customer="run's"):
        client.chat.completions.create(**ASKED)
        client.with_agent("b", customer="agent's", session_id="a").chat.completions.create(**ASKED)
        with sp.run("c", session_id="inner"):
            client.chat.completions.create(**ASKED)
    assert [(record.customer_id, record.session_id) for record in records()] == [
        ("client's", "c"),
        ("run's", "c"),
        ("agent's", "a"),
        ("run's", "inner"),
    ]


def test_the_inner_tags_win_and_the_others_stay(sp: spaturzu.Spaturzu, servers: Sandbox, records: Records):
    client: Any = client_of(sp, servers)
    with sp.run("outer", tags={"phase": "plan", "team": "search"}), sp.run("inner", tags={"phase": "write"}):
        client.chat.completions.create(**ASKED)
    (record,) = records()
    assert record.tags == {"env": "t", "phase": "write", "team": "search"}


def test_an_anthropic_answer_from_another_thread_of_execution_is_priced_by_its_own_model(
    sp: spaturzu.Spaturzu, servers: Sandbox, records: Records
):
    client = sp.wrap_anthropic(anthropic.Anthropic(base_url=servers.url("anthropic"), api_key="k"))
    client.messages.create(model="claude-haiku-5-5", max_tokens=10, messages=ASKED["messages"])
    (record,) = records()
    assert (record.provider, record.response_model, record.usage_source) == (
        "anthropic",
        "claude-haiku-5-5",
        "provider",
    )


def test_threads_that_make_the_first_calls_at_once_share_one_recorder():
    """`flush` waits for that one alone. From Python 3.12 on, `functools.cached_property` makes one for each thread."""
    sp, together = spaturzu.Spaturzu(), threading.Barrier(8)
    found = list[object]()

    def first() -> None:
        together.wait()
        found.append(sp.metering.recorder)

    threads = [threading.Thread(target=first) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 8
    assert len(set(map(id, found))) == 1
