"""The five providers' servers together."""

from __future__ import annotations

from types import TracebackType

from spaturzu_translators.messages import PROVIDERS, Provider

from .ids import serials
from .wire import Wire


class Sandbox:
    """Local servers, one port per provider, that answer as their `Wire` is told to.

    with Sandbox() as sandbox:
        sandbox.anthropic.script(Failing("overloaded"), Reply("Hi"))
        client = anthropic.Anthropic(base_url=sandbox.url("anthropic"), api_key="any")

    `record=False` keeps no requests, for benchmarks. Servers are threads of this process and end with the block.
    """

    def __init__(self, *, record: bool = True) -> None:
        shared = serials()
        self.wires: dict[Provider, Wire] = {name: Wire(name, shared, record=record) for name in PROVIDERS}

    @property
    def openai(self) -> Wire:
        """OpenAI's server: chat completions, models, embeddings."""
        return self.wires["openai"]

    @property
    def anthropic(self) -> Wire:
        """Anthropic's server: messages, token counts, models."""
        return self.wires["anthropic"]

    @property
    def bedrock(self) -> Wire:
        """Bedrock's runtime: Converse, ConverseStream, CountTokens."""
        return self.wires["bedrock"]

    @property
    def gemini(self) -> Wire:
        """Gemini's server: generateContent, streamGenerateContent, countTokens."""
        return self.wires["gemini"]

    @property
    def mistral(self) -> Wire:
        """Mistral's server: chat completions, models."""
        return self.wires["mistral"]

    def url(self, provider: Provider) -> str:
        """The base URL to hand to the SDK: `base_url`, Bedrock's `endpoint_url`, Mistral's `server_url`."""
        return self.wires[provider].url

    def reset(self) -> None:
        """Forget every script and recorded request."""
        for wire in self.wires.values():
            wire.reset()

    def start(self) -> Sandbox:
        """Listen. Who does not use `with` calls `close` at the end."""
        for wire in self.wires.values():
            wire.start()
        return self

    def close(self) -> None:
        """End every connection and give the ports back."""
        for wire in self.wires.values():
            wire.close()

    def __enter__(self) -> Sandbox:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
