"""The documentation holds what it says: its Python and its `spaturzu` commands run against the sandbox.

The blocks of a page share one namespace, in order. The SDKs find the sandbox through their environment variables;
Mistral has none, so pages say `server_url=os.environ["MISTRAL_SERVER_URL"]`. Comments right above a fence say more:

    <!-- sandbox: openai=503 anthropic=429 -->  these providers answer with these errors during the block
    <!-- not run: reason -->                    the block is not run; NOT_RUN below lists it too
    <!-- output -->                             on a ```text fence: what the Python block before it prints, or the one
                                                command of the ```console block before it; `...` is any
    <!-- own process -->                        the page sets what a process can set once: it is tested alone
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import doctest
import inspect
import io
import os
import re
import runpy
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from types import ModuleType

import pytest

import spaturzu
from spaturzu.router.breakers import PROCESS
from spaturzu.sandbox import Sandbox, Status

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "translators" / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
NOT_RUN: frozenset[str] = frozenset()
"""`page: first line of the block`, of every Python block that is not run."""

FENCE = re.compile(
    r"(?P<comments>(?:^ *<!--[^\n]*-->\s*\n)*)"
    r"^(?P<indent> *)```(?P<language>\w*)[^\n]*\n(?P<code>.*?)^(?P=indent)```\s*?$",
    re.MULTILINE | re.DOTALL,
)
ALONE = "<!-- own process -->"
COMMENT = re.compile(r"<!--\s*(?P<name>sandbox|not run|output)\b:?\s*(?P<value>.*?)\s*-->")


@dataclass(frozen=True)
class Block:
    """A fence: its language, its text, the number of the line before its text, and what the comments above it say."""

    page: Path
    language: str
    code: str
    line: int
    comments: dict[str, str]

    def __str__(self) -> str:
        return f"{self.page.name}: {self.code.strip().splitlines()[0]}"


def blocks(page: Path) -> list[Block]:
    text = page.read_text("utf-8")
    return [
        Block(
            page=page,
            language=match["language"],
            code=textwrap.dedent(match["code"]),
            line=text.count("\n", 0, match.start("code")),
            comments=dict(COMMENT.findall(match["comments"])),
        )
        for match in FENCE.finditer(text)
    ]


def blocks_to_run(page: Path) -> list[tuple[Block, str | None]]:
    """The Python blocks and the commands with an output, each with what it has to print, where the page says so."""
    found = blocks(page)
    outputs = [
        (block, after.code if after and after.language == "text" and "output" in after.comments else None)
        for block, after in zip_longest(found, found[1:])
    ]
    return [
        (block, output)
        for block, output in outputs
        if block.language == "python" or (block.language == "console" and output is not None)
    ]


def command_output(block: Block) -> str:
    """What the block's one `$ spaturzu ...` prints."""
    (line,) = [line for line in block.code.splitlines() if line.startswith("$ spaturzu ")]
    words = map(os.path.expandvars, shlex.split(line, comments=True)[2:])
    path = os.pathsep.join((str(ROOT), str(ROOT / "translators")))
    answer = subprocess.run(
        [sys.executable, "-m", "spaturzu.cli", *words],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    )
    return answer.stdout or answer.stderr


def execute(block: Block, namespace: dict[str, object]) -> str:
    """Run a block at its line of its page, so that a traceback points there. `await` works outside of functions too."""
    source = "\n" * block.line + block.code
    code = compile(source, block.page, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        result = eval(code, namespace)  # noqa: S307 - our own pages
        if inspect.iscoroutine(result):
            asyncio.run(result)
    return printed.getvalue()


def set_faults(sandbox: Sandbox, block: Block) -> None:
    sandbox.reset()
    PROCESS.forget()
    for fault in block.comments.get("sandbox", "").split():
        provider, _, status = fault.partition("=")
        getattr(sandbox, provider).script(Status(int(status), times=None))


def run_page(page: Path, sandbox: Sandbox, module: ModuleType) -> None:
    checker, options = doctest.OutputChecker(), doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    for block, expected in blocks_to_run(page):
        if "not run" not in block.comments:
            set_faults(sandbox, block)
            printed = command_output(block) if block.language == "console" else execute(block, vars(module))
            assert expected is None or checker.check_output(expected, printed, options), f"{block}\nprints:\n{printed}"


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Sandbox]:
    """A sandbox that the SDKs find by themselves, and an empty working directory."""
    with Sandbox() as running:
        keys = ("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "MISTRAL_API_KEY")
        aws = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
        environment = {
            **dict.fromkeys((*keys, *aws), "sandbox-key"),
            **dict.fromkeys(("AWS_DEFAULT_REGION", "AWS_REGION"), "us-east-1"),
            "NO_PROXY": "127.0.0.1",
            "OPENAI_BASE_URL": running.url("openai"),
            "ANTHROPIC_BASE_URL": running.url("anthropic"),
            "GOOGLE_GEMINI_BASE_URL": running.url("gemini"),
            "MISTRAL_SERVER_URL": running.url("mistral"),
            "AWS_ENDPOINT_URL_BEDROCK_RUNTIME": running.url("bedrock"),
            "SPATURZU_DB": str(tmp_path / "ledger.sqlite3"),
        }
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        for name in ("GOOGLE_API_KEY", "ANTHROPIC_AUTH_TOKEN", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.chdir(tmp_path)
        yield running


@pytest.fixture
def module(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A page's namespace, as a module that classes defined in it can name, in a process that nobody has configured."""
    made = ModuleType("page")
    monkeypatch.setitem(sys.modules, made.__name__, made)
    spaturzu.shutdown()
    return made


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_the_python_of_a_page_runs(page: Path, sandbox: Sandbox, module: ModuleType):
    if ALONE in page.read_text("utf-8") and "TEST_DOCS_ALONE" not in os.environ:
        run_alone(page)
    else:
        run_page(page, sandbox, module)


def run_alone(page: Path) -> None:
    test = f"{__file__}::test_the_python_of_a_page_runs[{name_of(page)}]"
    environment = {**os.environ, "TEST_DOCS_ALONE": "1", "PYTEST_ADDOPTS": ""}
    alone = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", test]
    answer = subprocess.run(alone, cwd=ROOT, env=environment, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stdout


def test_blocks_that_are_not_run_are_few_and_have_reasons():
    skipped = [block for page in PAGES for block, _ in blocks_to_run(page) if "not run" in block.comments]
    assert {str(block) for block in skipped} == NOT_RUN
    assert all(block.comments["not run"] for block in skipped)


def commands(page: Path, program: str) -> set[str]:
    """The first argument of each `$ program ...` in the page's console fences."""
    lines = [line for block in blocks(page) if block.language == "console" for line in block.code.splitlines()]
    typed = [shlex.split(line[2:], comments=True) for line in lines if line.startswith("$ ")]
    return {words[1] for words in typed if words[:1] == [program] and len(words) > 1}


def test_the_runners_commands_in_the_documentation_exist():
    existing = set(runpy.run_path(str(ROOT / "dev"))["COMMANDS"])
    assert {command for page in PAGES for command in commands(page, "./dev")} <= existing


@pytest.mark.parametrize("command", sorted({command for page in PAGES for command in commands(page, "spaturzu")}))
def test_a_command_line_in_the_documentation_exists(command: str):
    arguments = [command] if command.startswith("-") else [command, "--help"]
    answer = subprocess.run(
        [sys.executable, "-m", "spaturzu.cli", *arguments], capture_output=True, text=True, cwd=ROOT
    )
    assert answer.returncode == 0, answer.stderr


PAGE = """
<!-- sandbox: openai=503 -->

```python
import openai

client = openai.OpenAI(max_retries=0)
ask = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
try:
    client.chat.completions.create(**ask)
except openai.APIStatusError as error:
    print("status", error.status_code)
```

<!-- output -->
```text
status 503
```

1. In a list:

   ```python
   print(await asked())
   ```

   <!-- output -->
   ```text
   Hel...
   ```
"""
ASKED = """
```python
async def asked():
    return client.chat.completions.create(**ask).choices[0].message.content
```
"""


def page_of(text: str, folder: Path) -> Path:
    page = folder / "page.md"
    page.write_text(text, "utf-8")
    return page


def test_blocks_share_names_and_meet_faults_for_one_block_only(tmp_path: Path, sandbox: Sandbox, module: ModuleType):
    pytest.importorskip("openai")
    run_page(page_of(PAGE.replace("\n1. In", ASKED + "\n1. In"), tmp_path), sandbox, module)


def test_a_wrong_output_fails_and_a_failure_names_its_line(tmp_path: Path, sandbox: Sandbox, module: ModuleType):
    wrong = "```python\nprint(1)\n```\n<!-- output -->\n```text\n2\n```\n"
    with pytest.raises(AssertionError, match="prints:"):
        run_page(page_of(wrong, tmp_path), sandbox, module)
    with pytest.raises(ZeroDivisionError) as failure:
        run_page(page_of("# Page\n\n```python\nnumber = 0\n1 / number\n```\n", tmp_path), sandbox, module)
    assert failure.traceback[-1].lineno + 1 == 5
