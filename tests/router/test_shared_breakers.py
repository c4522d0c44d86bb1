"""Openings that processes share through a file: real processes, a real file, and what happens when it fails."""

from __future__ import annotations

import multiprocessing
import sqlite3
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from spaturzu.router.breakers import Breakers, Change, breakers_of
from spaturzu.router.shared import AFTER_ERROR_S, NEWS_EVERY_S, SharedBreakers
from spaturzu_translators.failures import Failure

from .stage import Clock

KEY = ("openai", "https://api.example.com/v1", "fingerprint", "gpt")
TOLD = Failure(kind="rate_limit", retry_after_s=300.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "breakers.sqlite3"


def sharing(path: Path) -> Breakers:
    """As another process would have them: a connection and a memory of its own."""
    return Breakers(shared=SharedBreakers(path))


def _fail(path: Path) -> None:
    sharing(path).failed(KEY, TOLD, "openai/gpt")


def test_an_opening_of_one_process_is_known_to_another(path: Path) -> None:
    ours = sharing(path)
    assert ours.admit(KEY)
    other = multiprocessing.get_context("spawn").Process(target=_fail, args=(path,))
    other.start()
    other.join()
    assert other.exitcode == 0
    time.sleep(NEWS_EVERY_S)
    assert not ours.admit(KEY)
    assert 0 < ours.reopens_in(KEY) <= 20  # an opening is no longer, whatever was told
    assert [health.target for health in ours.all_health()] == ["openai/gpt"]


def test_one_process_probes_and_its_success_closes_all(path: Path) -> None:
    first, second = sharing(path), sharing(path)
    first.failed(KEY, Failure(kind="rate_limit", retry_after_s=0.3))
    time.sleep(NEWS_EVERY_S + 0.1)
    assert [first.admit(KEY), second.admit(KEY)] == [True, False]
    first.succeeded(KEY)
    time.sleep(NEWS_EVERY_S)
    assert second.admit(KEY)
    assert second.is_closed(KEY)


def test_a_probe_without_a_verdict_is_anybodys(path: Path) -> None:
    first, second = sharing(path), sharing(path)
    first.failed(KEY, Failure(kind="rate_limit", retry_after_s=0.1))
    time.sleep(NEWS_EVERY_S)
    assert first.admit(KEY)
    first.released(KEY)
    assert second.admit(KEY)


def test_a_locked_file_is_waited_for_once_a_second_at_most(path: Path) -> None:
    breakers = sharing(path)
    locker = sqlite3.connect(path, isolation_level=None)
    locker.execute("BEGIN EXCLUSIVE")
    started = time.monotonic()
    for _ in range(100):
        breakers.failed(KEY, TOLD)
        breakers.admit(KEY)
    assert 1 <= breakers.errors <= 1 + (time.monotonic() - started) / AFTER_ERROR_S
    assert not breakers.admit(KEY), "it goes by what it knows itself"
    locker.close()


def test_a_file_that_is_ruined_breaks_no_call(path: Path) -> None:
    breakers = sharing(path)
    breakers.failed(KEY, TOLD)
    for part in path.parent.iterdir():
        part.write_bytes(b"this is no database" * 1000)
    time.sleep(NEWS_EVERY_S)
    assert not breakers.admit(KEY)
    breakers.succeeded(KEY)
    assert breakers.errors >= 1


def test_no_credential_stands_in_the_file(path: Path) -> None:
    _fail(path)
    said = b"".join(part.read_bytes() for part in path.parent.iterdir())
    assert b"openai/gpt" in said
    assert b"fingerprint" not in said


def test_clients_of_a_process_share_what_a_file_is_for(path: Path) -> None:
    assert breakers_of(path) is breakers_of(str(path))
    with pytest.raises(OSError, match="unable to open"):
        breakers_of(path / "no" / "directory")


def test_changes_are_told_and_a_listeners_failure_is_counted() -> None:
    clock, told = Clock(), list[Change]()
    breakers = Breakers(clock, lambda: 0.5)

    def fails(_: Change) -> Any:
        raise LookupError

    breakers.on_change += [fails, told.append]
    breakers.failed(KEY, Failure(kind="quota_exhausted"), "openai/gpt")
    clock.passes(3.0)
    assert breakers.admit(KEY)
    breakers.succeeded(KEY)
    assert [(change.target, change.before, change.after) for change in told] == [
        ("openai/gpt", "closed", "open"),
        ("openai/gpt", "half_open", "closed"),
    ]
    assert breakers.errors == 2


def test_half_of_five_samples_open_without_a_streak() -> None:
    breakers = Breakers(Clock(), lambda: 0.5)
    for _ in range(2):
        breakers.failed(KEY, Failure(kind="server"))
        breakers.succeeded(KEY)
    assert breakers.is_closed(KEY)
    breakers.failed(KEY, Failure(kind="server"))
    assert not breakers.is_closed(KEY)


def test_failures_older_than_the_window_are_forgotten() -> None:
    clock = Clock()
    breakers = Breakers(clock, lambda: 0.5)
    for _ in range(10):
        breakers.failed(KEY, Failure(kind="server"))
        breakers.succeeded(KEY)
        clock.passes(31.0)
    assert breakers.is_closed(KEY)
    assert breakers.health([(KEY, "x")])[0].samples == 0


def test_those_in_flight_when_it_opens_do_not_prolong_it() -> None:
    breakers = Breakers(Clock(), lambda: 0.5)
    for _ in range(64):
        breakers.failed(KEY, Failure(kind="overloaded"))
    assert breakers.reopens_in(KEY) == 2.0
    assert breakers.health([(KEY, "x")])[0].openings == 1


@pytest.mark.parametrize(("rand", "seconds"), [(0.0, 1.6), (1.0, 2.4)])
def test_chance_moves_an_opening_by_a_fifth(rand: float, seconds: float) -> None:
    breakers = Breakers(Clock(), lambda: rand)
    breakers.failed(KEY, Failure(kind="quota_exhausted"))
    assert breakers.reopens_in(KEY) == pytest.approx(seconds)


def test_breakers_bear_many_threads() -> None:
    breakers = Breakers()

    def hammer() -> None:
        for turn in range(300):
            key = (*KEY, turn % 5)
            if breakers.admit(key):
                breakers.failed(key, Failure(kind="server")) if turn % 3 else breakers.succeeded(key)
            breakers.released(key)
            breakers.all_health()

    threads = [threading.Thread(target=hammer) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert breakers.errors == 0
