"""How long a caller waits for the answer when the first provider has a fault: ours, LiteLLM's Router, LangChain.

    python -m benchmarks rescue

OpenAI falls back to Anthropic, all three with the defaults of their documentation and one time limit for a request.
Each runs in a process of its own, and the peers in virtual environments of their own, made in `.bench/` with pip; none
may reach anything but this host. The faults are the wall's (`spaturzu.sandbox.wall`).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from types import TracebackType
from typing import Any

from spaturzu.sandbox import WALL, Sandbox
from spaturzu.sandbox.clients import MODELS
from spaturzu.sandbox.wall import TEXT, FaultName, Shape

from .measure import Row

ROOT = Path(__file__).parent.parent
TIMEOUT_S = 2.0
"""The limit of one request, for all three alike."""

PEERS: dict[str, tuple[str, ...]] = {
    "LiteLLM Router": ("litellm==1.106.2",),
    "LangChain": ("langchain-core==1.7.2", "langchain-openai==1.7.3", "langchain-anthropic==1.7.7"),
}
"""What each peer's environment holds (2026-11-25)."""

SCRIPTS = {"ours": "spaturzu_chain", "LiteLLM Router": "litellm_router", "LangChain": "langchain_fallbacks"}

BOUNDS_MS: dict[tuple[FaultName, Shape], float | None] = {
    ("rate_limit_persistent", "plain"): 600,
    ("rate_limit_persistent", "stream"): 600,
    ("unavailable", "plain"): 600,
    ("unavailable", "stream"): 600,
    ("quota_exhausted", "plain"): 600,
    ("quota_exhausted", "stream"): 600,
    ("silence", "plain"): 1000 * TIMEOUT_S + 600,
    ("silence", "stream"): 1000 * TIMEOUT_S + 600,
    ("error_event_first", "stream"): 600,
    ("cut", "stream"): 600,
    ("stall", "stream"): 1000 * TIMEOUT_S + 600,
    ("truncated", "stream"): 600,
}
"""The faults that are measured, and how long a caller of ours may wait."""


@dataclass(frozen=True, kw_only=True)
class Rescue:
    """Calls: how long (the median, the shortest and the longest), how they ended, how many requests each side saw."""

    seconds: float
    shortest: float
    longest: float
    outcome: str
    asked: tuple[int, int]


class Contender:
    """A process that makes the calls. `with Contender(...) as contender:`."""

    def __init__(self, name: str, urls: list[str]) -> None:
        given = {"urls": urls, "models": [MODELS["openai"], MODELS["anthropic"]], "timeout_s": TIMEOUT_S}
        script = Path(__file__).parent / "peers" / f"{SCRIPTS[name]}.py"
        self._process = subprocess.Popen(
            [str(_python(name)), str(script), json.dumps(given)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=_environment(name),
        )

    def call(self, shape: Shape) -> dict[str, Any]:
        """One call, from the process's own clock."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"stream": shape == "stream"}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self._process.args}: ended with {self._process.wait()}")
        said: dict[str, Any] = json.loads(line)
        return said

    def __enter__(self) -> Contender:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.communicate()


def rows() -> Iterator[Row]:
    """One line for each fault and peer; the bound is on our own time. A part of an answer is no rescue."""
    with Sandbox() as sandbox, ExitStack() as stack:
        urls = [sandbox.url("openai"), sandbox.url("anthropic")]
        contenders = {name: stack.enter_context(Contender(name, urls)) for name in SCRIPTS}
        for contender in contenders.values():
            _warm(sandbox, contender)
        for (fault, shape), bound in BOUNDS_MS.items():
            found = {name: _rescue(sandbox, each, fault, shape) for name, each in contenders.items()}
            yield from _lines(fault, shape, bound, found)


def _lines(fault: FaultName, shape: Shape, bound: float | None, found: dict[str, Rescue]) -> Iterator[Row]:
    ours = found.pop("ours")
    if ours.outcome != "whole":
        bound = 0.0 if bound is not None else None
    for peer, theirs in found.items():
        yield Row(
            name=f"{fault}, {shape}: {_told(ours)} | {peer} {_told(theirs)}",
            unit="ms",
            ours=1000 * ours.seconds,
            opponent=1000 * theirs.seconds,
            low=1000 * ours.shortest,
            high=1000 * ours.longest,
            bound=bound,
        )


def _told(rescue: Rescue) -> str:
    return f"{rescue.outcome} {rescue.asked[0]}+{rescue.asked[1]}"


def _warm(sandbox: Sandbox, contender: Contender) -> None:
    """Imports and first connections are no part of a rescue."""
    for step in (False, True):
        for shape in ("plain", "stream"):
            sandbox.reset()
            if step:
                sandbox.openai.script(*WALL["unavailable"].steps("openai"))
            contender.call(shape)


def _rescue(sandbox: Sandbox, contender: Contender, fault: FaultName, shape: Shape, calls: int = 3) -> Rescue:
    """A few calls, each on providers as new."""
    said = [_once(sandbox, contender, fault, shape) for _ in range(calls)]
    seconds = [each["seconds"] for each in said]
    return Rescue(
        seconds=median(seconds),
        shortest=min(seconds),
        longest=max(seconds),
        outcome="/".join(sorted({_outcome(each) for each in said})),
        asked=(len(sandbox.openai.requests), len(sandbox.anthropic.requests)),
    )


def _once(sandbox: Sandbox, contender: Contender, fault: FaultName, shape: Shape) -> dict[str, Any]:
    sandbox.reset()
    for wire in (sandbox.openai, sandbox.anthropic):
        wire.reply(WALL[fault].reply)
    sandbox.openai.script(*WALL[fault].steps("openai"))
    return contender.call(shape)


def _outcome(said: dict[str, Any]) -> str:
    if said["error"] is not None:
        return str(said["error"])
    return "whole" if said["text"] == TEXT else "HALF" if TEXT.startswith(said["text"]) else "WRONG"


def _python(name: str) -> Path:
    """The interpreter of a contender's environment, which is made when it is not there."""
    if name not in PEERS:
        return Path(sys.executable)
    folder = ROOT / ".bench" / SCRIPTS[name]
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    done = folder / "installed"
    if not done.exists() or done.read_text("utf-8") != repr(PEERS[name]):
        print(f"bench: installing {', '.join(PEERS[name])} into .bench", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", *PEERS[name]], check=True)
        done.write_text(repr(PEERS[name]), "utf-8")
    return python


def _environment(name: str) -> dict[str, str]:
    """No key, no tracing, no look-ups; the peers do not see our own code."""
    kept = {key: value for key, value in os.environ.items() if not key.endswith(("_API_KEY", "_PROXY", "_proxy"))}
    told = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LANGSMITH_TRACING": "false", "LANGCHAIN_TRACING_V2": "false"}
    path = os.pathsep.join([str(ROOT), str(ROOT / "translators")]) if name == "ours" else ""
    return {**kept, **told, "PYTHONPATH": path}
