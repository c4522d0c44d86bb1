"""Clients that only quack like an SDK's: wrapped in the real SDK's client, whose transport calls them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from spaturzu.errors import ConfigError

if TYPE_CHECKING:
    from spaturzu.dropin import Options
    from spaturzu.instance import Spaturzu


def duck_typed(
    client: Any, provider: str, sync_class: Any, async_class: Any, options: Options, instance: Spaturzu
) -> Any:
    """A drop-in over a client that has only the create-equivalent."""
    raise ConfigError(f"spaturzu: a {type(client).__name__} is no {provider} client")
