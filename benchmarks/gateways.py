"""The gateway's double in a process of its own: its work is not on the bill of those who send to it."""

from __future__ import annotations

from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

from spaturzu.sandbox.logs import Answer, LogGateway


class GatewayProcess:
    """`with GatewayProcess() as gateway:`; `url`, and what `LogGateway` can do, by name."""

    def __init__(self) -> None:
        context = get_context("spawn")
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self.url = ""

    def __enter__(self) -> GatewayProcess:
        self._process.start()
        self.url = self._ours.recv()
        return self

    def __exit__(self, *_: object) -> None:
        self._ours.send(("stop",))
        self._process.join()

    def tell(self, *command: Any) -> Any:
        """`down`, `up`, `forget`, `ids`, `batches` with True or False, or `delay` with seconds."""
        self._ours.send(command)
        return self._ours.recv()


def _serve(commands: Connection) -> None:
    with LogGateway(record=False) as gateway:
        commands.send(gateway.url)
        while (command := commands.recv())[0] != "stop":
            commands.send(_do(gateway, *command))


def _do(gateway: LogGateway, command: str, *given: Any) -> Any:
    match command:
        case "down":
            gateway.down()
        case "up":
            gateway.up()
        case "forget":
            gateway.entries.clear()
            gateway.seen.clear()
        case "delay":
            gateway.answer = Answer(delay_s=given[0])
        case "batches":
            gateway.batches = given[0]
        case "ids":
            return {id_: (entry.get("status"), gateway.seen[id_]) for id_, entry in gateway.entries.items()}
        case _:
            raise ValueError(f"the gateway knows no {command}")
    return None
