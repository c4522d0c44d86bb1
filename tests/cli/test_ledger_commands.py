"""`spaturzu report`, `tail` and `runs` over a real file: for people, for programs, and when something is wrong."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from rich.console import Console
from rich.table import Table

from spaturzu.cli.commands import cli
from spaturzu.cli.report import print_fitting
from spaturzu.ledger.store import Store
from spaturzu_translators.responses import Usage

from ..ledger.records import failed, record

Run = Callable[..., Result]

FIRST = failed(
    id="01a1-first",
    call_id="01a1-first",
    run_id="0e1f-run",
    agent_name="planner",
    agent_path=("planner",),
    tags={"team": "search"},
    latency_ms=34,
    attempts=2,
)
SECOND = record(
    id="01a1-second",
    call_id="01a1-first",
    hop=1,
    run_id="0e1f-run",
    agent_name="planner",
    agent_path=("planner",),
    tags={"team": "search"},
    provider="anthropic",
    request_model="claude-haiku-5-5",
    started_at=1_795_000_001.0,
    usage=Usage(input_tokens=1200, output_tokens=30),
    cost_nanodollars=435_000,
    losses=("seed",),
)
THIRD = record(
    id="01a2-third",
    run_id="0e1f-run",
    agent_name="writer",
    agent_path=("planner", "writer"),
    parent_request_id="01a1-first",
    started_at=1_795_000_010.0,
    cost_nanodollars=None,
    usage_source="heuristic",
    outcome="abandoned",
)


@pytest.fixture
def db(tmp_path: Path) -> Path:
    """A ledger that holds one run: a call that fell back, and one of a sub-agent whose price is not known."""
    path = tmp_path / "ledger.sqlite3"
    Store(path).insert([FIRST, SECOND, THIRD])
    return path


@pytest.fixture
def run(db: Path) -> Run:
    """A command on it."""
    return lambda *arguments: CliRunner().invoke(cli, [*arguments, "--db", str(db)])


def rows(printed: str) -> list[list[str]]:
    """The words of each line that is part of a table."""
    return [line.split() for line in printed.splitlines() if line.startswith("  ") and line.strip()]


def test_a_report_is_a_table_with_a_total(run: Run):
    result = run("report")
    assert result.exit_code == 0, result.output
    assert rows(result.stdout) == [
        ["agent", "calls", "hops", "failed", "input", "tokens", "output", "tokens", "cost"],
        ["planner", "1", "2", "1", "1,200", "30", "$0.000435"],
        ["writer", "1", "1", "0", "100", "20", "unknown"],
        ["total", "2", "3", "1", "1,300", "50", "$0.000435", "+", "1", "unpriced"],
    ]
    assert "The price of 1 of 3 hops is not known: they are in no sum." in result.stdout
    assert "The tokens of 1 hop are estimates" in result.stdout


def test_a_report_for_programs_is_exact(run: Run, db: Path):
    answer = json.loads(run("report", "--by", "model", "--json").stdout)
    assert answer["ledger"] == str(db)
    assert answer["by"] == "model"
    by_model = {group["key"]: group for group in answer["groups"]}
    assert by_model["claude-haiku-5-5"] == {
        "key": "claude-haiku-5-5",
        "calls": 0,
        "hops": 1,
        "failed": 0,
        "input_tokens": 1200,
        "output_tokens": 30,
        "cache_read_tokens": 0,
        "estimated": 0,
        "assumed": 0,
        "unpriced": 0,
        "cost_nanodollars": 435_000,
        "cost_dollars": "0.000435000",
    }
    assert by_model["gpt-6-astra"]["cost_dollars"] is None
    assert answer["total"]["unpriced"] == 1


def test_a_report_as_csv_has_a_line_for_each_group(run: Run):
    printed = run("report", "--by", "tag:team", "--csv").stdout
    lines = list(csv.DictReader(io.StringIO(printed)))
    assert [(line["tag:team"], line["cost_dollars"], line["unpriced"]) for line in lines] == [
        ("search", "0.000435000", "0"),
        ("", "", "1"),
    ]


def test_a_report_can_be_narrowed(run: Run):
    answer = json.loads(run("report", "--where", "agent=writer", "--since", "2026-11-01", "--json").stdout)
    assert [group["key"] for group in answer["groups"]] == ["writer"]
    assert json.loads(run("report", "--until", "2026-11-01", "--json").stdout)["groups"] == []


def test_a_table_is_cut_and_says_so(run: Run):
    assert "1 more: --limit N shows them." in run("report", "--limit", "1").stdout


def test_groups_that_overlap_say_so(run: Run):
    assert "A call counts under each of its tags" in run("report", "--by", "tag").stdout


def test_nothing_to_report_is_a_sentence(run: Run):
    result = run("report", "--since", "2030-01-01")
    assert (result.exit_code, "No recorded call fits." in result.stdout) == (0, True)


@pytest.mark.parametrize("arguments", [("report",), ("runs", "list"), ("runs", "show", "x"), ("tail", "--once")])
def test_a_ledger_that_is_not_there_is_said_with_what_makes_it(tmp_path: Path, arguments: tuple[str, ...]):
    result = CliRunner().invoke(cli, [*arguments, "--db", str(tmp_path / "none")])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "there is no ledger at" in result.stderr
    assert "the first call that is recorded makes it" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("report", "--by", "colour"), "spending is not kept by 'colour'; choose agent, run,"),
        (("report", "--where", "agent"), "'agent' is no condition"),
        (("report", "--since", "soon"), "'soon' is no time; write 90m, 24h, 7d, 2026-11-25"),
        (("runs", "show", "zz"), "no run and no call has an id like 'zz'; `spaturzu runs list` shows the latest"),
    ],
)
def test_what_cannot_be_asked_is_said_in_a_sentence(run: Run, arguments: tuple[str, ...], said: str):
    result = run(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


def test_a_run_is_drawn_with_every_hop_its_losses_and_its_cost(run: Run):
    result = run("runs", "show", "0e1")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [
        "run 0e1f-run · 2026-11-18 11:06:40Z · 10.8 s · 2 calls · $0.000435 + 1 unpriced",
        "└── planner · 2 calls · $0.000435 + 1 unpriced",
        "    ├── openai/gpt-6-astra · $0.000435  01a1-first",
        "    │   ├── openai/gpt-6-astra failed: overloaded 503 · 34 ms · 2 attempts",
        "    │   └── anthropic/claude-haiku-5-5 served · 800 ms · 1,200 in, 30 out · $0.000435 · lost seed",
        "    └── writer · 1 call · unknown",
        "        └── openai/gpt-6-astra abandoned · 800 ms · ~100 in, ~20 out · unknown  01a2-third",
    ]


def test_what_a_price_leaves_out_and_calls_without_a_model_are_said(tmp_path: Path):
    said = "genai-prices 0.2.3; no price for service_tier=scale, standard rates"
    passed = {
        "operation": "unmetered",
        "request_model": "",
        "usage": None,
        "usage_source": None,
        "cost_nanodollars": None,
    }
    db = tmp_path / "ledger.sqlite3"
    Store(db).insert([record(run_id="a-run", price_source=said), record(run_id="a-run", **passed)])
    run = partial(CliRunner().invoke, cli)
    drawn = run(["runs", "show", "a-run", "--db", str(db)]).stdout
    assert "(no price for service_tier=scale, standard rates)" in drawn
    assert "openai passed through served" in drawn
    report = run(["report", "--by", "model", "--db", str(db)]).stdout
    assert "The price of 1 hop is not all of it, or another's" in report
    assert "  (none) " in report


def test_a_run_for_programs_nests_likewise(run: Run):
    answer = json.loads(run("runs", "show", "0e1f-run", "--json").stdout)
    assert (answer["run_id"], answer["cost_nanodollars"], answer["unpriced"]) == ("0e1f-run", 435_000, 1)
    planner = answer["items"][0]
    assert planner["agent_path"] == ["planner"]
    call, writer = planner["items"]
    assert [hop["outcome"] for hop in call["hops"]] == ["failed", "served"]
    assert call["hops"][1]["usage"]["input_tokens"] == 1200
    assert writer["items"][0]["cost_dollars"] is None


def test_runs_are_listed(run: Run, tmp_path: Path):
    result = run("runs", "list")
    assert result.exit_code == 0, result.output
    assert rows(result.stdout)[1][:4] == ["0e1f-run", "2026-11-18", "11:06:40Z", "planner"]
    assert json.loads(run("runs", "list", "--json").stdout)[0]["calls"] == 2
    assert "No run is recorded." in run("runs", "list", "--since", "2030-01-01").stdout


def test_tail_shows_the_last_hops(run: Run):
    result = run("tail", "--once", "-n", "2")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [
        "2026-11-18 11:06:41Z  + anthropic/claude-haiku-5-5  served  800 ms  1,200 in, 30 out  $0.000435  planner",
        "2026-11-18 11:06:50Z  openai/gpt-6-astra  abandoned  800 ms  ~100 in, ~20 out  unknown  planner/writer",
    ]


def test_with_a_gateway_the_ledger_is_not_all_there_is(run: Run, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SPATURZU_BASE_URL", "https://user:secret@gateway.example")
    result = run("report", "--json")
    assert result.stderr.startswith("spaturzu: calls are recorded at gateway.example;")
    assert json.loads(result.stdout)["total"]["hops"] == 3


def test_old_hops_are_forgotten_on_request(run: Run):
    assert run("ledger", "prune", "--before", "2026-11-18T11:06:41Z").stdout == "1 hops forgotten.\n"
    assert json.loads(run("report", "--json").stdout)["total"]["hops"] == 2


def following(path: Path, *arguments: str) -> subprocess.Popen[str]:
    """`spaturzu tail --json` in a process of its own."""
    command = [sys.executable, "-m", "spaturzu.cli", "tail", "--json", "--db", str(path), *arguments]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=_take_interrupts
    )


def _take_interrupts() -> None:
    """A shell's background jobs, and all that they start, ignore Ctrl-C: the child is not to inherit that."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def next_hop(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    return json.loads(process.stdout.readline())


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="no SIGINT for a child there")
def test_tail_follows_calls_live_and_ends_cleanly(tmp_path: Path):
    path = tmp_path / "ledger.sqlite3"
    process = following(path)
    assert process.stderr is not None
    assert "waiting for the first call" in process.stderr.readline()
    ledger = Store(path)
    ledger.insert([FIRST])
    assert next_hop(process)["id"] == FIRST.id
    ledger.insert([SECOND, THIRD])
    assert [next_hop(process)["cost_nanodollars"] for _ in range(2)] == [435_000, None]
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (0, "", "")


@pytest.mark.slow
def test_tail_ends_when_nobody_reads_it(db: Path):
    with following(db) as process:
        assert next_hop(process)["id"] == FIRST.id
        assert process.stdout is not None
        process.stdout.close()
        Store(db).insert([record()])
        assert process.wait(60) in (0, 1)
        assert process.stderr is not None
        assert "Traceback" not in process.stderr.read()


@pytest.mark.parametrize("columns", [44, 60, 200])
def test_a_narrow_terminal_shows_who_and_how_much_first(columns: int) -> None:
    screen = Console(width=columns, force_terminal=True, record=True, file=io.StringIO())
    table = Table("agent", "calls", "input tokens", "cost")
    table.add_row("an-agent-of-some-length", "1,234,567", "12,345,678", "$0.000047 + 1 unpriced")
    print_fitting(table, ("input tokens", "calls"), screen)
    shown = screen.export_text()
    assert "$0.000047 + 1 unpriced" in shown or columns == 44
    assert "an-agent-of" in shown
    assert ("12,345,678" in shown) == (columns == 200)
