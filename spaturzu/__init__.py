"""Change one import: LLM calls survive a provider's bad day, and every call is attributed.

    from spaturzu.openai import OpenAI
    client = OpenAI(spaturzu={"fallback": [{"provider": "anthropic", "client": Anthropic(), "model": "..."}]})

This module imports no provider SDK and no HTTP library; each drop-in imports its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .attribution import RunFrame, get_current_frame, run
from .errors import BudgetExceededError, ConfigError, HttpError, LedgerError, SpaturzuError
from .instance import Spaturzu, configure, flush, get_default_spaturzu, shutdown
from .instance import Spaturzu as spaturzu
from .version import VERSION

if TYPE_CHECKING:
    from .standalone import AsyncRouter, Router
    from .tracked.door import last_call

__version__ = VERSION

__all__ = [
    "AsyncRouter",
    "BudgetExceededError",
    "ConfigError",
    "HttpError",
    "LedgerError",
    "Router",
    "RunFrame",
    "Spaturzu",
    "SpaturzuError",
    "configure",
    "flush",
    "get_current_frame",
    "get_default_spaturzu",
    "last_call",
    "run",
    "shutdown",
    "spaturzu",
]


def __getattr__(name: str) -> Any:
    """Loaded when first used: `last_call` knows the router, and the routers know an SDK."""
    if name == "last_call":
        from .tracked.door import last_call

        return last_call
    if name in ("Router", "AsyncRouter"):
        from . import standalone

        return getattr(standalone, name)
    raise AttributeError(f"module 'spaturzu' has no attribute {name!r}")
