"""A real Ctrl-C to a real program, wherever its call stands: it ends at once and lets go of the connection."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from spaturzu.sandbox import Sandbox, Status
from tests.waiting import PATIENCE_S, soon

from .chains import sync_and_async
from .holding import Until, holding
from .interruptible import What

ROOT = Path(__file__).parents[2]
ENDS_S = 10.0
"""An interrupt is obeyed within milliseconds; what it ends would last for longer than this."""
SETTLES_S = 0.05
"""What is waited for is seen before the program waits for its answer. A signal that comes just before a system call is
noticed after it: so is CPython, also with the SDK alone.
"""
UNCAPPED = {"hedge": {"after": 0.05, "max_share": None}}


class Program:
    """The program, and what it says."""

    def __init__(self) -> None:
        env = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "translators")])}
        env["SPATURZU_METERING"] = "off"
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.dropins.interruptible"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=env,
            start_new_session=True,  # its Ctrl-C is its own
        )

    def interrupted(self, ask: dict[str, Any], when: Callable[[], object]) -> dict[str, Any]:
        """What it says of one call that is interrupted when `when` returns, and `took_s`."""
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(ask) + "\n")
        self._process.stdin.flush()
        assert self._said() == {"calling": True}
        when()
        assert soon(self._rests)
        time.sleep(SETTLES_S)
        at = time.monotonic()
        self._process.send_signal(signal.SIGINT)
        said = self._said()
        assert said["ended"] == "interrupted"
        return {**said, "took_s": said["at"] - at}  # one monotonic clock for all processes of a host

    def _rests(self) -> bool:
        """Does its main thread wait in a system call? A busy machine may not have let it come there yet."""
        stat = Path(f"/proc/{self._process.pid}/stat")
        return not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "S"

    def _said(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        return json.loads(self._process.stdout.readline())

    def hears(self) -> None:
        """Returns when it has been told some text."""
        assert self._said() == {"hears": True}

    def end(self) -> None:
        """For good."""
        self._process.kill()
        self._process.communicate()


@pytest.fixture(scope="module")
def program() -> Iterator[Program]:
    made = Program()
    yield made
    made.end()


def asking(url: str, *, as_async: bool, what: What = "plain", **more: Any) -> dict[str, Any]:
    return {"url": url, "fallback_url": "http://127.0.0.1:9", "as_async": as_async, "what": what, "options": {}, **more}


def ended_at_once(said: dict[str, Any], *hops: tuple[str, str, str | None]) -> None:
    assert said["took_s"] < ENDS_S
    assert [tuple(hop) for hop in said["hops"]] == list(hops)
    assert said["blamed"] == []


CANCELLED = ("openai", "failed", "cancelled")


@contextmanager
def full() -> Iterator[str]:
    """A server whose queue is full: who connects waits."""
    with ExitStack() as stack:
        door = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(door.getsockname())
        yield f"127.0.0.1:{door.getsockname()[1]}"


@pytest.mark.skipif(sys.platform != "linux", reason="only there a full queue makes others wait")
@sync_and_async
def test_while_connecting(program: Program, as_async: bool) -> None:
    with full() as place:
        before = _ours(place)

        def connects() -> None:
            assert soon(lambda: _ours(place) > before)

        said = program.interrupted(asking(f"http://{place}/v1", as_async=as_async), connects)
        ended_at_once(said, CANCELLED)
        assert soon(lambda: _ours(place) == before)


def _ours(place: str) -> int:
    """How many connections to it have sent their SYN and heard nothing."""
    port = f":{int(place.rpartition(':')[2]):04X}"
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(line[2].endswith(port) and line[3] == "02" for line in lines)


@sync_and_async
def test_within_the_tls_handshake(program: Program, as_async: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        greeted: list[socket.socket] = []

        def greets() -> None:
            client = door.accept()[0]
            assert client.recv(1)  # the beginning of its hello, which nobody answers
            greeted.append(client)

        url = f"https://127.0.0.1:{door.getsockname()[1]}/v1"
        said = program.interrupted(asking(url, as_async=as_async), greets)
        ended_at_once(said, CANCELLED)
        _is_left(greeted[0])


def _is_left(client: socket.socket) -> None:
    """Its other end closes within seconds."""
    with client:
        client.settimeout(PATIENCE_S)
        try:
            while client.recv(1 << 16):
                pass
        except ConnectionResetError:
            pass


@sync_and_async
@pytest.mark.parametrize(
    ("until", "what", "status"),
    [
        ("request", "plain", CANCELLED),
        ("head", "plain", CANCELLED),
        ("half", "plain", CANCELLED),
        ("request", "stream", CANCELLED),
        ("text", "stream", ("openai", "abandoned", None)),
        ("text", "with", ("openai", "abandoned", None)),
    ],
)
def test_while_an_answer_is_waited_for(
    program: Program, until: Until, what: What, status: tuple[str, str, str | None], as_async: bool
) -> None:
    with holding("openai", until, stream=what != "plain") as held:

        def stands() -> None:
            assert held.asked.acquire(timeout=PATIENCE_S)
            if until == "text":
                program.hears()
            else:
                time.sleep(0.3)  # so long it takes to read what came; earlier, it is as much waited for

        said = program.interrupted(asking(held.url, as_async=as_async, what=what), stands)
        ended_at_once(said, status)
        assert held.left.acquire(timeout=PATIENCE_S)


@sync_and_async
def test_during_a_wait_that_the_provider_asked_for(program: Program, as_async: bool) -> None:
    with Sandbox() as sandbox:
        sandbox.openai.reply(Status(429, headers={"retry-after": "90"}, times=None))

        def waits() -> None:
            assert soon(lambda: sandbox.openai.requests)
            time.sleep(0.3)  # so long it takes to read what came

        options = {"retry": {"max_wait_s": 120}}
        said = program.interrupted(asking(sandbox.url("openai"), as_async=as_async, options=options), waits)
        assert said["took_s"] < ENDS_S
        assert [hop[0] for hop in said["hops"]] == ["openai"]
        assert said["blamed"] == []


@sync_and_async
@pytest.mark.parametrize("what", ["plain", "stream"])
def test_during_a_race(program: Program, what: What, as_async: bool) -> None:
    with (
        holding("openai", "request", stream=what == "stream") as first,
        holding("anthropic", "request", stream=what == "stream") as second,
    ):

        def race() -> None:
            assert first.asked.acquire(timeout=PATIENCE_S)
            assert second.asked.acquire(timeout=PATIENCE_S)

        ask = asking(first.url, as_async=as_async, what=what, fallback_url=second.url, options=UNCAPPED)
        said = program.interrupted(ask, race)
        ended_at_once(said, CANCELLED, ("anthropic", "failed", "cancelled"))
        assert first.left.acquire(timeout=PATIENCE_S)
        assert second.left.acquire(timeout=PATIENCE_S)


@sync_and_async
def test_one_after_another(program: Program, as_async: bool) -> None:
    """The program, its event loop and its threads are as good as new after each."""
    for _ in range(3):
        with holding("openai", "request", stream=False) as held:
            said = program.interrupted(
                asking(held.url, as_async=as_async), lambda: held.asked.acquire(timeout=PATIENCE_S)
            )
            ended_at_once(said, CANCELLED)
            assert held.left.acquire(timeout=PATIENCE_S)
