"""The Anthropic drop-in: `from spaturzu.anthropic import Anthropic`. All other names are those of `anthropic`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anthropic as _anthropic

from .dropin import Options, class_of, subclassed
from .tracked.stainless import StainlessDropIn, over_duck, wrapped

if TYPE_CHECKING:
    from .instance import Spaturzu


class _Anthropic(StainlessDropIn):
    _wire_of = "anthropic"
    _sdk = _anthropic

    def _should_retry_exception(self, err: BaseException) -> Any:
        """The SDK retries errors that its transport raises (anthropic 0.125 and 2.12 [S]): not after a walked chain."""
        from .tracked.calls import walked

        return (False, None) if walked(err) else super()._should_retry_exception(err)  # type: ignore[misc]


class Anthropic(_Anthropic, _anthropic.Anthropic):
    """`anthropic.Anthropic` that falls back: `Anthropic(spaturzu={"fallback": [...]})`. Raises ConfigError."""


class AsyncAnthropic(_Anthropic, _anthropic.AsyncAnthropic):
    """`anthropic.AsyncAnthropic` that falls back."""


def wrap(client: Any, options: Options, instance: Spaturzu) -> Any:
    """`Spaturzu.wrap_anthropic`. Vertex and Foundry variants of the SDK's client are wrapped too.

    Its Bedrock variant's calls pass through: their path is `invoke_model`'s.
    """
    if not all(hasattr(client, name) for name in ("copy", "_client", "messages")):
        client = over_duck(client, "anthropic", Anthropic, AsyncAnthropic)
    return wrapped(client, subclassed(_Anthropic, class_of(client)), options, instance)


def __getattr__(name: str) -> Any:
    """Everything else of `anthropic`."""
    return getattr(_anthropic, name)
