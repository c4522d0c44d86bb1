"""Nothing is lost by how a process ends: kill, exit, exception, fork. Each test is a process of its own."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import spaturzu
from spaturzu.ledger.store import Store
from spaturzu.sandbox import LogGateway, Sandbox
from spaturzu.sandbox.logs import Answer

ROOT = Path(__file__).parent.parent.parent
BEGINNING = """
import os, sys, threading, time
import openai
import spaturzu, spaturzu.openai

client = spaturzu.openai.OpenAI(max_retries=0)

def ask(times=1):
    for _ in range(times):
        client.chat.completions.create(model="gpt-6-astra", messages=[{"role": "user", "content": "Hi"}])
"""


@pytest.fixture
def environment(database: Path, provider: Sandbox, gateway: LogGateway) -> dict[str, str]:
    """Of a process that finds the provider, the ledger and the gateway."""
    return {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "translators"))),
        "OPENAI_BASE_URL": provider.url("openai"),
        "OPENAI_API_KEY": "k",
        "SPATURZU_BASE_URL": gateway.url,
        "SPATURZU_API_KEY": "spa_key",
        "NO_PROXY": "127.0.0.1",
    }


def run(program: str, environment: dict[str, str], **more: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", BEGINNING + program], env=environment, capture_output=True, text=True, timeout=60, **more
    )


def embedded(environment: dict[str, str]) -> dict[str, str]:
    return {
        name: value for name, value in environment.items() if not name.startswith(("SPATURZU_BASE", "SPATURZU_API"))
    }


ENDINGS = {
    "returns": "",
    "raises": "raise ZeroDivisionError",
    "exits": "sys.exit(3)",
    "is killed": "os.kill(os.getpid(), 9)",
    "ends at once": "os._exit(0)",
}


def end_in_every_way(environment: dict[str, str]) -> None:
    """All at once, each with an agent named after its end."""
    programs = [
        f"with spaturzu.run({ending!r}):\n    ask(7)\n{statement}".rstrip() for ending, statement in ENDINGS.items()
    ]
    processes = [
        subprocess.Popen([sys.executable, "-c", BEGINNING + program], env=environment, stderr=subprocess.DEVNULL)
        for program in programs
    ]
    for process in processes:
        process.wait(60)


def test_however_processes_end_their_records_are_in_the_embedded_ledger(environment: dict[str, str], database: Path):
    end_in_every_way(embedded(environment))
    assert run("ask()\nassert spaturzu.flush(10)", embedded(environment)).returncode == 0
    counts = Store(database).select("SELECT agent_name, count(*) FROM hops WHERE agent_name IS NOT NULL GROUP BY 1")
    assert dict(counts) == dict.fromkeys(ENDINGS, 7)


@pytest.mark.parametrize("there", [True, False], ids=["there", "gone meanwhile"])
def test_however_processes_end_the_gateway_gets_their_records_once(
    there: bool, environment: dict[str, str], gateway: LogGateway
):
    if not there:
        gateway.down()
    end_in_every_way(environment)
    gateway.up()
    done = run("ask()\nassert spaturzu.flush(30)", environment)
    assert done.returncode == 0, done.stderr
    assert Counter(entry.get("agentName") for entry in gateway.entries.values()) == {
        **dict.fromkeys(ENDINGS, 7),
        None: 1,
    }


@pytest.mark.parametrize("sink", ["gone", "hanging", "failing"])
def test_an_exit_takes_no_longer_than_two_seconds(sink: str, environment: dict[str, str], gateway: LogGateway):
    match sink:
        case "gone":
            gateway.down()
        case "hanging":
            gateway.answer = Answer(delay_s=30)
        case _:
            gateway.answer = Answer(status=500)
    program = """
import atexit
atexit.register(lambda: print(time.monotonic() - ended))  # registered first, so it runs last
ask(20)
ended = time.monotonic()
"""
    assert any(_took_s(run(program, environment)) < 2 for _ in range(5)), "each time, so it is not the machine"


def _took_s(done: Any) -> float:
    assert done.returncode == 0, done.stderr
    return float(done.stdout)


def test_a_forked_child_records_for_itself_and_the_parent_for_itself(environment: dict[str, str], gateway: LogGateway):
    program = """
ask(3)
child = os.fork()
if child == 0:
    client = spaturzu.openai.OpenAI(max_retries=0)  # the SDK's own connections do not survive a fork
    ask(4)
    assert spaturzu.flush(10)
    os._exit(0)
ask(5)
assert os.waitpid(child, 0)[1] == 0
assert spaturzu.flush(10)
"""
    done = run(program, environment)
    assert done.returncode == 0, done.stderr
    assert len(gateway.entries) == 12
    assert set(gateway.seen.values()) == {1}


FORKING = """
import os, threading, time
import spaturzu
from spaturzu.attribution import uuid7

sp = spaturzu.Spaturzu()

def put():
    id_ = uuid7()
    said = {"hop": 0, "provider": "openai", "request_model": "m", "outcome": "served", "status": 200, "latency_ms": 1}
    sp.metering.recorder.put({"id": id_, "call_id": id_, "started_at": 1_795_000_000.0, **said})

def work():
    while not over.wait(0.005):
        for _ in range(50):
            put()

put()
sp.flush()
over = threading.Event()
thread = threading.Thread(target=work)
thread.start()
codes = []
for _ in range(20):
    time.sleep(0.037)
    child = os.fork()
    if child == 0:
        put()
        os._exit(0 if sp.flush(20) else 1)
    codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
over.set()
thread.join()
print(sum(codes), sp.flush(30))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_child_forked_while_its_parent_writes_into_the_ledger_writes_into_it_too(environment: dict[str, str]):
    """SQLite took the parent's transaction for one of the child's own, which never ended: in one fork of seven."""
    done = run(FORKING, embedded({**environment, "PYTHONWARNINGS": "ignore::DeprecationWarning"}))
    assert done.stdout.split() == ["0", "True"], done.stderr


@pytest.mark.parametrize("method", sorted({"fork", "forkserver"} & {*multiprocessing.get_all_start_methods()}))
def test_workers_of_multiprocessing_lose_nothing(
    method: str, environment: dict[str, str], gateway: LogGateway, tmp_path: Path
):
    """Workers that are forked end without `atexit`. On Linux `forkserver` is the default from Python 3.14 on."""
    program = f"""
from multiprocessing import get_context

def work(times):
    global client
    client = spaturzu.openai.OpenAI(max_retries=0)
    ask(times)

if __name__ == "__main__":
    ask()
    with get_context("{method}").Pool(2) as pool:
        pool.map(work, [2, 3])
        pool.close()
        pool.join()
    assert spaturzu.flush(10)
"""
    path = tmp_path / "program.py"  # not `-c`: the fork server imports it
    path.write_text(BEGINNING + program)
    done = subprocess.run([sys.executable, path], env=environment, capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    assert len(gateway.entries) == 6


def test_an_import_and_a_client_start_no_thread_and_a_call_at_most_two(environment: dict[str, str]):
    program = "print(threading.active_count())\nask(50)\nspaturzu.flush(10)\nprint(threading.active_count())"
    before, after = run(program, environment).stdout.split()
    assert int(before) == 1
    assert int(after) <= 3


def test_many_in_flight_towards_the_published_protocol_are_still_three_threads(
    environment: dict[str, str], gateway: LogGateway
):
    gateway.batches, gateway.answer = False, Answer(delay_s=0.05)
    program = """
seen = set()
ask(100)
until = time.monotonic() + 1
while time.monotonic() < until:
    seen.add(threading.active_count())
    time.sleep(0.01)
assert spaturzu.flush(10)
print(max(seen))
"""
    done = run(program, environment)
    assert int(done.stdout) <= 3, done.stderr
    assert len(gateway.entries) == 100


def test_a_read_only_place_costs_the_journal_and_no_call(environment: dict[str, str], tmp_path: Path):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    program = """
errors = []
spaturzu.configure(on_error=lambda exc, entry: errors.append(exc))
client = spaturzu.openai.OpenAI(max_retries=0)
ask(3)
print(spaturzu.flush(1), spaturzu.get_default_spaturzu().stats().unjournaled, len(errors) > 0)
"""
    begun = BEGINNING.split("client =")[0] + BEGINNING.split("max_retries=0)")[1]
    done = subprocess.run(
        [sys.executable, "-c", begun + program],
        env={**environment, "SPATURZU_DB": str(blocked / "ledger.sqlite3")},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.stdout.split() == ["False", "3", "True"], done.stderr


def test_without_a_home_that_can_be_written_records_go_to_a_temporary_folder(
    environment: dict[str, str], tmp_path: Path
):
    (tmp_path / "home").write_text("no folder")
    own = {**environment, "HOME": str(tmp_path / "home"), "XDG_DATA_HOME": "", "TMPDIR": str(tmp_path)}
    del own["SPATURZU_DB"]
    assert run("ask(2)\nassert spaturzu.flush(5)", own).returncode == 0
    assert list(tmp_path.glob("spaturzu-*/ledger.sqlite3")) != []


def test_a_frozen_process_goes_on_where_it_stopped(environment: dict[str, str], gateway: LogGateway):
    """As AWS Lambda does it: everything stops, connections die meanwhile, and everything goes on."""
    program = """
ask(3)
assert spaturzu.flush(10)
print("ready", flush=True)
sys.stdin.readline()
ask(3)
assert spaturzu.flush(10)
"""
    with subprocess.Popen(
        [sys.executable, "-c", BEGINNING + program],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGSTOP)
        gateway.down()
        gateway.up()
        process.send_signal(signal.SIGCONT)
        process.stdin.write("go\n")
        process.stdin.flush()
        assert process.wait(30) == 0
    assert len(gateway.entries) == 6
    assert set(gateway.seen.values()) == {1}


def test_a_page_of_the_journal_that_was_cut_off_gives_its_whole_entries(database: Path, tmp_path: Path):
    from spaturzu.ledger.journal import new_pages, orphans

    folder = tmp_path / "pages"
    page, spare = new_pages(folder)
    page.write({"id": "1"})
    whole = page.path.read_bytes()  # type: ignore[union-attr]
    assert list(orphans(folder)) == []
    with page.path.open("ab") as cut:  # type: ignore[union-attr]
        cut.write(whole[:-3])
    page.close()
    spare.close(empty=True)
    (drafts,) = [list(drafts) for _, drafts in orphans(folder)]
    assert drafts == [{"id": "1"}]


@pytest.fixture(autouse=True)
def _no_default() -> Iterator[None]:  # pyright: ignore[reportUnusedFunction]
    yield
    spaturzu.shutdown()


@pytest.mark.parametrize("where", ["gateway", "embedded"])
def test_a_thread_makes_its_first_call_after_the_main_thread_has_ended(
    where: str, environment: dict[str, str], database: Path, gateway: LogGateway
) -> None:
    late = "threading.Thread(target=lambda: (threading.main_thread().join(), ask(3))).start()"
    done = run(late, environment if where == "gateway" else embedded(environment))
    assert done.stderr == ""
    run("spaturzu.flush()", environment if where == "gateway" else embedded(environment))
    ((stored,),) = Store(database).select("SELECT count(*) FROM hops")
    assert len(gateway.entries) + stored == 3


def test_what_a_killed_process_left_for_one_project_never_goes_to_another(
    environment: dict[str, str], database: Path, gateway: LogGateway
) -> None:
    run("ask(3); os._exit(1)", environment)
    before = len(gateway.entries)
    run("spaturzu.flush(); ask(); spaturzu.flush()", {**environment, "SPATURZU_API_KEY": "spa_other"})
    assert len(gateway.entries) == before + 1
    run("spaturzu.flush(); ask(); spaturzu.flush()", embedded(environment))
    assert Store(database).select("SELECT count(*) FROM hops") == [(1,)]
    run("spaturzu.flush()", environment)
    assert len(gateway.entries) == 4
