"""Pure translators between five LLM providers' wires: the standard library only, and no I/O.

    caller's wire JSON --decode--> canonical request --encode--> target's wire JSON

`codec(provider)` gives the provider's `Codec`; `DIRECTIONS` names the twenty ways to combine two of them.
"""

from .codec import BadWire, Codec, codec
from .directions import DIRECTIONS, Direction
from .loss import Encoded, Loss
from .messages import PROVIDERS, WIRES, Provider, Wire

__all__ = [
    "DIRECTIONS",
    "PROVIDERS",
    "WIRES",
    "BadWire",
    "Codec",
    "Direction",
    "Encoded",
    "Loss",
    "Provider",
    "Wire",
    "codec",
]
