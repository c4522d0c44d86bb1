"""What an import costs, in fresh interpreters: CPU of the whole process, and what it leaves behind."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from .measure import Row, alone, compare

ROUNDS, BOUND_MS, BOUND = 15, 60, 1.05
ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "translators")))}
ENVIRONMENT.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed package is compiled, as the SDKs are here
SDK_OF = {
    "openai": "import openai",
    "anthropic": "import anthropic",
    "google": "import google.genai",
    "mistral": "import mistralai.client",
    "bedrock": "import boto3",
}
FOREIGN = ("openai", "anthropic", "google.genai", "mistralai", "boto3", "botocore", "httpx", "httpx2", "aiohttp")
"""No provider's SDK and no HTTP library comes with `import spaturzu`."""
LEFT = f"""
import json, sys, threading
import spaturzu
loaded = [name for name in {FOREIGN!r} if name in sys.modules]
print(json.dumps({{"loaded": loaded, "threads": threading.active_count() - 1}}))
"""


def rows() -> Iterator[Row]:
    """`import spaturzu` against an empty program, each drop-in against its SDK."""
    bare = compare(lambda: _run("import spaturzu"), lambda: _run("pass"), rounds=ROUNDS, clock=_cpu)
    above = [mine - median(bare.opponent) for mine in bare.ours]
    yield alone("import spaturzu, above an empty program", "ms", above, BOUND_MS)
    left = json.loads(_run(LEFT))
    yield alone("import spaturzu: SDKs and HTTP libraries", "count", [len(left["loaded"])], 0)
    yield alone("import spaturzu: threads", "count", [left["threads"]], 0)
    for name, statement in SDK_OF.items():
        yield _dropin(name, statement)


def _dropin(name: str, statement: str) -> Row:
    ours = f"import spaturzu.{name}"
    times = compare(lambda: _run(ours), lambda: _run(statement), rounds=ROUNDS, warm=2, clock=_cpu)
    return times.row(f"import spaturzu.{name}", "ms", BOUND)


def _run(program: str) -> str:
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, env=ENVIRONMENT, stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout


def _cpu() -> float:
    """Seconds of CPU of the children so far."""
    seen = resource.getrusage(resource.RUSAGE_CHILDREN)  # os.times() counts in hundredths of a second
    return seen.ru_utime + seen.ru_stime
