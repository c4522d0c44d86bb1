"""OpenTelemetry around calls and hops, where the process has it: else nothing is loaded, and next to nothing done.

On as soon as the application has set a tracer or meter provider; `SPATURZU_OTEL=off` keeps it off.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from typing import TYPE_CHECKING

from spaturzu.router.spans import is_set

if TYPE_CHECKING:
    from spaturzu.router.call import Call
    from spaturzu.router.hop import Hop

    from .telemetry import Telemetry, Tracing

SWITCH = "SPATURZU_OTEL"
_OFF = frozenset({"off", "false", "0", "no"})
_SDKS = ("opentelemetry.sdk", "ddtrace.opentelemetry")
"""The packages that have providers. One that nobody has imported has set none."""


class _State:
    telemetry: Telemetry | None = None


def telemetry() -> Telemetry | None:
    """What records spans and metrics; None while there is no provider for either."""
    if _State.telemetry is None and not sys.modules.keys().isdisjoint(_SDKS) and is_on():
        from .telemetry import Telemetry

        _State.telemetry = Telemetry()
    return _State.telemetry


def is_on() -> bool:
    """Has the application set a provider?"""
    if sys.modules.keys().isdisjoint(_SDKS) or os.environ.get(SWITCH, "").lower() in _OFF:
        return False
    return is_set("trace", "get_tracer_provider") or is_set("metrics", "get_meter_provider")


def trace_call(call: Call) -> Generator[None]:
    """Around a call: decides whether it is traced, and where in the caller's trace it is."""
    recording = telemetry()
    return _nothing() if recording is None else recording.around_call(call)


def trace_hop(call: Call, hop: Hop) -> Generator[None]:
    """Around a hop of a traced call: its span, and its metrics."""
    tracing: Tracing | None = call.record.tracing
    return _nothing() if tracing is None else tracing.telemetry.around_hop(call, hop, tracing)


def _nothing() -> Generator[None]:
    yield
