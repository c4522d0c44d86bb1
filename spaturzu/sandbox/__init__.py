"""Local servers that speak the five providers' wires to their real SDKs, with scripted replies and faults on demand.

    with Sandbox() as sandbox:
        sandbox.openai.script(Status(429), Reply("Hi"))
        client = openai.OpenAI(base_url=sandbox.url("openai"), api_key="any")

Standard library only (and the framing of spaturzu_translators); no SDK is needed to serve. Names load when first used,
so that the pytest plugin costs nothing where nobody asks for it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .errors import ErrorKind, NativeError, native_error
    from .faults import (
        Cut,
        ErrorEvent,
        Failing,
        Fault,
        Held,
        Html,
        Malformed,
        NoTerminal,
        Outage,
        Refused,
        Reset,
        Silence,
        Stall,
        Status,
        Step,
    )
    from .logs import LogGateway
    from .replies import Reply, ToolCall, Usage
    from .sandbox import Sandbox
    from .wall import WALL, FaultName, WallFault
    from .wire import Received, Wire

_HOMES = {
    "errors": ("ErrorKind", "NativeError", "native_error"),
    "faults": (
        *("Cut", "ErrorEvent", "Failing", "Fault", "Held", "Html", "Malformed", "NoTerminal"),
        *("Outage", "Refused", "Reset", "Silence", "Stall", "Status", "Step"),
    ),
    "logs": ("LogGateway",),
    "replies": ("Reply", "ToolCall", "Usage"),
    "sandbox": ("Sandbox",),
    "wall": ("WALL", "FaultName", "WallFault"),
    "wire": ("Received", "Wire"),
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "WALL",
    "Cut",
    "ErrorEvent",
    "ErrorKind",
    "Failing",
    "Fault",
    "FaultName",
    "Held",
    "Html",
    "LogGateway",
    "Malformed",
    "NativeError",
    "NoTerminal",
    "Outage",
    "Received",
    "Refused",
    "Reply",
    "Reset",
    "Sandbox",
    "Silence",
    "Stall",
    "Status",
    "Step",
    "ToolCall",
    "Usage",
    "WallFault",
    "Wire",
    "native_error",
]


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return vars(import_module(f"{__name__}.{_HOME_OF[name]}"))[name]
