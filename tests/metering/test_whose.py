"""Whose a call is, where its request is sent elsewhere, or twice."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import openai

import spaturzu
from spaturzu.ledger.record import Record
from spaturzu.sandbox import Sandbox, Stall, Status, clients
from tests.waiting import soon

ASKED: dict[str, Any] = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}]}
Records = Callable[[], list[Record]]


def claude(servers: Sandbox) -> dict[str, Any]:
    return {"provider": "anthropic", "client": clients.anthropic(servers), "model": "claude-haiku-4-5"}


def openai_of(servers: Sandbox, kind: Any = openai.OpenAI) -> Any:
    return kind(base_url=servers.url("openai"), api_key="k", max_retries=0)


def test_all_hops_of_a_call_are_its_agents_also_where_a_thread_runs_them(
    sp: spaturzu.Spaturzu, servers: Sandbox, records: Records
) -> None:
    client = sp.wrap_openai(openai_of(servers, openai.AsyncOpenAI), fallback=[claude(servers)])
    servers.openai.script(Status(503))

    async def ask() -> None:
        with sp.run("planner"):
            await client.with_agent("writer").chat.completions.create(**ASKED)

    asyncio.run(ask())
    failed, served = records()
    assert (failed.outcome, served.outcome, served.provider) == ("failed", "served", "anthropic")
    assert failed.agent_path == served.agent_path == ("planner", "writer")
    assert failed.run_id == served.run_id
    assert failed.call_id == served.call_id


def test_a_hedge_that_lost_is_in_the_ledger_with_what_it_used(
    sp: spaturzu.Spaturzu, servers: Sandbox, records: Records
) -> None:
    hedge = {"after": 0.03, "max_share": None}
    client = sp.wrap_openai(openai_of(servers), fallback=[claude(servers)], hedge=hedge)
    servers.openai.script(Stall(seconds=600))
    with sp.run("planner"):
        client.chat.completions.create(**ASKED)
    assert soon(lambda: len(records()) == 2)  # the loser's is made when its own thread has let go of it
    by_outcome = {record.outcome: record for record in records()}
    lost, served = by_outcome["failed"], by_outcome["served"]
    assert (lost.provider, lost.code, served.provider) == ("openai", "hedge_lost", "anthropic")
    assert lost.usage_source in ("tiktoken", "heuristic")
    assert (lost.cost_nanodollars or 0) > 0
    assert (served.cost_nanodollars or 0) > 0
    assert lost.run_id == served.run_id
