"""`outage` and `offline`: local servers in place of providers, while a block runs."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from typing import Literal, TypeAlias, cast, get_args

from spaturzu.errors import ConfigError
from spaturzu.sandbox.errors import ErrorKind
from spaturzu.sandbox.faults import Failing, Fault, Status, Step
from spaturzu.sandbox.ids import serials
from spaturzu.sandbox.replies import Reply
from spaturzu.sandbox.sandbox import Sandbox
from spaturzu.sandbox.wall import WALL, FaultName, WallFault
from spaturzu.sandbox.wire import Wire
from spaturzu_translators.codec import codec
from spaturzu_translators.messages import PROVIDERS, Provider

from .detour import turned

Named: TypeAlias = Literal["openai", "anthropic", "bedrock", "gemini", "mistral", "google"]


@contextmanager
def outage(
    provider: Named,
    fault: FaultName | Fault | None = None,
    *,
    status: int | None = None,
    kind: ErrorKind | None = None,
    reply: Reply | None = None,
) -> Generator[Wire, None, None]:
    """`provider` fails within the block, for every spaturzu client; the others are as ever.

    How: a name of the wall, a step of the sandbox, or on every request an HTTP `status` or the provider's own error of
    a `kind`. `reply` is what it answers once the fault is over, and what a fault breaks off. Gives the local server
    that stands in for the provider: `.requests`, `.script(...)`. Raises ConfigError on an unknown name.
    """
    name = _provider(provider)
    wire = Wire(name, serials())
    wire.reply(reply or Reply())
    wire.script(*_steps(name, fault, status, kind))
    wire.start()
    try:
        with turned(lambda asked, _: wire.port if asked == name else None):
            yield wire
    finally:
        wire.close()


@contextmanager
def offline() -> Generator[Sandbox, None, None]:
    """No provider is called within the block: every spaturzu client's requests reach this sandbox, its targets' too.

    A provider answers "Hello" until its wire is told otherwise: `sandbox.openai.script(...)`.
    """
    with Sandbox() as sandbox, turned(lambda provider, _: sandbox.wires[provider].port):
        yield sandbox


def _provider(name: str) -> Provider:
    found = "gemini" if name == "google" else name
    if found not in PROVIDERS:
        raise ConfigError(f"spaturzu: no provider {name!r}; there are {', '.join(PROVIDERS)}")
    return found


def _steps(
    provider: Provider, fault: FaultName | Fault | None, status: int | None, kind: ErrorKind | None
) -> tuple[Step, ...]:
    given = [value for value in (fault, status, kind) if value is not None]
    if len(given) != 1:
        raise ConfigError("spaturzu: say one of: a fault, a status, a kind; as in outage('openai', status=503)")
    if status is not None:
        return (Status(status, times=None),)
    if kind is not None:
        return (_failing(kind),)
    return _named(provider, fault) if isinstance(fault, str) else (cast("Fault", fault),)


def _failing(kind: ErrorKind) -> Failing:
    if kind not in get_args(ErrorKind):
        raise ConfigError(f"spaturzu: no kind of failure {kind!r}; there are {', '.join(get_args(ErrorKind))}")
    return Failing(kind, times=None)


def fault_named(name: str) -> WallFault:
    """The wall's fault of this name. Raises ConfigError with those that there are."""
    fault = WALL.get(cast("FaultName", name))
    if fault is None:
        raise ConfigError(f"spaturzu: no fault {name!r} on the wall; there are {', '.join(WALL)}")
    return fault


def _named(provider: Provider, name: str) -> tuple[Step, ...]:
    fault = fault_named(name)
    for wire in fault.wires:
        if codec(wire).provider == provider:
            return fault.steps(wire)
    raise ConfigError(f"spaturzu: {provider} cannot have {name!r}; {', '.join(fault.wires)} can")
