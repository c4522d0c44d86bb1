"""Servers between a sender and its gateway, and gateways that speak TLS."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Generator
from contextlib import closing, contextmanager
from pathlib import Path

CERTIFICATE = Path(__file__).with_name("localhost.pem")
"""Of `localhost`, self-signed, with its key: made with openssl for these tests on 2026-11-25, good for 100 years."""


@contextmanager
def listening(serve: Callable[[socket.socket], None], host: str = "127.0.0.1") -> Generator[int]:
    """A port whose connections are served in a thread each."""
    with socket.create_server((host, 0), family=socket.AF_INET6 if ":" in host else socket.AF_INET) as door:
        threading.Thread(target=_accept, args=(door, serve), daemon=True).start()
        try:
            yield door.getsockname()[1]
        finally:
            door.shutdown(socket.SHUT_RDWR)


def _accept(door: socket.socket, serve: Callable[[socket.socket], None]) -> None:
    while True:
        try:
            client, _ = door.accept()
        except OSError:
            return
        threading.Thread(target=serve, args=(client,), daemon=True).start()


def passing_on(port: int, *, tls: bool = False) -> Callable[[socket.socket], None]:
    """Serve a connection as `port` does; with `tls`, to those who speak it."""

    def serve(client: socket.socket) -> None:
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(CERTIFICATE)
            try:
                client = context.wrap_socket(client, server_side=True)
            except OSError:
                return
        with closing(client), socket.create_connection(("127.0.0.1", port)) as gateway:
            threading.Thread(target=_pump, args=(client, gateway), daemon=True).start()
            _pump(gateway, client)

    return serve


def tunneling(asked: list[bytes], refuse: bytes = b"") -> Callable[[socket.socket], None]:
    """A proxy that opens a tunnel to whatever port of this machine it is asked for. `asked` gets what it was told."""

    def serve(client: socket.socket) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            head += client.recv(1)
        asked.append(head)
        client.sendall(refuse or b"HTTP/1.1 200 Connection established\r\nvia: 1.1 test\r\n\r\n")
        if refuse:
            client.close()
            return
        port = int(head.split(b" ")[1].rpartition(b":")[2])
        passing_on(port)(client)

    return serve


def _pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return
