"""The runner: its words, its stamps and its arguments. No environment is made here; CI makes them for real."""

from __future__ import annotations

import ast
import importlib.machinery
import importlib.util
import io
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parent.parent


def load() -> ModuleType:
    """`dev` has no suffix, so the import system needs its loader named."""
    loader = importlib.machinery.SourceFileLoader("dev", str(ROOT / "dev"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("dev", loader))
    loader.exec_module(module)
    return module


dev = load()


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, ROOT / "dev", *arguments], capture_output=True, text=True)


@pytest.fixture
def lane(tmp_path: Path):
    """An environment as an install leaves it, without the install."""
    lane = dev.Lane(tmp_path / "venv", tmp_path / "constraints.txt")
    lane.pins.write_text("openai==3.54.0\n")
    dev.interpreter(lane).parent.mkdir(parents=True)
    dev.interpreter(lane).touch()
    return lane


def test_help_names_every_command():
    answer = run("help")
    assert answer.returncode == 0
    assert set(dev.COMMANDS) == set(re.findall(r"^  (\w+)", answer.stdout, re.M))
    assert run("--help").stdout == run().stdout == answer.stdout


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["tset"], "dev: no command 'tset'; there are demo, test, check, bench, fmt, help"),
        (["test", "--sdk", "ancient"], "argument --sdk: invalid choice: 'ancient'"),
        (["check", "now"], "dev: this command takes no arguments, and got now"),
    ],
)
def test_a_wrong_command_line_gets_one_sentence_and_exit_code_2(arguments: list[str], sentence: str):
    answer = run(*arguments)
    assert (answer.returncode, answer.stdout) == (2, "")
    assert sentence in answer.stderr
    assert "Traceback" not in answer.stderr


def test_a_stamp_of_a_wider_extra_covers_the_narrower_ones(lane):
    assert not dev.is_ready(lane, "demo")
    dev.stamp(lane, "test").write_text(dev.fingerprint(lane))
    assert [extra for extra in ("demo", "test", "dev") if dev.is_ready(lane, extra)] == ["demo", "test"]


def test_new_pins_or_another_python_make_the_stamp_old(lane):
    dev.stamp(lane, "dev").write_text(dev.fingerprint(lane))
    assert dev.fingerprint(lane, python="3.14.0") != dev.fingerprint(lane)
    assert dev.is_ready(lane, "dev")
    lane.pins.write_text("openai==3.55.0\n")
    assert not dev.is_ready(lane, "dev")


def test_an_environment_without_its_interpreter_is_not_ready(lane):
    dev.stamp(lane, "dev").write_text(dev.fingerprint(lane))
    dev.interpreter(lane).unlink()
    assert not dev.is_ready(lane, "dev")


@pytest.mark.parametrize(
    ("lane_name", "arguments", "expected"),
    [
        ("current", [], ["-n", "2"]),
        ("current", ["-k", "house"], ["-n", "2", "-k", "house"]),
        ("current", ["-n4", "-x"], ["-n4", "-x"]),
        ("current", ["--pdb"], ["--pdb"]),
        ("legacy", ["-k", "house"], ["-n", "2", "tests/dropins", "-k", "house"]),
        ("legacy", ["tests/dropins/test_openai.py"], ["-n", "2", "tests/dropins/test_openai.py"]),
    ],
)
def test_pytest_gets_workers_and_the_lanes_folder(lane_name: str, arguments: list[str], expected: list[str]):
    assert dev.pytest_arguments(lane_name, arguments) == ["-m", "pytest", *expected]


def test_the_lane_may_stand_anywhere_between_pytests_arguments():
    assert dev.take_lane(["-x", "--sdk", "legacy", "-k", "a or b"]) == ("legacy", ["-x", "-k", "a or b"])
    assert dev.take_lane(["--sdk=legacy"]) == ("legacy", [])
    assert dev.take_lane(["-k", "a"]) == ("current", ["-k", "a"])


PIP = """Obtaining file:///srv/spaturzu
Collecting openai<4,>=2.0
  Downloading openai-3.54.0-py3-none-any.whl (1.2 MB)
Requirement already satisfied: pip
Building wheels for collected packages: spaturzu
Installing collected packages: certifi, httpx2, openai
"""


def test_pips_output_is_condensed_for_a_log(capsys: pytest.CaptureFixture[str]):
    assert dev.show_progress(io.StringIO(PIP), started=0.0) == PIP.splitlines(keepends=True)
    shown = capsys.readouterr().err
    assert re.findall(r"\d+ s  (.*)", shown) == ["collecting openai", "installing 3 packages"]


def test_every_condensed_line_is_short():
    condensed = [dev.condense(line) for line in PIP.splitlines()]
    assert condensed == [
        *(None, "collecting openai", "downloading openai-3.54.0-py3-none-any.whl", None, None),
        "installing 3 packages",
    ]


def test_a_failed_install_says_what_to_do():
    assert "PIP_INDEX_URL" in dev.explain("NewConnectionError: Failed to establish a new connection")
    assert "mirror that lags" in dev.explain("ERROR: No matching distribution found for openai==9")
    assert "delete it" in dev.explain("Segmentation fault")


def test_old_pythons_can_parse_the_runner():
    ast.parse((ROOT / "dev").read_text(), feature_version=(3, 8))
