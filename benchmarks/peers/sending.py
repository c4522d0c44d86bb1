"""One entry a request to a gateway of the published protocol, over a library's client or over our own connections.

    python sending.py http.client|urllib3|httpx2|ours GATEWAY_URL COUNT

Prints what it costs: the process's CPU, and how many a second. Entries are made beforehand: only HTTP is on the bill.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from spaturzu.ledger.line import Line
from spaturzu.ledger.post import QUICK_CONNECTIONS, TOGETHER

PATH, HEADERS = "/v1/logs", {"content-type": "application/json", "x-spaturzu-key": "k"}
IN_FLIGHT = 50


def by_http_client(url: str, bodies: Sequence[bytes]) -> None:
    """On one connection, one after the other."""
    from http.client import HTTPConnection

    connection = HTTPConnection(urlsplit(url).netloc)
    for body in bodies:
        connection.request("POST", PATH, body, HEADERS)
        answer = connection.getresponse()
        assert answer.status < 300, answer.status
        answer.read()


def by_urllib3(url: str, bodies: Sequence[bytes]) -> None:
    """The same."""
    from urllib3 import HTTPConnectionPool

    parts = urlsplit(url)
    pool = HTTPConnectionPool(str(parts.hostname), parts.port)
    for body in bodies:
        assert pool.request("POST", PATH, body=body, headers=HEADERS).status < 300


def by_httpx2(url: str, bodies: Sequence[bytes]) -> None:
    """As many in flight as the published client has."""
    from httpx2 import AsyncClient

    async def send() -> None:
        rest = iter(bodies)
        async with AsyncClient(base_url=url, headers=HEADERS) as client:

            async def some() -> None:
                for body in rest:
                    assert (await client.post(PATH, content=body)).status_code < 300

            await asyncio.gather(*(some() for _ in range(IN_FLIGHT)))

    asyncio.run(send())


def by_ours(url: str, bodies: Sequence[bytes]) -> None:
    """As `ledger.post` does it where the gateway is quick."""

    async def send() -> None:
        line = Line(url, 10.0)
        head = line.route.head(PATH, "".join(f"{name}: {value}\r\n" for name, value in HEADERS.items())).encode()
        groups = iter([bodies[at : at + TOGETHER] for at in range(0, len(bodies), TOGETHER)])

        async def some() -> None:
            for group in groups:
                answers, error = await line.ask([b"%b%d\r\n\r\n%b" % (head, len(body), body) for body in group])
                assert error is None
                assert all(answer.status < 300 for answer in answers)

        await asyncio.gather(*(some() for _ in range(QUICK_CONNECTIONS)))
        line.close()

    asyncio.run(send())


WAYS: dict[str, Callable[[str, Sequence[bytes]], None]] = {
    "http.client": by_http_client,
    "urllib3": by_urllib3,
    "httpx2": by_httpx2,
    "ours": by_ours,
}


def main() -> None:
    """COUNT entries, after some to warm up."""
    way, url, count = WAYS[sys.argv[1]], sys.argv[2], int(sys.argv[3])
    bodies = [json.dumps({**ENTRY, "id": f"{sys.argv[1]}-{number}"}).encode() for number in range(count)]
    way(url, bodies[:100])
    started, cpu = time.perf_counter(), time.process_time()
    way(url, bodies)
    took_s, cpu_s = time.perf_counter() - started, time.process_time() - cpu
    print(json.dumps({"cpu_us": cpu_s / count * 1e6, "rate": count / took_s}))


ENTRY = {
    "provider": "openai",
    "model": "gpt-4o",
    "status": 200,
    "latencyMs": 812,
    "promptTokens": 12,
    "completionTokens": 7,
    "usageSource": "provider",
}


if __name__ == "__main__":
    main()
