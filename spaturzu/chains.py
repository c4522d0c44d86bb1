"""Chains that have a name: said once, in `configure(chains=...)` or in `spaturzu.toml`, and used by it everywhere.

[chains.careful]                                     spaturzu={"chain": "careful"}
fallback = ["anthropic/claude-haiku-5-5"]            Router("careful")
deadline = 30
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias, cast

from .errors import ConfigError

ChainOptions: TypeAlias = Mapping[str, Any] | Sequence[Any]
"""The keys of `spaturzu={...}`, or the list under `fallback` alone."""

_LOCK = threading.Lock()
_CONFIGURED: dict[str, ChainOptions] = {}


def configure_chains(chains: Mapping[str, ChainOptions]) -> None:
    """Give these options their names; a name given before is replaced."""
    with _LOCK:
        _CONFIGURED.update(chains)


def forget_chains() -> None:
    """Only the file's are left."""
    with _LOCK:
        _CONFIGURED.clear()


def named_chain(name: str) -> dict[str, Any]:
    """The options under `name`: `configure`'s, else the file's. Raises ConfigError where there are none."""
    known = {**_of_file(), **_CONFIGURED}
    if name not in known:
        raise ConfigError(
            f"spaturzu: no chain is named {name!r}; known: {', '.join(sorted(known)) or 'none'}. Name it with "
            f"configure(chains={{{name!r}: [...]}}) or as [chains.{name}] in {_file()}"
        )
    options = known[name]
    if isinstance(options, Mapping):
        return dict(options)
    return {"fallback": list(options)}


def expanded(options: Mapping[str, Any]) -> dict[str, Any]:
    """`options` with those of the chain that they name below them."""
    given = dict(options)
    name = given.pop("chain", None)
    if name is None:
        return given
    if not isinstance(name, str):
        raise ConfigError(f"spaturzu: 'chain' is a {type(name).__name__}; it is the name of a chain")
    return {**named_chain(name), **given}


def _file() -> Path:
    return Path(os.environ.get("SPATURZU_CONFIG") or "spaturzu.toml")


def _of_file() -> Mapping[str, ChainOptions]:
    import tomllib  # most programs name no chain

    path = _file()
    try:
        read = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        if "SPATURZU_CONFIG" in os.environ:
            raise ConfigError(f"spaturzu: SPATURZU_CONFIG names {path}, which does not exist") from None
        return {}
    except (OSError, ValueError) as error:
        raise ConfigError(f"spaturzu: {path} cannot be read: {error}") from error
    chains = read.get("chains", {})
    if not isinstance(chains, dict):
        raise ConfigError(f"spaturzu: {path}: 'chains' is no table; write [chains.NAME]")
    return cast("Mapping[str, ChainOptions]", chains)
