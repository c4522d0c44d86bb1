"""`spaturzu doctor` says what is wrong and what to do, and never a key."""

from __future__ import annotations

import json
import threading
import tomllib
from collections.abc import Iterator
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from spaturzu.cli.commands import cli
from spaturzu.cli.doctor.findings import numbers
from spaturzu.cli.doctor.installed import TESTED, Supported, judged
from spaturzu.ledger.store import Store

from ..ledger.records import record

ROOT = Path(__file__).parent.parent.parent
SECRET = "spa_very-secret"


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A user without a ledger, a gateway, or any tokenizer data."""
    monkeypatch.setenv("SPATURZU_DB", str(tmp_path / "data" / "ledger.sqlite3"))
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path / "tiktoken"))
    for name in ("SPATURZU_BASE_URL", "SPATURZU_API_KEY", "SPATURZU_OTEL"):
        monkeypatch.delenv(name, raising=False)


class Health(BaseHTTPRequestHandler):
    """A gateway's `/healthz`. The server's `status` and `ahead_s` say what it answers, and by which clock."""

    def do_GET(self) -> None:
        self.send_response_only(self.server.status if self.path == "/healthz" else 404)  # type: ignore[attr-defined]
        self.send_header("date", formatdate(self.server.at, usegmt=True))  # type: ignore[attr-defined]
        self.end_headers()

    def log_message(self, *said: Any) -> None:
        """Silent."""


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[ThreadingHTTPServer]:
    """A gateway that the environment names."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Health) as server:
        server.status, server.at = 200, None  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        monkeypatch.setenv("SPATURZU_BASE_URL", f"http://127.0.0.1:{server.server_port}/")
        monkeypatch.setenv("SPATURZU_API_KEY", SECRET)
        yield server
        server.shutdown()


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["doctor", *arguments])


def found(*arguments: str) -> dict[str, tuple[str, str]]:
    """The state and the sentence of each subject."""
    return {each["subject"]: (each["state"], each["said"]) for each in json.loads(run("--json", *arguments).stdout)}


def test_a_healthy_place_has_no_problem_and_nothing_is_made(tmp_path: Path):
    result = run()
    assert result.exit_code == 0, result.output
    assert "PROBLEM" not in result.stdout
    state, said = found()["ledger"]
    assert (state, said.endswith("is made by the first call that is recorded")) == ("note", True)
    assert list(tmp_path.iterdir()) == []


def test_the_ledger_is_named_with_what_it_holds(tmp_path: Path):
    ledger = Store(tmp_path / "data" / "ledger.sqlite3")
    ledger.insert([record(), record(started_at=99_999_999_999.0)])
    ledger.spool([record()], "a gateway")
    answer = found()
    assert answer["ledger"] == ("warning", "its latest call lies in the future: was the clock ahead?")
    assert answer["spool"] == ("note", "1 records wait for a gateway")
    assert f"{ledger.path}, writable, 2 hops" in run().stdout.replace("\n", "")


def test_a_ledger_that_cannot_be_used_is_a_problem(tmp_path: Path):
    broken = tmp_path / "broken"
    broken.write_text("no database" * 100)
    result = run("--db", str(broken))
    assert result.exit_code == 1
    assert "is not a SQLite file; move it away" in result.stdout
    assert found("--db", str(broken / "below"))["ledger"][0] == "problem"


def test_a_damaged_ledger_is_a_problem(tmp_path: Path):
    ledger = Store(tmp_path / "ledger.sqlite3")
    ledger.insert([record() for _ in range(500)])
    ledger.close()
    with ledger.path.open("r+b") as file:
        file.seek(8192)
        file.write(b"\xff" * 16384)
    state, said = found("--db", str(ledger.path))["ledger"]
    assert (state, "is damaged" in said) == ("problem", True)


def test_a_gateway_that_answers_is_fine_and_its_key_is_not_shown(gateway: ThreadingHTTPServer):
    result = run()
    assert result.exit_code == 0, result.output
    assert found()["gateway"] == ("ok", "127.0.0.1 answers; SPATURZU_API_KEY is set")
    assert SECRET not in result.stdout + result.stderr


def test_a_gateway_that_refuses_is_a_problem(gateway: ThreadingHTTPServer):
    gateway.status = 503  # type: ignore[attr-defined]
    assert run().exit_code == 1
    assert found()["gateway"][1] == "127.0.0.1 answers 503 to GET /healthz; is SPATURZU_BASE_URL right?"


@pytest.mark.parametrize(
    ("url", "told"), [("http://127.0.0.1:1", "cannot be reached"), ("no url", "it begins with https:// or http://")]
)
def test_a_gateway_that_is_not_there_is_a_problem(monkeypatch: pytest.MonkeyPatch, url: str, told: str):
    monkeypatch.setenv("SPATURZU_BASE_URL", url)
    state, said = found()["gateway"]
    assert (state, told in said) == ("problem", True)


def test_a_clock_that_differs_from_the_gateways_is_a_warning(gateway: ThreadingHTTPServer):
    gateway.at = 1_000_000_000.0  # type: ignore[attr-defined]
    state, said = found()["clock"]
    assert (state, said.endswith("s ahead of the gateway's")) == ("warning", True)


def test_missing_tokenizer_data_is_a_warning_that_names_the_remedy():
    pytest.importorskip("tiktoken")
    state, said = found()["tokenizer"]
    assert (state, said.endswith("spaturzu doctor --fetch-tokenizer")) == ("warning", True)


@pytest.mark.parametrize(
    ("version", "state"),
    [("1.9", "problem"), ("2.0", "ok"), ("3.54.0", "ok"), ("3.54.1", "warning"), ("10.0", "warning")],
)
def test_an_sdks_version_is_judged_by_what_was_tested(version: str, state: str):
    assert judged("openai", Supported("openai", "2.0", "3.54.0"), version).state == state


def test_versions_compare_as_numbers():
    assert numbers("3.9.1") < numbers("3.10.0rc2") < numbers("3.11.dev0+local.7")


def test_the_tested_versions_are_those_of_the_project():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    pins = dict(line.partition(" ;")[0].split("==") for line in lines)
    for name, tested in TESTED.items():
        assert extras[tested.extra] == [f"{name}>={tested.oldest}"]
        assert pins[name] == tested.newest
