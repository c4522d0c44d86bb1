"""What spaturzu talks to, and the data it works with: the gateway, the clock, prices, the tokenizer, OpenTelemetry."""

from __future__ import annotations

import datetime
import os
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from spaturzu.errors import ConfigError
from spaturzu.metering import MeteringOptions

from .findings import Finding, installed

URL, KEY = "SPATURZU_BASE_URL", "SPATURZU_API_KEY"
TIMEOUT_S = 5.0
SKEW_S = 60.0
BUILT = datetime.datetime(2026, 11, 1, tzinfo=datetime.UTC)
"""A clock that shows an earlier time is wrong."""


def gateway() -> Iterator[Finding]:
    """Does the one that the environment names answer?"""
    address, key = _address(), f"{KEY} is {'set' if os.environ.get(KEY) else 'not set'}"
    if isinstance(address, Finding):
        yield address
    elif address is None:
        yield Finding("gateway", "note", f"{URL} is not set; {key}")
    else:
        yield _answering(address, key)


def _address() -> str | Finding | None:
    """The gateway's URL; None: there is none."""
    try:
        address = MeteringOptions().address
    except ConfigError as error:
        return Finding("gateway", "problem", str(error).removeprefix("spaturzu: "))
    return None if address is None else address.base_url


def _answering(url: str, key: str) -> Finding:
    answer, where = _health(url), urlsplit(url).hostname or "the address"
    if isinstance(answer, str):
        return Finding("gateway", "problem", f"{where} cannot be reached ({answer}); calls are kept and sent later")
    if answer.status_code != 200:
        said = f"{where} answers {answer.status_code} to GET /healthz; is {URL} right?"
        return Finding("gateway", "problem", said)
    return Finding("gateway", "ok", f"{where} answers; {key}")


@cache
def _health(url: str) -> Any:
    """The answer of its `/healthz`, or the class of what went wrong."""
    import httpx2

    try:
        return httpx2.get(f"{url}/healthz", timeout=TIMEOUT_S)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        return type(error).__name__


def clock() -> Iterator[Finding]:
    """Ids and days are made of it."""
    now = datetime.datetime.now(datetime.UTC)
    if now < BUILT:
        yield Finding("clock", "problem", f"it shows {now:%Y-%m-%d %H:%M} UTC, which is past: set it")
        return
    skew_s = _skew_s()
    if skew_s is not None and abs(skew_s) > SKEW_S:
        ahead = "ahead of" if skew_s > 0 else "behind"
        yield Finding("clock", "warning", f"it is {abs(skew_s):.0f} s {ahead} the gateway's")
    else:
        beside = "" if skew_s is None else ", as the gateway's does"
        yield Finding("clock", "ok", f"it shows {now:%Y-%m-%d %H:%M} UTC{beside}")


def _skew_s() -> float | None:
    url = _address()
    answer = _health(url) if isinstance(url, str) else "no gateway"
    said = "" if isinstance(answer, str) else answer.headers.get("date", "")
    try:
        return time.time() - parsedate_to_datetime(said).timestamp()
    except ValueError:
        return None


def prices() -> Iterator[Finding]:
    """The price list that is installed."""
    version = installed("genai-prices")
    if version is None:
        yield Finding("prices", "problem", "genai-prices is not installed")
        return
    from spaturzu.pricing.genai import released

    dated = released()
    yield Finding("prices", "ok", f"genai-prices {version}" + (f" of {dated}" if dated else ""))


def tokenizer() -> Iterator[Finding]:
    """What counts tokens where a provider reported none."""
    from spaturzu.pricing.tokens import is_cached

    if installed("tiktoken") is None:
        yield Finding("tokenizer", "note", "a rule of thumb counts where a provider reports nothing")
    elif is_cached():
        yield Finding("tokenizer", "ok", "tiktoken counts where a provider reports nothing")
    else:
        said = "tiktoken's data is not here, a rule of thumb counts: spaturzu doctor --fetch-tokenizer"
        yield Finding("tokenizer", "warning", said)


def telemetry() -> Iterator[Finding]:
    """Whether there can be spans. Whether there are is the application's to say."""
    switch = os.environ.get("SPATURZU_OTEL", "")
    if switch.lower() in ("off", "false", "0", "no"):
        yield Finding("OpenTelemetry", "note", f"SPATURZU_OTEL={switch} keeps it off")
    elif installed("opentelemetry-sdk"):
        yield Finding("OpenTelemetry", "ok", "on in programs that set a tracer or meter provider")
    else:
        yield Finding("OpenTelemetry", "note", "opentelemetry-sdk is not installed: no spans")
