"""`spaturzu demo` shows what it says, and notices what is wrong."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from importlib.util import find_spec

import pytest

from spaturzu.demo import PACKAGES, advice_on_missing_sdks
from spaturzu_translators.directions import DIRECTIONS

click_testing = pytest.importorskip("click.testing")
pytest.importorskip("rich")
if advice_on_missing_sdks():
    pytest.skip("the demo needs all five SDKs", allow_module_level=True)

from spaturzu.cli.commands import cli  # noqa: E402
from spaturzu.demo.grid import MODES, Grid, Mode  # noqa: E402
from spaturzu.sandbox import Sandbox  # noqa: E402


def run(*arguments: str):
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        return click_testing.CliRunner().invoke(cli, ["demo", *arguments], catch_exceptions=False)


@pytest.mark.slow
def test_the_demo_tells_its_story_and_shows_all_directions():
    result = run()
    assert result.exit_code == 0, result.output
    assert all(str(direction) in result.output for direction in DIRECTIONS)
    story = (
        "503 (overloaded)",
        "openai.ChatCompletion",
        "stream_truncated",
        "openai.RateLimitError",
        "spaturzu tried:",
    )
    assert [words for words in story if words not in result.output] == []
    assert f"{len(DIRECTIONS) * len(MODES)} calls, all ok" in result.output


@pytest.mark.slow
def test_a_fallback_that_says_something_else_fails_its_cells_and_the_command():
    result = run("--json", "--sabotage", "mistral")
    cells = json.loads(result.output)
    assert result.exit_code == 1
    assert len(cells) == len(DIRECTIONS) * len(MODES)
    assert {cell["target"] for cell in cells if not cell["ok"]} == {"mistral"}
    assert {cell["mode"] for cell in cells if not cell["ok"]} == {str(m) for m in MODES if m.kind != "tool call"}


def test_a_call_that_raises_is_a_failed_cell_with_the_note_of_its_hops():
    with Sandbox() as sandbox, Grid(sandbox) as grid:
        sandbox.anthropic.close()
        cell = grid.cell(DIRECTIONS[0], Mode("plain", as_async=False))
    assert not cell.ok
    assert "InternalServerError" in cell.wrong[0]
    assert "anthropic" in cell.wrong[1]


def test_the_demo_is_not_led_astray_by_the_shell(monkeypatch: pytest.MonkeyPatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "OPENAI_BASE_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_PROFILE", "a-profile-that-nobody-has")
    from spaturzu.demo.environment import untouched_by_the_shell

    with untouched_by_the_shell(), Sandbox() as sandbox, Grid(sandbox) as grid:
        wanted = [grid.cell(direction, Mode("plain", as_async=False)) for direction in DIRECTIONS[::5]]
    assert [cell.wrong for cell in wanted if not cell.ok] == []


def test_missing_sdks_are_named_with_what_installs_them(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(PACKAGES, "no_such_sdk", "some-sdk")
    monkeypatch.setitem(PACKAGES, "no_such_parent.child", "other-sdk")
    result = run()
    assert result.exit_code == 2
    assert "some-sdk, other-sdk" in result.stderr
    assert "pip install 'spaturzu[all]'" in result.stderr


def test_the_command_line_says_what_it_needs():
    """An interpreter that finds neither click nor rich."""
    hide = (
        "import importlib.util as util, sys; find = util.find_spec;"
        "util.find_spec = lambda name, *rest: None if name in ('click', 'rich') else find(name, *rest);"
        "from spaturzu.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", hide], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "spaturzu: the command line needs click and rich: pip install 'spaturzu[cli]'\n"
    assert find_spec("click") is not None


def test_the_version_is_the_packages():
    import spaturzu

    result = click_testing.CliRunner().invoke(cli, ["--version"])
    assert result.output == f"spaturzu {spaturzu.__version__}\n"
