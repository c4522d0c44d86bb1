"""The process that counts tokens for this one."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from spaturzu.pricing.tokenizer import Tokenizer

COUNTING = """
import json, os, sys
def note(ending, what):
    with open(sys.argv[1] + ending, "a") as file: print(what, file=file)
note("", os.getpid())
for line in sys.stdin:
    text = json.loads(line)
    if text == "die": os._exit(3)
    if text == "babble": text = ["?"] and print("?", flush=True) or ""
    print(len(text.split()), flush=True)
note(".ended", os.getpid())
"""
HANGING = "import time; time.sleep(600)"
POSIX = pytest.mark.skipif(os.name != "posix", reason="forks, signals and waiting for pipes")


def worker(code: str, *arguments: object) -> list[str]:
    return [sys.executable, "-c", code, *map(str, arguments)]


def pids(started: Path) -> list[int]:
    return [int(line) for line in started.read_text("ascii").split()]


def test_all_texts_are_counted_by_one_process_whatever_they_hold(tmp_path):
    tokenizer = Tokenizer(worker(COUNTING, tmp_path / "started"))
    assert tokenizer.count(["one two", "three\n\nfour", ""]) == 4
    assert tokenizer.count(["a\ud800 \U0001f600"]) == 2
    assert tokenizer.count([" ".join(["word"] * 100_000)]) == 100_000
    assert tokenizer.count([]) == 0
    assert len(pids(tmp_path / "started")) == 1
    assert tokenizer.failure() is None


@pytest.mark.parametrize("text", ["die", "babble"])
def test_worker_that_fails_twice_is_given_up_and_says_so_once(text, tmp_path):
    tokenizer = Tokenizer(worker(COUNTING, tmp_path / "started"))
    assert tokenizer.count([text]) is None
    assert tokenizer.count(["one"]) is None
    assert len(pids(tmp_path / "started")) == 2
    assert isinstance(tokenizer.failure(), ChildProcessError if text == "die" else ValueError)
    assert tokenizer.failure() is None


@POSIX
def test_worker_that_cannot_be_started_is_given_up(tmp_path):
    tokenizer, before = Tokenizer([str(tmp_path / "nothing")]), open_files()
    assert tokenizer.count(["one"]) is None
    assert isinstance(tokenizer.failure(), FileNotFoundError)
    assert open_files() == before


def open_files() -> int:
    return len(list(Path("/dev/fd").iterdir()))


def test_where_the_data_has_gone_nothing_is_downloaded(tmp_path, monkeypatch):
    pytest.importorskip("tiktoken")
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    tokenizer = Tokenizer()
    assert tokenizer.count(["one"]) is None
    assert "ended (2)" in str(tokenizer.failure())
    assert not list(tmp_path.iterdir())


BEGINNING = """
import atexit, os, signal, sys, threading
from spaturzu.pricing.tokenizer import Tokenizer
from tests.pricing.test_tokenizer import COUNTING, HANGING, worker
def count(tokenizer): print(tokenizer.count(["one two"]), repr(tokenizer.failure()), flush=True)
def last(tokenizer):
    counting = threading.Thread(target=count, args=(tokenizer,), daemon=True)
    counting.start(); counting.join()
"""
ENDINGS = {
    "returns": "count(tokenizer)",
    "counts at its end": "atexit.register(last, tokenizer)",
    "is killed": "count(tokenizer); os.kill(os.getpid(), signal.SIGKILL)",
    "leaves a fork behind": "count(tokenizer); os.fork() or sys.stdin.read()",
}


@POSIX
@pytest.mark.parametrize("ending", ENDINGS)
def test_worker_ends_with_its_parent_and_nothing_is_said(ending, tmp_path):
    started, over = tmp_path / "started", tmp_path / "started.ended"
    program = f"{BEGINNING}tokenizer = Tokenizer(worker(COUNTING, {str(started)!r}))\n{ENDINGS[ending]}"
    with subprocess.Popen([sys.executable, "-X", "dev", "-c", program], **PIPES) as process:
        assert process.stdout.readline() == "2 None\n"
        eventually(over.exists)
        told, complaint = process.communicate()
    assert (told, complaint) == ("", "")
    assert pids(over) == pids(started)


@POSIX
def test_worker_that_ended_while_nobody_asked_is_replaced_and_its_pipe_kills_nobody(tmp_path):
    started = tmp_path / "started"
    program = f"""{BEGINNING}signal.signal(signal.SIGPIPE, signal.SIG_DFL)
tokenizer = Tokenizer(worker(COUNTING, {str(started)!r}))
count(tokenizer)
pid = int(open({str(started)!r}).read())
os.kill(pid, signal.SIGKILL)
os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
count(tokenizer)
count(tokenizer)
"""
    done = subprocess.run([sys.executable, "-c", program], **PIPES, check=True)
    assert done.stdout == 3 * "2 None\n"
    assert len(pids(started)) == 2


@POSIX
def test_exit_does_not_wait_for_a_worker_that_hangs():
    program = f"{BEGINNING}atexit.register(last, Tokenizer(worker(HANGING)))"
    done = subprocess.run([sys.executable, "-c", program], **PIPES, check=True)
    assert done.stdout.startswith("None TimeoutError")


@POSIX
def test_fork_has_a_worker_of_its_own(tmp_path):
    started = tmp_path / "started"
    program = f"""{BEGINNING}tokenizer = Tokenizer(worker(COUNTING, {str(started)!r}))
count(tokenizer)
child = os.fork()
count(tokenizer)
if child: assert os.waitpid(child, 0)[1] == 0
"""
    done = subprocess.run([sys.executable, "-c", program], **PIPES, check=True)
    assert done.stdout == 3 * "2 None\n"
    assert len(pids(started)) == 2


PIPES: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}


def eventually(holds: Callable[[], bool]) -> None:
    while not holds():
        time.sleep(0.01)
