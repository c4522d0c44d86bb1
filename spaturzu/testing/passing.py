"""A target's raw client over a door that lets everything pass: there its requests can be turned."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from spaturzu.errors import ConfigError
from spaturzu.instance import Spaturzu
from spaturzu.tracked.door import Door
from spaturzu.tracked.surfaces import Surface
from spaturzu_translators.messages import Provider

_DROP_INS: dict[Provider, str] = {
    "openai": "spaturzu.openai",
    "anthropic": "spaturzu.anthropic",
    "bedrock": "spaturzu.bedrock",
    "gemini": "spaturzu.google",
    "mistral": "spaturzu.mistral",
}


class PassingDoor(Door):
    """The door of a target at `place` in somebody's chain: no call of its own begins here."""

    def __init__(self, door: Door, place: int) -> None:
        vars(self).update(vars(door))
        self.place = place

    def recognise(self, path: str | bytes) -> Surface | None:
        """Nothing: all passes through untouched."""
        return None


def passing(client: Any, provider: Provider, place: int) -> Any:
    """A copy of a raw client that leaves by a passing door; of a client that only quacks, the SDK's own.

    Raises ConfigError for an aiobotocore client, which cannot be turned.
    """
    if provider == "bedrock" and hasattr(client, "_endpoint") and _is_aiobotocore(client):
        raise ConfigError("spaturzu: an aiobotocore client cannot be turned to a local server; use boto3's here")
    wrapped = import_module(_DROP_INS[provider]).wrap(client, {}, Spaturzu(metering=False))
    door = wrapped._door
    turned = wrapped._clone(PassingDoor(door, place))
    return turned.aio if _is_aio(client, provider) else turned


def _is_aiobotocore(client: Any) -> bool:
    return any(cls.__name__ == "AioBaseClient" for cls in type(client).__mro__)


def _is_aio(client: Any, provider: Provider) -> bool:
    """`genai.Client(...).aio`, which quacks under the same names as the client itself."""
    return provider == "gemini" and type(client).__name__ == "AsyncClient"
