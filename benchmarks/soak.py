"""Many calls at once on providers that fail at random: does every call end, in time, and is nothing left behind?

    python -m benchmarks.soak [--calls 20000] [--in-flight 64]

Half of the calls come from threads on a sync client, half from tasks on an async one, plain and streamed; some streams
are left early, some tasks are cancelled. The providers are a sandbox in a process of its own on this host. Stops by
itself: every call has a deadline. Exit status 1 where a call is wrong, late or lost, or where something leaks.

Memory is read without glibc's cache for each thread and its arenas: 64 threads fill those for tens of thousands of
calls, also with the SDK alone. The SDK alone does the threads' half in a process of its own, to be read beside ours.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import os
import platform
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import openai

import spaturzu
import spaturzu.openai
from spaturzu.sandbox import Reply, Sandbox, Step, clients
from spaturzu.sandbox.clients import KEY, MODELS
from spaturzu.sandbox.faults import (
    Cut,
    ErrorEvent,
    Failing,
    Html,
    Malformed,
    NoTerminal,
    Reset,
    Silence,
    Stall,
    Status,
)
from spaturzu.sandbox.wall import TEXT

from .overruns import Overruns, Underway

DEADLINE_S, LATE_S, SLACK_S = 5.0, 0.5, 2.5
"""A call's deadline; how much later it is told where it stood; and how much later it may be heard of on a busy
machine."""
WORKER = "spaturzu-hedge"
"""Threads that ask beside a silent place: a few for all calls, which end when they have had nothing to do for a while.
They are counted where they are made (`router.workers`), and are no leak here.
"""
LIMITS: dict[str, Any] = {
    "deadline": DEADLINE_S,
    "first_token_timeout": 1.0,
    "idle_timeout": 1.0,
}
FLAT_MB, FLAT_PLAIN_MB = 12, 4
"""How much the memory of a warm process may move, and where malloc keeps nothing for each thread."""
FLAT_BLOCKS = 0.01
"""By what part the number of Python's blocks of memory may grow."""
PLAIN_MALLOC = "glibc.malloc.tcache_count=0:glibc.malloc.mxfast=0:glibc.malloc.arena_max=1"
"""For GLIBC_TUNABLES, which is read when a process begins."""
GOOD = Reply(TEXT)
SLOW = Reply(TEXT, chunk_delay_s=0.01)
FAULTS: tuple[Step, ...] = (
    Status(429),
    Status(429, headers={"retry-after": "0.05"}),
    Status(429, headers={"retry-after": "30"}),
    Status(500),
    Status(503),
    Status(529),
    Failing("quota_exhausted"),
    Failing("context_overflow"),
    Failing("content_policy"),
    Failing("auth"),
    Reset(),
    Reset(after_deltas=2),
    Silence(10),
    Stall(after_deltas=0, seconds=10),
    Stall(after_deltas=2, seconds=10),
    Cut(after_deltas=0),
    Cut(after_deltas=2),
    Cut(after_deltas=2, framing="wrong"),
    Malformed(after_deltas=2),
    Malformed(after_deltas=2, count=4),
    Html(),
    ErrorEvent(after_deltas=0),
    ErrorEvent(after_deltas=2),
    NoTerminal(),
)
SHARES = {"openai": 0.4, "anthropic": 0.15, "gemini": 0.05}
"""How many of a provider's answers are faults, in the order of the chain."""
WAYS = ("plain", "stream", "left", "cancelled")
WEIGHTS = (45, 40, 8, 7)
MESSAGES: list[Any] = [{"role": "user", "content": "What is the weather in Cluj?"}]
DOCUMENTED = (openai.APIError,)
"""What a caller of OpenAI's SDK has to expect."""


@dataclass(kw_only=True)
class Tally:
    """What became of the calls. `wrong` are sentences, one for each call that ended as none should; `late` tells of
    those that were LATE_S past their deadline.
    """

    ended: Counter[str] = field(default_factory=Counter[str])
    wrong: list[str] = field(default_factory=list[str])
    late: list[str] = field(default_factory=list[str])
    slowest_s: float = 0.0
    slack_s: float = SLACK_S
    overruns: Overruns = field(default_factory=lambda: Overruns(DEADLINE_S + LATE_S / 2))

    def note(self, way: str, how: str, call: Underway) -> None:
        """One call is over."""
        seconds = time.monotonic() - call.started
        self.ended[how] += 1
        self.slowest_s = max(self.slowest_s, seconds)
        if seconds > DEADLINE_S + LATE_S:
            told = self.wrong if seconds > DEADLINE_S + self.slack_s else self.late
            told.append(f"{way}: {how} after {seconds:.2f} s\n{call.told()}")


@dataclass(frozen=True, kw_only=True)
class Left:
    """What the process holds: threads, open files, MB of memory, blocks of memory that are Python's."""

    threads: int
    files: int
    memory_mb: float
    blocks: int

    @classmethod
    def now(cls) -> Left:
        """After a collection."""
        gc.collect()
        return cls(
            threads=sum(thread.name != WORKER for thread in threading.enumerate()),
            files=_open_files(),
            memory_mb=_memory_mb(),
            blocks=sys.getallocatedblocks(),
        )


@dataclass(frozen=True, kw_only=True)
class Report:
    """A soak's end. `before` and `after` are with all clients closed; the pairs are after half of a half's calls,
    and after all of them.
    """

    tally: Tally
    before: Left
    threads: tuple[Left, Left]
    tasks: tuple[Left, Left]
    after: Left
    seconds: float

    @property
    def leaks(self) -> list[str]:
        """What is left that was not there before, and memory that grew over the second half of their calls."""
        found = list[str]()
        if self.after.threads > self.before.threads:
            names = sorted(thread.name for thread in threading.enumerate())
            found.append(f"threads: {self.before.threads} before, {self.after.threads} after: {names}")
        if self.after.files > self.before.files:
            found.append(f"open files: {self.before.files} before, {self.after.files} after")
        for early, late in (self.threads, self.tasks):
            if late.memory_mb - early.memory_mb > (FLAT_PLAIN_MB if _malloc_is_plain() else FLAT_MB):
                found.append(f"memory: {early.memory_mb:.1f} MB early, {late.memory_mb:.1f} MB late")
            if late.blocks > early.blocks * (1 + FLAT_BLOCKS):
                found.append(f"memory: {early.blocks} blocks early, {late.blocks} late")
        return found

    @property
    def ok(self) -> bool:
        """Nothing wrong, nothing left."""
        return not self.tally.wrong and not self.leaks


def soak(calls: int, in_flight: int, seed: int = 4, slack_s: float = SLACK_S) -> Report:
    """`calls` calls, half sync and half async. Bounded: no call outlives its deadline by more than `slack_s`."""
    tally, started = Tally(slack_s=slack_s), time.perf_counter()
    with _servers(calls, seed) as urls, _own_ledger():
        _once(urls)
        before = Left.now()
        with tally.overruns.looking():
            threads = _sync(urls, calls // 2, in_flight, seed, tally)
            tasks = asyncio.run(_async(urls, calls - calls // 2, in_flight, seed, tally))
        spaturzu.flush(10)
        after = _settled(before)
    seconds = time.perf_counter() - started
    return Report(tally=tally, before=before, threads=threads, tasks=tasks, after=after, seconds=seconds)


def raw_soak(calls: int, in_flight: int, seed: int = 4) -> tuple[Left, Left]:
    """The threads' half with OpenAI's SDK alone, in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(_raw_half, calls // 2, in_flight, seed).result()


def _raw_half(calls: int, in_flight: int, seed: int) -> tuple[Left, Left]:
    with _servers(calls, seed) as urls:
        client = openai.OpenAI(base_url=urls["openai"], api_key=KEY, timeout=LIMITS["first_token_timeout"])
        return _from_threads(client, calls, in_flight, seed, Tally())


def _settled(before: Left, patience_s: float = 5.0) -> Left:
    """What is left once threads that are about to end have ended."""
    until = time.monotonic() + patience_s
    after = Left.now()
    while (after.threads > before.threads or after.files > before.files) and time.monotonic() < until:
        time.sleep(0.05)
        after = Left.now()
    return after


def _ways(calls: int, seed: int) -> list[str]:
    return random.Random(seed).choices(WAYS, WEIGHTS, k=calls)  # noqa: S311 - nobody's secret


@contextmanager
def _clients(urls: dict[str, str], *, as_async: bool) -> Iterator[Any]:
    """The drop-in and its targets."""
    sandbox: Any = _Urls(urls)
    second = (clients.async_anthropic if as_async else clients.anthropic)(sandbox)
    third = clients.gemini(sandbox)
    fallback = [
        {"provider": "anthropic", "client": second, "model": MODELS["anthropic"]},
        {"provider": "gemini", "client": third, "model": MODELS["gemini"]},
    ]
    make = spaturzu.openai.AsyncOpenAI if as_async else spaturzu.openai.OpenAI
    yield (make(base_url=urls["openai"], api_key=KEY, spaturzu={"fallback": fallback, **LIMITS}), second, third)


@dataclass(frozen=True)
class _Urls:
    """Quacks like a Sandbox as far as `sandbox.clients` asks."""

    urls: dict[str, str]

    def url(self, provider: str) -> str:
        """A provider's address."""
        return self.urls[provider]


def _once(urls: dict[str, str]) -> None:
    """Imports, caches, and threads that stay for good are no leak."""
    _sync(urls, 40, 4, 0, Tally())
    asyncio.run(_async(urls, 40, 4, 0, Tally()))


def _sync(urls: dict[str, str], calls: int, in_flight: int, seed: int, tally: Tally) -> tuple[Left, Left]:
    """From threads. What the process holds after half of the calls, and at the end."""
    with _clients(urls, as_async=False) as (client, second, third):
        held = _from_threads(client, calls, in_flight, seed, tally)
        for each in (client, second, third):
            each.close()
    return held


def _from_threads(client: Any, calls: int, in_flight: int, seed: int, tally: Tally) -> tuple[Left, Left]:
    ways = _ways(calls, seed)
    with ThreadPoolExecutor(in_flight) as pool:
        for _ in pool.map(lambda way: _call(client, way, tally), ways[: calls // 2]):
            pass
        early = Left.now()
        for _ in pool.map(lambda way: _call(client, way, tally), ways[calls // 2 :]):
            pass
        return early, Left.now()


def _call(client: Any, way: str, tally: Tally) -> None:
    how = "lost"
    with tally.overruns.underway() as call:
        try:
            stream = way != "plain"
            answer = client.chat.completions.create(model=MODELS["openai"], messages=MESSAGES, stream=stream)
            how = _read(answer, way, tally) if stream else _plain(answer, tally)
        except DOCUMENTED as error:
            how = type(error).__name__
        except Exception as error:  # noqa: BLE001 - it is what is looked for
            how = "stranger"
            tally.wrong.append(f"{way}: {type(error).__module__}.{type(error).__name__}: {error}")
    tally.note(way, how, call)


def _plain(answer: Any, tally: Tally) -> str:
    choice = answer.choices[0]
    return _judged(choice.message.content, choice.finish_reason, tally)


def _read(chunks: Any, way: str, tally: Tally) -> str:
    """A stream to its end, or its beginning only; threads cannot be cancelled, so those are left, too."""
    if way == "stream":
        return _judged(*_said(chunks), tally)
    for _ in chunks:
        break
    chunks.close()
    return "left"


def _said(chunks: Iterable[Any]) -> tuple[str, str | None]:
    text, finish = "", None
    for chunk in chunks:
        for choice in chunk.choices:
            text += choice.delta.content or ""
            finish = choice.finish_reason or finish
    return text, finish


def _judged(text: str | None, finish: str | None, tally: Tally) -> str:
    """An answer that ends as one has to be whole; one that a filter stopped says so."""
    if text == TEXT and finish == "stop":
        return "answered"
    if TEXT.startswith(text or "") and finish == "content_filter":
        return "filtered"
    record = spaturzu.last_call()
    tally.wrong.append(f"half or wrong: {text!r}, {finish}; {record.note if record else ''}")
    return "wrong"


async def _async(urls: dict[str, str], calls: int, in_flight: int, seed: int, tally: Tally) -> tuple[Left, Left]:
    """In tasks, some of which are cancelled. What the process holds, as with the threads."""
    with _clients(urls, as_async=True) as (client, second, third):
        ways = _ways(calls, seed + 1)

        async def worker(mine: Iterator[str]) -> None:
            for way in mine:
                await _acall(client, way, tally)

        async def all_of(part: list[str]) -> Left:
            mine = iter(part)
            await asyncio.gather(*(worker(mine) for _ in range(in_flight)))
            return Left.now()

        held = await all_of(ways[: calls // 2]), await all_of(ways[calls // 2 :])
        await asyncio.sleep(0.2)
        if len(asyncio.all_tasks()) > 1:
            tally.wrong.append(f"tasks left: {asyncio.all_tasks()}")
        await client.close()
        await second.close()
        await third.aio.aclose()
        third.close()
    return held


async def _acall(client: Any, way: str, tally: Tally) -> None:
    calls = list[Underway]()
    task = asyncio.create_task(_aanswer(client, way, tally, calls))
    if way == "cancelled":
        asyncio.get_running_loop().call_later(random.uniform(0, 0.05), task.cancel)  # noqa: S311 - nobody's secret
    how = "lost"
    try:
        how = await task
    except DOCUMENTED as error:
        how = type(error).__name__
    except asyncio.CancelledError:
        how = "cancelled"
    except Exception as error:  # noqa: BLE001 - it is what is looked for
        how = "stranger"
        tally.wrong.append(f"{way}: {type(error).__module__}.{type(error).__name__}: {error}")
    for call in calls or [Underway(started=time.monotonic(), thread=0)]:  # one cancelled before it began has none
        tally.note(way, how, call)


async def _aanswer(client: Any, way: str, tally: Tally, calls: list[Underway]) -> str:
    with tally.overruns.underway() as call:
        calls.append(call)
        return await _aasked(client, way, tally)


async def _aasked(client: Any, way: str, tally: Tally) -> str:
    stream = way != "plain"
    answer = await client.chat.completions.create(model=MODELS["openai"], messages=MESSAGES, stream=stream)
    if not stream:
        return _plain(answer, tally)
    if way == "left":
        async for _ in answer:
            break
        await answer.close()
        return "left"
    return _judged(*_said([chunk async for chunk in _each(answer)]), tally)


async def _each(chunks: Any) -> AsyncIterator[Any]:
    async for chunk in chunks:
        yield chunk


@contextmanager
def _servers(calls: int, seed: int) -> Iterator[dict[str, str]]:
    """A sandbox in another process, so that its work and memory are not ours."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(theirs, calls, seed), daemon=True)
    process.start()
    try:
        yield ours.recv()
    finally:
        ours.send(None)
        process.join(10)
        process.kill()


def _serve(commands: Connection, calls: int, seed: int) -> None:
    with Sandbox(record=False) as sandbox:
        chance = random.Random(seed)  # noqa: S311 - nobody's secret
        for provider, share in SHARES.items():
            wire = sandbox.wires[provider]  # type: ignore[index]
            wire.reply(GOOD)
            wire.script(*(_step(chance, share) for _ in range(2 * calls)))
        commands.send({provider: sandbox.wires[provider].url for provider in sandbox.wires})
        commands.recv()


def _step(chance: random.Random, share: float) -> Step:
    """`Reply` steps answer once as well."""
    return chance.choice(FAULTS) if chance.random() < share else chance.choice((GOOD, GOOD, GOOD, SLOW))


@contextmanager
def _own_ledger() -> Iterator[None]:
    """The calls are recorded like any others, but not where the user's are."""
    spaturzu.shutdown()
    before = os.environ.get("SPATURZU_DB")
    with tempfile.TemporaryDirectory() as folder:
        os.environ["SPATURZU_DB"] = str(Path(folder) / "soak.db")
        try:
            yield
        finally:
            spaturzu.shutdown()
            os.environ.pop("SPATURZU_DB")
            if before is not None:
                os.environ["SPATURZU_DB"] = before


def _open_files() -> int:
    """0 where the system does not say."""
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.exists() else 0


def _memory_mb() -> float:
    """Resident memory; 0 where the system does not say."""
    statm = Path("/proc/self/statm")
    return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6 if statm.exists() else 0.0


def _malloc_is_plain() -> bool:
    return os.environ.get("GLIBC_TUNABLES") == PLAIN_MALLOC


def _with_plain_malloc() -> None:
    """This very program from its start, where its malloc is glibc's."""
    if platform.libc_ver()[0] == "glibc" and not _malloc_is_plain():
        os.environ["GLIBC_TUNABLES"] = PLAIN_MALLOC
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - no shell is meant


def main() -> int:
    """Soak and tell."""
    _with_plain_malloc()
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description="Many calls, random faults.")
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--in-flight", type=int, default=64)
    parser.add_argument("--seed", type=int, default=4)
    given = parser.parse_args()
    report = soak(given.calls, given.in_flight, given.seed)
    print(f"{sum(report.tally.ended.values())} calls in {report.seconds:.0f} s, {given.in_flight} in flight")
    print(", ".join(f"{count} {how}" for how, count in report.tally.ended.most_common()))
    print(f"slowest {report.tally.slowest_s:.2f} s of {DEADLINE_S:g} s")
    print(f"a thread waited at most {report.tally.overruns.longest_pause_s:.2f} s for its turn")
    raw = raw_soak(given.calls, given.in_flight, given.seed)
    names = ("threads, early", "threads, late", "tasks, early", "tasks, late", "SDK alone, early", "SDK alone, late")
    held = dict(zip(names, (*report.threads, *report.tasks, *raw), strict=True))
    for name, left in {"before": report.before, **held, "after": report.after}.items():
        print(f"{name:<17} {left.threads} threads, {left.files} files, {left.memory_mb:.1f} MB, {left.blocks} blocks")
    for sentence in report.tally.late[:20]:
        print(f"late: {sentence}")
    for sentence in [*report.tally.wrong[:20], *report.leaks]:
        print(f"WRONG {sentence}")
    return 0 if report.ok else 1


if __name__ == "__main__":
    sys.exit(main())
