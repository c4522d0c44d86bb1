"""The embedded ledger's file: idempotent, shared between processes, and plain about what is wrong with it."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from spaturzu import LedgerError
from spaturzu.courtesy import loading
from spaturzu.ledger import schema
from spaturzu.ledger.migrate import migrate
from spaturzu.ledger.place import default_path
from spaturzu.ledger.record import Record
from spaturzu.ledger.store import FORK_WAIT_S, Store
from tests.waiting import PATIENCE_S, soon

from .records import FULL, failed, record

FORK = "ignore:.*multi-threaded.*fork:DeprecationWarning"
ALL = f"SELECT {', '.join(schema.COLUMNS)} FROM hops ORDER BY seq"  # noqa: S608 - constants


def kept(ledger: Store) -> list[Record]:
    """What the ledger holds, in the order it came."""
    return [schema.record_of(row) for row in ledger.select(ALL)]


@pytest.fixture
def ledger(tmp_path: Path) -> Store:
    """A ledger in a folder that does not exist yet."""
    return Store(tmp_path / "data" / "ledger.sqlite3")


def test_what_is_read_is_what_was_written(ledger: Store):
    written = [record(), failed(code="server_error"), record(**FULL), failed(outcome="skipped", status=None, kind=None)]
    ledger.insert(written)
    assert kept(ledger) == written


def test_every_field_of_a_record_has_its_place():
    placed = {*schema.PLAIN, *schema.LISTS, "usage"}
    assert placed == set(Record.__slots__)


def test_a_record_counts_once_however_often_it_is_inserted(ledger: Store):
    first, second = record(cost_nanodollars=7), record()
    assert ledger.insert([first]) == 1
    assert ledger.insert([record(id=first.id, cost_nanodollars=9), second, second]) == 1
    assert kept(ledger) == [first, second]


def test_a_batch_is_written_whole_or_not_at_all(ledger: Store):
    ledger.insert([record()])
    with pytest.raises(LedgerError, match="NOT NULL"):
        ledger.insert([record(), record(provider=None)])
    assert len(kept(ledger)) == 1
    assert ledger.insert([record()]) == 1


def write_many(path: Path, start: object, own: int, shared: list[Record]) -> None:
    start.wait()  # type: ignore[attr-defined]
    ledger = Store(path)
    for _ in range(20):
        ledger.insert([record() for _ in range(own // 20)] + shared)


@pytest.mark.slow
def test_many_processes_make_and_write_one_ledger_at_once(tmp_path: Path):
    path, context = tmp_path / "ledger.sqlite3", multiprocessing.get_context("spawn")
    start, shared = context.Barrier(4), [record() for _ in range(5)]
    writers = [context.Process(target=write_many, args=(path, start, 200, shared)) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    assert [writer.exitcode for writer in writers] == [0] * 4
    assert len(kept(Store(path))) == 4 * 200 + 5


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings(FORK)
def test_a_fork_opens_the_ledger_anew(ledger: Store):
    ledger.insert([record()])
    child = os.fork()
    if child == 0:
        os._exit(0 if ledger.insert([record()]) == 1 else 1)
    assert os.waitpid(child, 0)[1] == 0
    ledger.insert([record()])
    assert len(kept(ledger)) == 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings(FORK)
def test_a_fork_waits_for_the_end_of_a_transaction(ledger: Store):
    """SQLite would take it for one of the child's own, which never ends."""
    ledger.insert([record()])
    begun = threading.Event()

    def write() -> None:
        with ledger._transaction():  # pyright: ignore[reportPrivateUsage]
            begun.set()
            time.sleep(0.2)

    thread = threading.Thread(target=write)
    thread.start()
    assert begun.wait(PATIENCE_S)
    child = os.fork()
    if child == 0:
        os._exit(_code_of_writing(ledger))
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert len(kept(ledger)) == 2


def _code_of_writing(ledger: Store) -> int:
    try:
        return 0 if Store(ledger.path, busy_timeout_s=2).insert([record()]) == 1 else 1
    except LedgerError:
        return 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings(FORK)
def test_threads_that_fork_at_once_leave_the_store_to_the_others(ledger: Store):
    """One has the store, and waits for what a third loads; the other gives up waiting for the store meanwhile."""
    ledger.insert([record()])
    inside, over = threading.Event(), threading.Event()

    def load() -> None:
        with loading():
            inside.set()
            over.wait(PATIENCE_S)

    def fork() -> None:
        child = os.fork()
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)

    loader, first, second = (threading.Thread(target=work, daemon=True) for work in (load, fork, fork))
    loader.start()
    assert inside.wait(PATIENCE_S)
    first.start()
    assert soon(lambda: ledger._lock.locked())  # pyright: ignore[reportPrivateUsage]
    second.start()
    second.join(FORK_WAIT_S + 0.5)
    over.set()
    for thread in (loader, first, second):
        thread.join(PATIENCE_S)
    writer = threading.Thread(target=ledger.insert, args=([record()],), daemon=True)
    writer.start()
    writer.join(PATIENCE_S)
    assert not writer.is_alive()
    assert len(kept(ledger)) == 2


def test_threads_share_a_store(ledger: Store):
    threads = [threading.Thread(target=ledger.insert, args=([record() for _ in range(50)],)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(kept(ledger)) == 400


def test_a_reader_does_not_hold_up_the_writer(ledger: Store):
    ledger.insert([record()])
    reader = sqlite3.connect(ledger.path, isolation_level=None)
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM hops").fetchone() == (1,)
    assert Store(ledger.path, busy_timeout_s=0).insert([record()]) == 1
    reader.close()


def test_a_ledger_that_was_deleted_is_made_anew(ledger: Store):
    ledger.insert([record()])
    ledger.path.unlink()
    ledger.insert([record(), record()])
    assert len(kept(ledger)) == len(kept(Store(ledger.path))) == 2


def test_a_closed_store_opens_again(ledger: Store):
    ledger.insert([record()])
    ledger.close()
    ledger.close()
    assert len(kept(ledger)) == 1


def test_old_hops_are_forgotten_on_request(ledger: Store):
    ledger.insert([record(started_at=10.0), record(started_at=20.0)])
    assert ledger.prune(20.0) == 1
    assert [hop.started_at for hop in kept(ledger)] == [20.0]


def test_the_spool_gives_each_record_to_one_sender_at_a_time(ledger: Store):
    waiting = [record(**FULL), record(), record()]
    ledger.spool(waiting, "gateway-a")
    ledger.spool([waiting[0]], "gateway-a")
    ledger.spool([record()], "gateway-b")
    first = ledger.unsent(2, destination="gateway-a", now=100.0)
    other = Store(ledger.path).unsent(9, destination="gateway-a", now=100.0)
    assert first == waiting[:2]
    assert other == waiting[2:]
    assert (ledger.waiting(), ledger.waiting("gateway-b"), ledger.waiting("gateway-c")) == (4, 1, 0)


def test_what_was_sent_leaves_the_spool_and_what_was_not_comes_back(ledger: Store):
    ledger.spool([record(), record(), record()], "gateway")
    sent, lost, given_back = ledger.unsent(9, destination="gateway", lease_s=60, now=100.0)
    ledger.mark_sent([sent.id])
    ledger.release([given_back.id])
    assert ledger.unsent(9, destination="gateway", now=159.0) == [given_back]
    assert ledger.unsent(9, destination="gateway", now=160.0) == [lost]
    assert ledger.waiting() == 2


def test_the_spool_is_no_part_of_the_ledger(ledger: Store):
    ledger.spool([record()], "gateway")
    assert kept(ledger) == []


def test_a_file_that_is_no_database_is_named_with_a_remedy(tmp_path: Path):
    path = tmp_path / "ledger.sqlite3"
    path.write_text("this is a letter to my grandmother, and no database at all" * 50)
    with pytest.raises(LedgerError, match=r"ledger.sqlite3 is not a SQLite file; move it away"):
        Store(path).insert([record()])


def test_a_damaged_ledger_is_named_with_a_remedy(ledger: Store):
    ledger.insert([record() for _ in range(500)])
    ledger.close()
    with ledger.path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * 65536)
    with pytest.raises(LedgerError, match=r"is damaged; move it away"):
        kept(ledger)


def test_a_ledger_that_may_not_be_written_says_so(ledger: Store):
    ledger.insert([record()])
    ledger.close()
    with ledger.path.open("r+b") as file:
        file.seek(18)  # the format's write version: one that this SQLite does not know makes a file read-only
        file.write(b"\x03")
    with pytest.raises(LedgerError, match=r"cannot be written; give this user the right to"):
        ledger.insert([record()])


@pytest.mark.parametrize("place", ["file/ledger.sqlite3", "."], ids=["below a file", "a folder"])
def test_a_place_that_cannot_hold_a_ledger_says_so(tmp_path: Path, place: str):
    (tmp_path / "file").touch()
    with pytest.raises(LedgerError, match="set SPATURZU_DB to another path"):
        Store(tmp_path / place).insert([record()])


def test_a_ledger_that_stays_locked_says_so(ledger: Store):
    ledger.insert([])
    holder = sqlite3.connect(ledger.path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    with pytest.raises(LedgerError, match="being written by another process"):
        Store(ledger.path, busy_timeout_s=0.05).insert([record()])
    holder.close()


def test_reading_makes_no_file(tmp_path: Path):
    with pytest.raises(LedgerError, match="there is no ledger at"):
        Store(tmp_path / "none.sqlite3", create=False).waiting()
    assert list(tmp_path.iterdir()) == []


def test_a_ledger_of_a_newer_version_is_refused(ledger: Store):
    ledger.insert([record()])
    ledger.close()
    with sqlite3.connect(ledger.path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(LedgerError, match="is of a newer version"):
        ledger.insert([record()])


def test_an_older_file_takes_the_steps_that_it_lacks(tmp_path: Path):
    path, first, second = tmp_path / "old", "CREATE TABLE a (x)", "ALTER TABLE a ADD COLUMN y"
    for steps in ([[first]], [[first], [second]], [[first], [second]]):
        connection = sqlite3.connect(path, isolation_level=None)
        migrate(connection, path, timeout_s=1, migrations=steps)
        connection.execute("INSERT INTO a (x) VALUES (1)")
        connection.close()
    connection = sqlite3.connect(path)
    assert connection.execute("SELECT x, y FROM a").fetchall() == [(1, None)] * 3
    connection.close()


def test_the_file_is_where_the_environment_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("SPATURZU_DB", str(tmp_path / "mine.db"))
    assert default_path() == tmp_path / "mine.db"
    assert Store().path == tmp_path / "mine.db"


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="XDG is for the others")
def test_the_file_is_in_the_users_data_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.delenv("SPATURZU_DB", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_DATA_HOME", "relative/paths/do/not/count")
    assert default_path() == tmp_path / ".local/share/spaturzu/ledger.sqlite3"
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "xdg"))
    assert default_path() == tmp_path / "xdg/spaturzu/ledger.sqlite3"


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="XDG is for the others")
def test_where_the_data_directory_cannot_be_made_the_file_is_among_temporary_ones(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    monkeypatch.delenv("SPATURZU_DB", raising=False)
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "file" / "below"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    assert default_path() == tmp_path / f"spaturzu-{os.getuid()}" / "ledger.sqlite3"
    assert Store().insert([record()]) == 1
    assert default_path().exists()
