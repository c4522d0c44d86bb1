"""What metering costs, and whether it loses or delays anything.

    python -m benchmarks metering

The published client (spaturzu 0.1.7) runs in a virtual environment of its own, made in `.bench/` with pip: it has our
name.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

from spaturzu.cli.doctor.fetching import NotFetched, fetch
from spaturzu.sandbox import Reply

from .gateways import GatewayProcess
from .measure import Row, alone
from .provider import Servers

ROOT = Path(__file__).parent.parent
PEERS = Path(__file__).parent / "peers"
PUBLISHED = "spaturzu==0.1.7"
ROUNDS, RECORDS, PUBLISHED_RECORDS = 5, 8000, 2000
CALLS, OUTAGE_S = 10_000, 10.0
MEMORY_CALLS = 20_000
STALL_CALLS, STALL_ROUNDS = 3000, 3
SINKS = ("fast", "slow, 5 s a request", "hanging", "gone", "none: the embedded ledger")
NO_USAGE = "none, and answers without usage: tiktoken counts"


def rows() -> Iterator[Row]:
    """All of it."""
    with tempfile.TemporaryDirectory() as folder, Servers() as servers, GatewayProcess() as gateway:
        servers.reply("openai", Reply("Hello " * 20))
        place = Path(folder)
        yield from _side_by_side(gateway, place)
        yield from _exactly_once(servers, gateway, place)
        yield from _memory(servers, gateway, place)
        yield from _stalls(gateway, place)


def _side_by_side(gateway: GatewayProcess, place: Path) -> Iterator[Row]:
    """Towards a gateway of ours, and towards one that knows the published protocol alone."""
    for batches, protocol in ((True, "batches"), (False, "an entry a request")):
        gateway.tell("batches", batches)
        yield from _beside_the_published(gateway, place, protocol)
    gateway.tell("batches", True)


def _beside_the_published(gateway: GatewayProcess, place: Path, protocol: str) -> Iterator[Row]:
    """Rounds that alternate; each has a ratio of its own."""
    published, ours = list[dict[str, float]](), list[dict[str, float]]()
    for _ in range(ROUNDS):
        told = run(_published(), "metering_published", gateway.url, PUBLISHED_RECORDS, environment=_foreign())
        published.append({**told, "rate": PUBLISHED_RECORDS / told["seconds"]})
        told = run(sys.executable, "metering_ours", gateway.url, RECORDS, environment=own(place / "side"))
        ours.append({**told, "rate": RECORDS / told["seconds"]})
        gateway.tell("forget")
    for name, key, bound in (("caller's CPU per record", "caller_us", 0.5), ("CPU per record", "cpu_us", 0.05)):
        mine, theirs = [told[key] for told in ours], [told[key] for told in published]
        yield ratio(f"{protocol}: {name}, of the published client's", "us", mine, theirs, bound)
    slower = [told["rate"] for told in published]
    name = f"{protocol}: records a second, the published client's of ours"
    yield ratio(name, "per s", slower, [told["rate"] for told in ours], 0.1)


def ratio(name: str, unit: Any, ours: list[float], opponent: list[float], bound: float | None) -> Row:
    """Of rounds that alternate."""
    ratios = sorted(mine / other for mine, other in zip(ours, opponent, strict=True))
    return Row(
        name=name,
        unit=unit,
        ours=median(ours),
        opponent=median(opponent),
        ratio=median(ratios),
        low=ratios[0],
        high=ratios[-1],
        bound=bound,
    )


def _exactly_once(servers: Servers, gateway: GatewayProcess, place: Path) -> Iterator[Row]:
    """The gateway is gone for ten seconds, the process is killed meanwhile, and another one does the rest."""
    gateway.tell("forget")
    noted, environment = place / "finished", own(place / "once")
    arguments = [str(PEERS / "metering_calls.py"), servers.url("openai"), gateway.url]
    first = subprocess.Popen([sys.executable, *arguments, str(CALLS), str(noted)], env=environment)
    _until(lambda: _finished(noted) >= CALLS // 4)
    gateway.tell("down")
    gone = time.monotonic()
    _until(lambda: _finished(noted) >= CALLS // 2)
    first.send_signal(signal.SIGKILL)
    first.wait()
    rest = CALLS - _finished(noted)
    second = subprocess.Popen([sys.executable, *arguments, str(rest), str(noted)], env=environment)
    time.sleep(max(0.0, OUTAGE_S - (time.monotonic() - gone)))
    gateway.tell("up")
    assert second.wait() == 0
    finished, entries = noted.read_text("ascii").split(), gateway.tell("ids")
    yield alone("finished calls that are not in the ledger", "count", [len(set(finished) - entries.keys())], 0)
    yield alone("finished calls", "count", [len(finished)], None)
    yield alone(
        "records in the ledger of calls that nobody saw finish", "count", [len(entries.keys() - set(finished))], 64
    )
    yield alone(
        "records that were sent more than once, and counted once",
        "count",
        [sum(seen > 1 for _, seen in entries.values())],
        None,
    )


def _finished(noted: Path) -> int:
    return noted.read_bytes().count(b"\n") if noted.exists() else 0


def _until(holds: Any) -> None:
    while not holds():
        time.sleep(0.01)


def _stalls(gateway: GatewayProcess, place: Path) -> Iterator[Row]:
    """The longest that a hop took on the caller's thread, whatever the gateway does. The opponent has no meter."""
    for sink in SINKS:
        gateway.tell("forget")
        gateway.tell("delay", {"slow, 5 s a request": 5.0, "hanging": 600.0}.get(sink, 0.0))
        if sink == "gone":
            gateway.tell("down")
        yield _longest_stall(sink, "embedded" if sink.startswith("none") else gateway.url, place)
    gateway.tell("delay", 0.0)
    gateway.tell("up")
    if _fetched_tokenizer():
        yield _longest_stall(NO_USAGE, "estimated", place)


def _fetched_tokenizer() -> bool:
    """tiktoken's data, for the processes that are started from now on."""
    os.environ["TIKTOKEN_CACHE_DIR"] = str(ROOT / ".bench" / "tiktoken")
    try:
        return bool(fetch())
    except NotFetched as why:
        print(f"not measured, gateway {NO_USAGE}: {why}", file=sys.stderr)
        return False


def _longest_stall(sink: str, where: str, place: Path) -> Row:
    """What the record adds to the control's longest: both stand still while the machine does."""
    rounds = [_stall(where, place / f"{len(sink)}-{time_}") for time_ in range(STALL_ROUNDS)]
    added = [ours - control for ours, control in rounds]
    return Row(
        name=f"longest stall added by a record, beside the longest without one: gateway {sink}",
        unit="ms",
        ours=max(added),
        opponent=max(control for _, control in rounds),
        low=min(added),
        high=max(added),
        bound=5,
    )


def _stall(where: str, database: Path) -> tuple[float, float]:
    """In ms: with a meter, and of a process beside it without one."""
    arguments = ("metering_stall", "control", STALL_CALLS)
    with ThreadPoolExecutor(1) as beside:
        control = beside.submit(run, sys.executable, *arguments, environment=own(database))
        told = run(sys.executable, "metering_stall", where, STALL_CALLS, environment=own(database))
        return told["longest_s"] * 1e3, control.result()["longest_s"] * 1e3


def _memory(servers: Servers, gateway: GatewayProcess, place: Path) -> Iterator[Row]:
    arguments = (servers.url("openai"), gateway.url, MEMORY_CALLS)
    raw = run(sys.executable, "metering_memory", "raw", *arguments, environment=own(place / "raw"))
    ours = run(sys.executable, "metering_memory", "ours", *arguments, environment=own(place / "memory"))
    grown = ours["grown_mb"] - raw["grown_mb"]
    yield alone(f"growth over {MEMORY_CALLS:,} calls, above the raw SDK's", "MB", [grown], 2)
    yield alone("threads under load", "count", [ours["threads"]], 3)


def run(python: Path | str, peer: str, *arguments: object, environment: dict[str, str]) -> dict[str, float]:
    """What a process of `peers` tells."""
    command = [str(python), str(PEERS / f"{peer}.py"), *map(str, arguments)]
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


def own(database: Path | None) -> dict[str, str]:
    """The environment of a process of ours."""
    path = os.pathsep.join(map(str, (ROOT, ROOT / "translators")))
    return {**os.environ, "PYTHONPATH": path, "SPATURZU_DB": str(database or os.devnull), "NO_PROXY": "127.0.0.1"}


def _foreign() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": "", "NO_PROXY": "127.0.0.1"}


def _published() -> Path:
    """The Python of the environment that has the published client."""
    folder = ROOT / ".bench" / "spaturzu-0.1.7"
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not (folder / "installed").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", PUBLISHED], check=True)
        (folder / "installed").touch()
    return python
