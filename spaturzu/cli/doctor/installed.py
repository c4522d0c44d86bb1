"""What is installed: Python, the providers' SDKs, the HTTP libraries, the extras."""

from __future__ import annotations

import platform
import sqlite3
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from spaturzu.version import VERSION

from .findings import Finding, State, installed, numbers


@dataclass(frozen=True, slots=True)
class Supported:
    """An SDK: the oldest version that works, the newest that was tested, and the extra that has it."""

    extra: str
    oldest: str
    newest: str


TESTED = {
    "openai": Supported("openai", "2.31", "3.57.0"),
    "anthropic": Supported("anthropic", "0.98", "2.15.0"),
    "google-genai": Supported("google", "2.0", "3.6.1"),
    "mistralai": Supported("mistral", "2.10", "3.7.0"),
    "boto3": Supported("bedrock", "1.43", "1.44.8"),
}
"""By distribution. The oldest are pyproject's floors, the newest stand in `constraints.txt`: a test holds both."""

EXTRAS = {"tiktoken": "tiktoken", "otel": "opentelemetry-api"}
OLDEST_SQLITE = (3, 24)
"""For ON CONFLICT DO NOTHING."""


def python() -> Iterator[Finding]:
    """spaturzu, Python, the system."""
    yield Finding("spaturzu", "ok", VERSION)
    name, found = platform.python_implementation(), platform.python_version()
    yield Finding("Python", "ok", f"{name} {found} on {platform.system()} {platform.machine()}, {sys.executable}")
    state: State = "ok" if sqlite3.sqlite_version_info >= OLDEST_SQLITE else "problem"
    yield Finding("SQLite", state, f"{sqlite3.sqlite_version}; the ledger needs 3.24 or newer")


def sdks() -> Iterator[Finding]:
    """The providers' SDKs that are installed, against what was tested."""
    found = [judged(name, tested, version) for name, tested in TESTED.items() if (version := installed(name))]
    missing = [tested.extra for name, tested in TESTED.items() if not installed(name)]
    yield from found
    if not found:
        yield Finding("SDKs", "problem", "none of the five is installed: pip install 'spaturzu[openai]', or the others")
    elif missing:
        yield Finding("other SDKs", "note", f"not installed: pip install 'spaturzu[{','.join(missing)}]'")


def judged(name: str, tested: Supported, version: str) -> Finding:
    """An installed SDK's version against what was tested."""
    if numbers(version) < numbers(tested.oldest):
        upgrade = f"pip install --upgrade 'spaturzu[{tested.extra}]'"
        return Finding(name, "problem", f"{version} is older than {tested.oldest}, the oldest that works: {upgrade}")
    if numbers(version) > numbers(tested.newest):
        return Finding(name, "warning", f"{version} is newer than {tested.newest}, the newest that was tested")
    return Finding(name, "ok", f"{version}, tested from {tested.oldest} to {tested.newest}")


def http_libraries() -> Iterator[Finding]:
    """httpx2 and httpx: a tracked client is of the family that its SDK uses."""
    family = " ".join(f"{name} {version}" for name in ("httpx2", "httpx") if (version := installed(name)))
    yield Finding("HTTP", "ok" if family else "problem", family or "neither httpx2 nor httpx: pip install httpx2")


def extras() -> Iterator[Finding]:
    """What is optional."""
    for extra, distribution in EXTRAS.items():
        version = installed(distribution)
        said = f"{distribution} {version}" if version else f"not installed: pip install 'spaturzu[{extra}]'"
        yield Finding(f"extra {extra}", "ok" if version else "note", said)
