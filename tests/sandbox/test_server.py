"""The server itself: connections, records, other paths, its end."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import anthropic
import httpx2
import openai
import pytest

from spaturzu import sandbox as package
from spaturzu.sandbox import Held, Reply, Sandbox, Silence, ToolCall, clients
from spaturzu.sandbox.server import _bound  # pyright: ignore[reportPrivateUsage]
from spaturzu_translators.messages import PROVIDERS, Provider
from tests.waiting import PATIENCE_S, soon

from .talk import USER

CHAT = {"model": "m", "messages": USER}


def chat_url(sandbox: Sandbox) -> str:
    return f"{sandbox.url('openai')}/chat/completions"


@contextlib.contextmanager
def connected(sandbox: Sandbox) -> Iterator[socket.socket]:
    port = int(sandbox.url("openai").split(":")[2].split("/")[0])
    with socket.create_connection(("127.0.0.1", port), timeout=5) as client:
        yield client


def test_a_connection_serves_many_requests(sandbox: Sandbox) -> None:
    ports: set[int] = set()
    with httpx2.Client() as client:
        for stream in (False, True, False, True):
            with client.stream("POST", chat_url(sandbox), json={**CHAT, "stream": stream}) as response:
                ports.add(response.extensions["network_stream"].get_extra_info("client_addr")[1])
                response.read()
    assert len(ports) == 1


def test_requests_may_be_pipelined_and_chunked(sandbox: Sandbox) -> None:
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\n"
    sized = head + b'Content-Length: 13\r\n\r\n{"model":"a"}'
    chunked = head + b'Transfer-Encoding: chunked\r\n\r\n9\r\n{"model":\r\n4;x=y\r\n"b"}\r\n0\r\nTrailer: t\r\n\r\n'
    last = head + b'Content-Length: 13\r\nConnection: close\r\n\r\n{"model":"c"}'
    with connected(sandbox) as client:
        client.sendall(sized + chunked + last)
        answer = b"".join(iter(lambda: client.recv(65536), b""))
    assert answer.count(b"HTTP/1.1 200 OK") == 3
    assert [request.body for request in sandbox.openai.requests] == [{"model": "a"}, {"model": "b"}, {"model": "c"}]


@pytest.mark.parametrize(
    "garbage", [b"\x16\x03\x01\r\n\r\n", b"GET\r\n\r\n", b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n"]
)
def test_what_is_not_http_is_hung_up_on(sandbox: Sandbox, garbage: bytes) -> None:
    with connected(sandbox) as client:
        client.sendall(garbage)
        assert client.recv(100) == b""
    assert sandbox.openai.requests == []


def test_expect_continue_is_answered(sandbox: Sandbox) -> None:
    with connected(sandbox) as client:
        client.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert client.recv(100).startswith(b"HTTP/1.1 100")
        client.sendall(b"{}")
        assert client.recv(100).startswith(b"HTTP/1.1 200")


def test_every_request_is_on_record(sandbox: Sandbox) -> None:
    clients.openai(sandbox).chat.completions.create(model="m", messages=USER, temperature=0)
    (request,) = sandbox.openai.requests
    assert (request.method, request.path) == ("POST", "/v1/chat/completions")
    assert request.headers["authorization"] == f"Bearer {clients.KEY}"
    assert request.body == {"model": "m", "messages": USER, "temperature": 0}
    assert request.time <= time.monotonic()
    sandbox.reset()
    assert sandbox.openai.requests == []


def test_nothing_is_on_record_when_that_is_switched_off() -> None:
    with Sandbox(record=False) as sandbox:
        clients.openai(sandbox).chat.completions.create(model="m", messages=USER)
        assert sandbox.openai.requests == []


@pytest.mark.parametrize("provider", PROVIDERS)
def test_an_unknown_path_is_a_404_in_the_providers_shape(sandbox: Sandbox, provider: Provider) -> None:
    answer = httpx2.get(f"{sandbox.url(provider)}/nothing/here")
    assert answer.status_code == 404
    body = answer.json()
    assert "does not serve" in (body if provider in ("bedrock", "mistral") else body["error"])["message"]
    assert ("x-amzn-errortype" in answer.headers) == (provider == "bedrock")


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("body", [b"{", b"[]", b"null"])
def test_a_body_that_is_no_object_is_a_400(sandbox: Sandbox, provider: Provider, body: bytes) -> None:
    assert httpx2.post(f"{sandbox.url(provider)}/v1/messages", content=body).status_code == 400


def test_openais_models_and_embeddings_answer_whatever_the_script_says(sandbox: Sandbox) -> None:
    sandbox.openai.script(Silence())
    client = clients.openai(sandbox)
    assert client.models.retrieve("gpt-x").id == "gpt-x"
    assert len(client.models.list().data) == 2
    assert len(client.embeddings.create(model="e", input=["a", "b"]).data) == 2
    assert len(client.embeddings.create(model="e", input="a").data) == 1
    with pytest.raises(openai.NotFoundError):
        client.files.list()


def test_token_counts_and_model_lists_of_the_others(sandbox: Sandbox) -> None:
    client = clients.anthropic(sandbox)
    assert client.messages.count_tokens(model="m", messages=USER).input_tokens == 12
    assert client.models.list().data[0].type == "model"
    with pytest.raises(anthropic.NotFoundError):
        client.beta.files.list()
    gemini = clients.gemini(sandbox)
    assert gemini.models.count_tokens(model="m", contents="x").total_tokens == 12
    assert clients.mistral(sandbox).models.list().data[0].id == "mistral-large-latest"


def test_many_callers_are_answered_at_once(sandbox: Sandbox) -> None:
    """Each waits until all are there."""
    sandbox.openai.reply(Held(Reply(), lambda: len(sandbox.openai.requests) == 20))
    with ThreadPoolExecutor(20) as pool, httpx2.Client(timeout=PATIENCE_S) as client:
        answers = list(pool.map(lambda _: client.post(chat_url(sandbox), json=CHAT), range(20)))
    assert len({answer.json()["id"] for answer in answers}) == len(sandbox.openai.requests) == 20


def test_each_step_of_a_script_answers_one_of_many_callers(sandbox: Sandbox) -> None:
    sandbox.openai.script(*(Reply(str(number)) for number in range(20)))
    with ThreadPoolExecutor(8) as pool, httpx2.Client() as client:
        answers = list(pool.map(lambda _: client.post(chat_url(sandbox), json=CHAT).json(), range(24)))
    texts = sorted(answer["choices"][0]["message"]["content"] for answer in answers)
    assert texts == sorted([*map(str, range(20)), *["Hello"] * 4])


def test_a_reply_is_rendered_for_the_model_that_was_asked_for(sandbox: Sandbox) -> None:
    client = clients.openai(sandbox)
    models = [client.chat.completions.create(model=name, messages=USER).model for name in ("a", "b", "a")]
    assert models == ["a", "b", "a"]


def test_a_caller_that_goes_away_does_no_harm(sandbox: Sandbox) -> None:
    sandbox.openai.script(Reply("x" * 50, chunks=50, chunk_delay_s=0.01))
    with httpx2.stream("POST", chat_url(sandbox), json={**CHAT, "stream": True}) as response:
        next(response.iter_bytes())
    assert httpx2.post(chat_url(sandbox), json=CHAT).status_code == 200


def test_closing_ends_waiting_answers_and_threads() -> None:
    before = set(threading.enumerate())  # other tests' sandboxes may be open
    with Sandbox() as sandbox:
        sandbox.openai.reply(Silence(600))
        with ThreadPoolExecutor(1) as pool, httpx2.Client(timeout=4 * PATIENCE_S) as client:
            waiting = pool.submit(client.post, chat_url(sandbox), json=CHAT)
            assert soon(lambda: sandbox.openai.requests)
            sandbox.close()
            with pytest.raises(httpx2.RemoteProtocolError):
                waiting.result(PATIENCE_S)
    assert soon(lambda: not servers_since(before))


def servers_since(before: set[threading.Thread]) -> list[threading.Thread]:
    """The sandbox's threads that run now and did not before."""
    return [thread for thread in set(threading.enumerate()) - before if thread.name.startswith("sandbox-")]


def test_a_url_is_only_known_while_the_sandbox_runs() -> None:
    sandbox = Sandbox()
    with pytest.raises(RuntimeError, match="not running"):
        sandbox.url("openai")
    with sandbox:
        assert sandbox.url("openai").endswith("/v1")
        assert len({sandbox.url(provider) for provider in PROVIDERS}) == 5


def printed(script: str) -> str:
    """What a fresh interpreter prints."""
    path = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=path)
    return done.stdout.strip()


def test_serving_needs_no_sdk_and_no_http_library() -> None:
    script = """
import sys
from spaturzu.sandbox import Sandbox
with Sandbox():
    pass
foreign = {"openai", "anthropic", "google", "mistralai", "boto3", "httpx", "httpx2"}
print({name.partition(".")[0] for name in sys.modules} & foreign)
"""
    assert printed(script) == "set()"


def test_loading_the_plugin_loads_no_server() -> None:
    script = """
import sys
import spaturzu.sandbox.pytest_plugin
print([name for name in sys.modules if name.startswith("spaturzu.sandbox.")])
"""
    assert printed(script) == "['spaturzu.sandbox.pytest_plugin']"


def test_every_public_name_loads() -> None:
    assert all(getattr(package, name) is not None for name in package.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = package.nothing


def test_tool_calls_are_rendered_anew_for_each_request(sandbox: Sandbox) -> None:
    sandbox.openai.reply(Reply(tool_calls=(ToolCall(name="f"), ToolCall(name="g", id="mine"))))
    first, second = (httpx2.post(chat_url(sandbox), json=CHAT).json() for _ in range(2))
    ids = [[call["id"] for call in answer["choices"][0]["message"]["tool_calls"]] for answer in (first, second)]
    assert ids[0][0] != ids[1][0]
    assert ids[0][1] == ids[1][1] == "mine"


def test_a_port_that_somebody_took_while_it_was_shut_is_waited_for() -> None:
    other = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    other.bind(("127.0.0.1", 0))
    threading.Timer(0.3, other.close).start()
    door = _bound(other.getsockname()[1])  # as `refuse` has it, once it has closed the port
    door.close()
