"""Records leave safely: batches, the published protocol, outages, refusals, and what `flush` and the counters say."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openai
import pytest

import spaturzu
from spaturzu.attribution import uuid7
from spaturzu.errors import LedgerError
from spaturzu.ledger.journal import new_pages
from spaturzu.ledger.store import Store
from spaturzu.sandbox import LogGateway, Sandbox
from spaturzu.sandbox.logs import Answer
from tests.waiting import PATIENCE_S, soon

ASKED: dict[str, Any] = {"model": "gpt-6-astra", "messages": [{"role": "user", "content": "Hi"}]}
QUICK = {"backoff_ms": [10, 20]}

Instance = Callable[..., spaturzu.Spaturzu]


@pytest.fixture
def instance(gateway: LogGateway) -> Iterator[Instance]:
    """Makes instances for the gateway, and ends them with the test."""
    made: list[spaturzu.Spaturzu] = []

    def make(**options: Any) -> spaturzu.Spaturzu:
        made.append(spaturzu.Spaturzu(**{"base_url": gateway.url, "api_key": "spa_key", **QUICK, **options}))
        return made[-1]

    yield make
    for each in made:
        each.metering.recorder.close(0.5)


def client_of(sp: spaturzu.Spaturzu, provider: Sandbox) -> openai.OpenAI:
    return sp.wrap_openai(openai.OpenAI(base_url=provider.url("openai"), api_key="k", max_retries=0))


def ask(sp: spaturzu.Spaturzu, provider: Sandbox, times: int = 1, **more: Any) -> None:
    client = client_of(sp, provider)
    for _ in range(times):
        client.chat.completions.create(**{**ASKED, **more})


def until(holds: Callable[[], bool]) -> None:
    """Wait for what happens in the background."""
    assert soon(holds), "it has not happened"


def test_a_gateway_of_ours_gets_batches(gateway: LogGateway, instance: Instance, provider: Sandbox):
    sp = instance(tags={"env": "t"})
    with sp.run("planner"):
        ask(sp, provider, 20)
    assert sp.flush(PATIENCE_S)
    assert set(gateway.seen.values()) == {1}
    assert len(gateway.entries) == 20
    assert len(gateway.requests) < 20
    assert {request.target for request in gateway.requests} == {"/v1/logs/batch"}
    assert {request.headers["x-spaturzu-key"] for request in gateway.requests} == {"spa_key"}


def test_a_gateway_of_the_published_protocol_gets_an_entry_a_request(
    gateway: LogGateway, instance: Instance, provider: Sandbox
):
    gateway.batches = False
    sp = instance()
    ask(sp, provider, 20)
    assert sp.flush(PATIENCE_S)
    assert set(gateway.seen.values()) == {1}
    assert [request.target for request in gateway.requests].count("/v1/logs") == 20
    assert [request.target for request in gateway.requests].count("/v1/logs/batch") == 1


def test_an_entry_is_what_the_published_protocol_says(gateway: LogGateway, instance: Instance, provider: Sandbox):
    gateway.batches = False
    sp = instance(tags={"env": "t", "n": 1, "b": True})
    client: Any = client_of(sp, provider)
    with sp.run("planner") as frame:
        client.chat.completions.create(**ASKED)
        client.with_agent("writer").chat.completions.create(**ASKED)
    assert sp.flush(PATIENCE_S)
    first, second = sorted(gateway.entries.values(), key=lambda entry: entry["id"])
    assert second.pop("latencyMs") >= 0
    assert second == {
        "id": second["id"],
        "provider": "openai",
        "model": "gpt-6-astra",
        "status": 200,
        "runId": frame.run_id,
        "parentRequestId": first["id"],
        "agentName": "writer",
        "agentPath": ["planner", "writer"],
        "tags": {"env": "t", "n": "1", "b": "true"},
        "promptTokens": 12,
        "completionTokens": 7,
        "cachedInputTokens": 0,
        "usageSource": "provider",
    }


@pytest.mark.parametrize("batches", [True, False])
def test_what_the_gateway_missed_is_sent_when_it_returns(
    gateway: LogGateway, instance: Instance, provider: Sandbox, batches: bool
):
    gateway.batches = batches
    sp = instance(backoff_ms=[10, 20, 40, 80, 160])
    gateway.down()
    ask(sp, provider, 5)
    assert not sp.flush(0.2)
    until(lambda: sp.stats().spooled == 5)
    gateway.up()
    assert sp.flush(PATIENCE_S)
    assert sorted(gateway.seen.values()) == [1] * 5
    assert (sp.stats().sent, sp.stats().spooled) == (5, 0)


def test_without_a_timeout_flush_ends_with_the_retries_and_on_error_hears_of_each_record(
    gateway: LogGateway, instance: Instance, provider: Sandbox
):
    heard: list[tuple[Exception, Any]] = []
    sp = instance(on_error=lambda exc, entry: heard.append((exc, entry)))
    gateway.down()
    ask(sp, provider, 3)
    assert not sp.flush()
    assert len({entry["id"] for _, entry in heard}) == len(heard) == 3
    assert all(isinstance(exc, RuntimeError) and exc.__cause__ is not None for exc, _ in heard)
    assert sp.stats().spooled == 3


@pytest.mark.parametrize("status", [429, 500, 503, 401])
def test_an_error_that_may_pass_is_tried_again(gateway: LogGateway, instance: Instance, provider: Sandbox, status: int):
    sp = instance(backoff_ms=[10] * 50)
    gateway.answer = Answer(status=status)
    ask(sp, provider)
    assert not sp.flush(0.1)
    gateway.answer = Answer()
    assert sp.flush(PATIENCE_S)
    assert list(gateway.seen.values()) == [1]


def test_retry_after_is_waited_for(gateway: LogGateway, instance: Instance, provider: Sandbox):
    sp = instance()
    gateway.answer = Answer(status=429, headers={"retry-after": "30"})
    ask(sp, provider)
    until(lambda: bool(gateway.requests))
    time.sleep(0.3)
    assert len(gateway.requests) == 1


@pytest.mark.parametrize("batches", [True, False])
def test_a_refused_entry_is_dropped_alone_and_told_of(
    gateway: LogGateway, instance: Instance, provider: Sandbox, batches: bool
):
    heard: list[tuple[Exception, Any]] = []
    gateway.batches, gateway.answer = batches, Answer(refused=frozenset({"bad"}))
    sp = instance(on_error=lambda exc, entry: heard.append((exc, entry)))
    ask(sp, provider, 2)
    ask(sp, provider, model="bad")
    assert sp.flush(PATIENCE_S)
    ((exc, entry),) = heard
    assert isinstance(exc, spaturzu.HttpError)
    assert exc.status == 400
    assert entry["model"] == "bad"
    assert (sp.stats().sent, sp.stats().failed, sp.stats().spooled) == (2, 1, 0)


def test_an_error_in_on_error_is_counted_and_goes_no_further(
    gateway: LogGateway, instance: Instance, provider: Sandbox
):
    def on_error(exc: Exception, entry: Any) -> None:
        raise ZeroDivisionError

    gateway.answer = Answer(refused=frozenset({"bad"}))
    sp = instance(on_error=on_error)
    ask(sp, provider, model="bad")
    ask(sp, provider)
    assert sp.flush(PATIENCE_S)
    assert (sp.stats().callback_errors, sp.stats().sent) == (1, 1)


def test_a_redirect_is_not_followed_so_the_key_stays_here(gateway: LogGateway, instance: Instance, provider: Sandbox):
    with LogGateway() as elsewhere:
        sp = instance(backoff_ms=[])
        gateway.answer = Answer(status=307, headers={"location": f"{elsewhere.url}/v1/logs/batch"})
        ask(sp, provider)
        assert not sp.flush()
        assert elsewhere.requests == []


def test_what_waits_for_one_gateway_never_goes_to_another(gateway: LogGateway, instance: Instance, provider: Sandbox):
    gateway.down()
    ask(instance(), provider)
    with LogGateway() as other:
        sp = instance(base_url=other.url)
        ask(sp, provider)
        assert sp.flush(PATIENCE_S)
        assert len(other.entries) == 1


def test_without_a_gateway_records_are_in_the_embedded_ledger(database: Path, provider: Sandbox):
    sp = spaturzu.Spaturzu()
    ask(sp, provider, 3)
    assert sp.flush(PATIENCE_S)
    ((count, cost),) = Store(database).select("SELECT count(*), min(cost_nanodollars) FROM hops")
    assert (count, cost) == (3, 470_000)
    assert sp.stats().recorded == 3
    sp.shutdown()


def test_a_key_alone_means_the_hosted_gateway_and_nothing_means_none(monkeypatch: pytest.MonkeyPatch):
    def url(**options: Any) -> str | None:
        address = spaturzu.Spaturzu(**options).metering._options.address
        return None if address is None else address.base_url

    assert url() is None
    assert url(base_url="", api_key="") is None
    assert url(api_key="spa_1") == "https://spaturzu-api.superchiu.org"
    assert url(base_url="http://here/") == "http://here"
    monkeypatch.setenv("SPATURZU_BASE_URL", "http://env")
    assert url() == "http://env"
    assert url(base_url="http://argument") == "http://argument"


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"base_url": "gateway.local"}, "base_url"),
        ({"timeout_s": 0}, "timeout_s"),
        ({"max_concurrent": 0}, "max_concurrent"),
        ({"backoff_ms": [-1]}, "backoff_ms"),
        ({"on_error": "print"}, "on_error"),
    ],
)
def test_options_that_cannot_work_are_refused_at_construction(options: dict[str, Any], what: str):
    with pytest.raises(spaturzu.ConfigError, match=what):
        spaturzu.Spaturzu(**options)


def test_with_metering_off_nothing_is_written(database: Path, provider: Sandbox, monkeypatch: pytest.MonkeyPatch):
    ask(spaturzu.Spaturzu(metering=False), provider)
    monkeypatch.setenv("SPATURZU_METERING", "off")
    ask(spaturzu.Spaturzu(), provider)
    assert list(database.parent.iterdir()) == []


def test_a_slow_gateway_is_waited_for_only_by_flush(gateway: LogGateway, instance: Instance, provider: Sandbox):
    sp = instance()
    released = threading.Event()
    gateway.answer = Answer(delay_s=600, until=released.is_set)
    ask(sp, provider, 5)
    assert not sp.flush(0.1)
    assert gateway.entries == {}
    released.set()
    assert sp.flush(PATIENCE_S)
    assert len(gateway.entries) == 5


def drafts(count: int, **more: Any) -> list[dict[str, Any]]:
    """Calls as the meter notes them."""
    fields = {"hop": 0, "provider": "openai", "request_model": "m", "outcome": "served", "status": 200, **more}
    ids = [uuid7() for _ in range(count)]
    return [{"id": id_, "call_id": id_, "started_at": 1_795_000_000.0, "latency_ms": 1, **fields} for id_ in ids]


def test_more_calls_than_memory_has_room_for_wait_in_the_journal(database: Path):
    sp = spaturzu.Spaturzu()
    put = sp.metering.recorder.put
    put(drafts(1)[0])
    assert sp.flush(PATIENCE_S)
    busy = sqlite3.connect(database, isolation_level=None)
    busy.execute("BEGIN IMMEDIATE")  # another program writes, and takes its time
    for draft in drafts(25_000):
        put(draft)
    assert sp.stats().waiting >= 25_000
    busy.execute("COMMIT")
    assert sp.flush(30)
    ((count,),) = Store(database).select("SELECT count(*) FROM hops")
    assert (count, sp.stats().recorded, sp.stats().queued, sp.stats().dropped) == (25_001, 25_001, 25_001, 0)
    sp.shutdown()


@pytest.mark.parametrize("wrong", [{"tags": {"half": "\ud800"}}, {"attempts": 1 << 70}], ids=["text", "number"])
def test_a_record_that_no_database_takes_is_dropped_alone_and_told_of(wrong: dict[str, Any], database: Path):
    heard: list[Any] = []
    sp = spaturzu.Spaturzu(on_error=lambda exc, entry: heard.append((type(exc), entry["id"])))
    good, (bad,) = drafts(20), drafts(1, **wrong)
    for draft in [*good[:7], bad, *good[7:]]:
        sp.metering.recorder.put(draft)
    assert sp.flush(PATIENCE_S)
    ((count,),) = Store(database).select("SELECT count(*) FROM hops")
    assert (count, sp.stats().recorded, sp.stats().dropped) == (20, 20, 1)
    assert [id_ for _, id_ in heard] == [bad["id"]]
    sp.shutdown()


def test_a_call_that_nobody_understood_is_counted_and_not_sent(
    gateway: LogGateway, instance: Instance, provider: Sandbox
):
    """The published protocol has no word for it."""
    sp = instance()
    with pytest.raises(openai.NotFoundError):
        client_of(sp, provider).images.generate(prompt="A hill.", model="gpt-image-2")
    ask(sp, provider)
    assert sp.flush(PATIENCE_S)
    assert [entry["model"] for entry in gateway.entries.values()] == ["gpt-6-astra"]
    assert (sp.stats().unmetered, sp.stats().sent) == (1, 1)


def test_while_the_ledger_cannot_be_used_nothing_is_stored_and_nothing_is_lost(database: Path):
    """Not even what a process left that died before."""
    page, spare = new_pages(database.with_name(f"{database.name}.journal"))
    assert all(page.write(draft) for draft in drafts(3))
    page.close()
    spare.close(empty=True)
    database.write_text("no database " * 500)
    heard = list[Exception]()
    sp = spaturzu.Spaturzu(on_error=lambda exc, entry: heard.append(exc))
    sp.metering.recorder.put(drafts(1)[0])
    assert not sp.flush(PATIENCE_S)
    assert {type(exc) for exc in heard} == {LedgerError}
    assert (sp.stats().recorded, sp.stats().waiting) == (0, 1)
    database.unlink()
    assert sp.shutdown()
    later = spaturzu.Spaturzu()
    assert later.shutdown()
    ((count,),) = Store(database).select("SELECT count(*) FROM hops")
    assert (count, later.stats().adopted, later.stats().dropped) == (4, 3, 0)
