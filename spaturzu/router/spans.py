"""Has the application set OpenTelemetry's providers? Asked without loading anything of it."""

from __future__ import annotations

import sys
from typing import Any


def is_set(module: str, getter: str) -> bool:
    """Of `opentelemetry.trace` or the like. The API's own providers stand in for one that was not set."""
    api = sys.modules.get(f"opentelemetry.{module}")
    if api is None:
        return False
    given: type[Any] = getattr(api, getter)().__class__
    return not given.__module__.startswith(f"opentelemetry.{module}")


def spans_are_kept() -> bool:
    """Does anybody take spans? An SDK that makes them regardless (anthropic 2.12 [S]) spends a twelfth of a call."""
    return is_set("trace", "get_tracer_provider")
