"""The sandbox in a process of its own, so that the servers' work is not on the callers' bill."""

from __future__ import annotations

from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from spaturzu.sandbox import Sandbox, Step
from spaturzu_translators.messages import PROVIDERS, Provider


class Servers:
    """`with Servers() as servers:`. Quacks like a Sandbox as far as `sandbox.clients` asks: `url(provider)`."""

    def __init__(self) -> None:
        context = get_context("spawn")
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self._urls: dict[Provider, str] = {}

    def __enter__(self) -> Servers:
        self._process.start()
        self._urls = self._ours.recv()
        return self

    def __exit__(self, *_: object) -> None:
        self._ours.send(None)
        self._process.join()

    def url(self, provider: Provider) -> str:
        """The base URL to hand to the SDK."""
        return self._urls[provider]

    def reply(self, provider: Provider, step: Step) -> None:
        """What `provider` answers from now on."""
        self._ours.send((provider, step))
        self._ours.recv()


def _serve(commands: Connection) -> None:
    with Sandbox(record=False) as sandbox:
        commands.send({provider: sandbox.url(provider) for provider in PROVIDERS})
        command: Any
        while (command := commands.recv()) is not None:
            provider, step = command
            sandbox.wires[provider].reply(step)
            commands.send(None)
