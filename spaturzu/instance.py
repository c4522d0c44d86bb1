"""The Spaturzu instance: process-wide tags, and drop-ins made of clients that were built elsewhere."""

from __future__ import annotations

import inspect
import sys
import threading
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from .attribution import Tags, as_tags, run
from .errors import ConfigError
from .metering import Metering, MeteringOptions

if TYPE_CHECKING:
    from .chains import ChainOptions
    from .ledger.stats import OnError, Stats

ClientT = TypeVar("ClientT")

_DEFAULT_LOCK = threading.Lock()


class Spaturzu:
    """Options that all clients of a process share, and `wrap_*` for clients built elsewhere.

    `tags` go onto every call; values become text. The others say where records of calls go: `MeteringOptions` has them.
    Use the module's own `configure`, `run`, `flush` and drop-ins where one instance is enough. Raises ConfigError.
    """

    def __init__(
        self,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout_s: float = 10.0,
        backoff_ms: Sequence[float] | None = None,
        max_concurrent: int = 50,
        on_error: OnError | None = None,
        tags: Tags | None = None,
        *,
        prices: Mapping[str, Any] | str | Path | None = None,
        metering: bool | None = None,
    ) -> None:
        self.tags: Mapping[str, str] = as_tags(tags)
        self.metering = Metering(
            MeteringOptions(
                base_url=base_url,
                api_key=api_key,
                timeout_s=timeout_s,
                backoff_ms=backoff_ms,
                max_concurrent=max_concurrent,
                on_error=on_error,
                prices=prices,
                metering=metering,
            )
        )

    def run(
        self,
        agent_name: str,
        *,
        tags: Tags | None = None,
        customer: str | None = None,
        session_id: str | None = None,
    ) -> run:
        """The same as `spaturzu.run`."""
        return run(agent_name, tags=tags, customer=customer, session_id=session_id)

    def wrap_openai(self, client: ClientT, **options: Any) -> ClientT:
        """A drop-in of an OpenAI client (or one that quacks like it); `client` itself is left alone.

        `options` are the keys of `spaturzu={...}`. Raises ConfigError on ones that cannot work.
        """
        return self._wrap("openai", client, options)

    def wrap_anthropic(self, client: ClientT, **options: Any) -> ClientT:
        """The same for an Anthropic client."""
        return self._wrap("anthropic", client, options)

    def wrap_bedrock(self, client: ClientT, **options: Any) -> ClientT:
        """The same for a boto3 `bedrock-runtime` client."""
        return self._wrap("bedrock", client, options)

    def wrap_google(self, client: ClientT, **options: Any) -> ClientT:
        """The same for a `google.genai.Client`."""
        return self._wrap("google", client, options)

    wrap_gemini = wrap_google

    def wrap_mistral(self, client: ClientT, **options: Any) -> ClientT:
        """The same for a Mistral client."""
        return self._wrap("mistral", client, options)

    def _wrap(self, module: str, client: Any, options: dict[str, Any]) -> Any:
        return import_module(f"spaturzu.{module}").wrap(client, options, self)

    def flush(self, timeout_s: float | None = None) -> bool:
        """Wait until every record of a call has left, at most `timeout_s`. False where some have not.

        Without a timeout: until the gateway has them, or the retries are used up.
        """
        return self.metering.flush(timeout_s)

    def shutdown(self) -> bool:
        """`flush`, then let go of everything. True if all records left; what did not stays on disk."""
        return self.metering.close()

    def stats(self) -> Stats:
        """What became of the records of calls so far."""
        return self.metering.stats()


class _Default:
    """The instance behind the module-level functions, made when first needed."""

    instance: Spaturzu | None = None


def configure(*, chains: Mapping[str, ChainOptions] | None = None, **options: Any) -> None:
    """Options for the whole process, those of `Spaturzu`: call it once, before the first drop-in client.

    `chains`: options by name. Raises ConfigError where the default instance exists already, or the options cannot work.
    """
    with _DEFAULT_LOCK:
        if _Default.instance is not None:
            raise ConfigError("spaturzu: configure() comes too late; call it before the first drop-in client is made")
        unknown = options.keys() - inspect.signature(Spaturzu).parameters.keys()
        if unknown:
            raise ConfigError(f"spaturzu: configure() knows no {', '.join(sorted(unknown))}")
        _Default.instance = Spaturzu(**options)
        if chains:
            import_module("spaturzu.chains").configure_chains(chains)


def get_default_spaturzu() -> Spaturzu:
    """The instance that drop-ins and module-level functions use."""
    with _DEFAULT_LOCK:
        if _Default.instance is None:
            _Default.instance = Spaturzu()
        return _Default.instance


def flush(timeout_s: float | None = None) -> bool:
    """Wait until every queued record has left; True if all did."""
    instance = _Default.instance
    return True if instance is None else instance.flush(timeout_s)


def shutdown() -> bool:
    """`flush`, then let go of everything; `configure` may be called anew."""
    with _DEFAULT_LOCK:
        instance, _Default.instance = _Default.instance, None
    if chains := sys.modules.get("spaturzu.chains"):
        chains.forget_chains()
    return True if instance is None else instance.shutdown()
