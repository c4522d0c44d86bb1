"""tiktoken, in a process of its own: its constructor keeps the interpreter for 0.1 s and more.

(tiktoken 0.14.0, 200,000 tokens, 2026-11-30.) The process starts with the first text that is to be counted. It ends
with this one, or when nobody has asked for a minute. Texts go to it through a pipe, and nowhere else.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import threading
import time
import weakref
from collections.abc import Sequence
from pathlib import Path
from subprocess import DEVNULL, Popen

ENCODING = "o200k_base"
LIMIT_S = 60
"""For the worker: how long it waits, and how long it may take for one text."""
LOOK_S = 0.1
EXIT_S = 0.8
"""How long the end of this process waits for it, in all: of the 1.5 s that records have to be stored."""

_WORKER = "import sys; sys.path[:] = sys.argv[1:]; from spaturzu.pricing.tokenizer import serve; serve()"


class Tokenizer:
    """Counts the tokens of texts, for one thread at a time. `command` starts a worker that does as `serve` does."""

    def __init__(self, command: Sequence[str] | None = None) -> None:
        self._command = command
        self._new_state()
        _LIVE.add(self)

    def _new_state(self) -> None:
        self._lock = threading.Lock()
        self._worker: _Worker | None = None
        self._error: Exception | None = None
        self._told, self._until = False, 0.0

    def count(self, texts: Sequence[str]) -> int | None:
        """The tokens of all. None where the worker cannot be had or has failed twice; then it is not tried again."""
        with self._lock:
            for retry in (True, False):
                if self._error is not None:
                    return None
                try:
                    return self._counted(texts)
                except (OSError, ValueError) as error:
                    self._end()
                    again = retry and not isinstance(error, TimeoutError)
                    self._error = None if again else error
            return None

    def failure(self) -> Exception | None:
        """Why it is not tried again, for the first who asks."""
        with self._lock:
            told, self._told = self._told, self._error is not None
            return None if told else self._error

    def _counted(self, texts: Sequence[str]) -> int:
        if self._worker is None or self._worker.ended():
            self._end()
            self._worker = _Worker(self._command or _command())
        return sum(self._asked(self._worker, text) for text in texts)

    def _asked(self, worker: _Worker, text: str) -> int:
        worker.write(json.dumps(text).encode("ascii") + b"\n")
        while not worker.has_answered(LOOK_S):
            if not threading.main_thread().is_alive():
                self._hurry()
        return worker.read()

    def _hurry(self) -> None:
        self._until = self._until or time.monotonic() + EXIT_S
        if time.monotonic() > self._until:
            raise TimeoutError(f"spaturzu: this process ends, and tiktoken's has not answered within {EXIT_S} s")

    def _end(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.end()

    def forked(self) -> None:
        """In a child after a fork: the worker is the parent's."""
        worker = self._worker
        self._new_state()
        if worker is not None:
            worker.let_go()


class _Worker:
    """The process and its pipes. Their ends are plain numbers, which an exit may leave open."""

    def __init__(self, command: Sequence[str]) -> None:
        """Raises OSError."""
        theirs, self._to = os.pipe()
        self._from, back = os.pipe()
        try:
            self._process = _Process(command, stdin=theirs, stdout=back, stderr=DEVNULL, start_new_session=True)
        except OSError:
            self.let_go()
            raise
        finally:
            os.close(theirs)
            os.close(back)

    def write(self, line: bytes) -> None:
        """Raises BrokenPipeError if it has ended."""
        while line:
            line = line[os.write(self._to, line) :]

    def has_answered(self, timeout_s: float) -> bool:
        """Or has ended. Where there is no waiting for pipes (Windows), `read` waits."""
        if not hasattr(select, "poll"):
            return True
        pipes = select.poll()
        pipes.register(self._from, select.POLLIN)
        return bool(pipes.poll(timeout_s * 1000))

    def read(self) -> int:
        """Its answer. Raises ChildProcessError if it has ended."""
        line = b""
        while not line.endswith(b"\n"):
            if not (more := os.read(self._from, 32)):
                status = self._process.wait()
                raise ChildProcessError(f"spaturzu: tiktoken's process has ended ({status}); a rule of thumb counts")
            line += more
        return int(line)

    def ended(self) -> bool:
        """Idle for too long, or killed. Writing to it would then end a program that has SIGPIPE's default."""
        return self._process.poll() is not None

    def end(self) -> None:
        """At once."""
        self.let_go()
        self._process.kill()
        self._process.wait()

    def let_go(self) -> None:
        """No more of it."""
        os.close(self._to)
        os.close(self._from)


class _Process(Popen[bytes]):
    def __del__(self) -> None:
        """It ends when its pipe does; nothing to warn of."""


def _command() -> Sequence[str]:
    """An isolated Python with this one's `sys.path`. Raises OSError where `sys.executable` is none."""
    python = Path(sys.executable or "")
    if getattr(sys, "frozen", False) or not python.name.lower().startswith(("python", "pypy")):
        raise FileNotFoundError(
            f"spaturzu: tiktoken runs in a process of its own, and sys.executable ({sys.executable!r}) is no Python "
            "that could run it; a rule of thumb counts"
        )
    return [str(python), "-I", "-S", "-c", _WORKER, *sys.path]


def serve() -> None:
    """The worker: reads a text as JSON from each line, and answers with its number of tokens.

    It goes after all other processes, and ends with its parent, when nobody asks, and where the data is gone: nothing
    is ever downloaded.
    """
    _limit()
    _go_last()
    from .tokens import is_cached

    if not is_cached():
        raise SystemExit(2)
    from tiktoken import get_encoding

    encoding = get_encoding(ENCODING)
    for line in sys.stdin.buffer:
        _limit()
        print(len(encoding.encode_ordinary(json.loads(line))), flush=True)  # noqa: T201 - the answer


def _go_last() -> None:
    if hasattr(os, "sched_setscheduler"):
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    if hasattr(os, "nice"):
        os.nice(10)


def _limit() -> None:
    """From now on. Where there are no alarms (Windows), the parent's end is the only one."""
    if hasattr(signal, "alarm"):
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(LIMIT_S)


_LIVE: weakref.WeakSet[Tokenizer] = weakref.WeakSet()


def _forked() -> None:
    for tokenizer in list(_LIVE):
        tokenizer.forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
