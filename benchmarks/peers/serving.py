"""A contender as a process: a line of JSON comes in for each call, a line goes out. Standard library only.

Nothing but this host may be reached: an audit hook refuses every other address before it is looked up.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from typing import Any

LOCAL = ("127.0.0.1", "localhost", "::1")


def stay_here() -> None:
    """From now on sockets of this process reach this host only."""
    sys.addaudithook(_refuse)


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and isinstance(arguments[1], tuple) and arguments[1][0] not in LOCAL:
        raise PermissionError(f"only this host is allowed, not {arguments[1][0]}")
    if event == "socket.getaddrinfo" and arguments[0] not in (*LOCAL, *(each.encode() for each in LOCAL)):
        raise PermissionError(f"only this host is allowed, not {arguments[0]}")


def serve(make: Callable[[], Any], plain: Callable[[Any], str], streamed: Callable[[Any], str]) -> None:
    """Calls as they are asked for, until the input ends. A contender's error is its answer.

    `make` gives what is called, before the clock starts and for each call anew: nothing remembers a call before.
    """
    out, sys.stdout = sys.stdout, sys.stderr
    for line in sys.stdin:
        call, made = (streamed if json.loads(line)["stream"] else plain), make()
        started, text, error = time.perf_counter(), "", None
        try:
            text = call(made)
        except Exception as failed:  # noqa: BLE001 - it is the result
            error = type(failed).__name__
        said = {"seconds": time.perf_counter() - started, "text": text, "error": error}
        out.write(json.dumps(said) + "\n")
        out.flush()


def options() -> dict[str, Any]:
    """The addresses, models and limits that the benchmark gives."""
    given: dict[str, Any] = json.loads(sys.argv[1])
    return given
