"""The house rules that a machine can hold: what the repository and the wheel contain, and what an import costs."""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = (ROOT / "spaturzu", ROOT / "translators" / "spaturzu_translators")
MODULES = sorted(module for package in PACKAGES for module in package.rglob("*.py"))

# Spelled in parts, since this file obeys the rule too.
REGISTRIES = [
    ".".join(parts) for parts in [("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("npmjs", "com")]
]
MACHINE_PATH = re.compile(r"(?<![\w.$}~-])/(?:root|work|opt|home/\w+|Users/\w+)/")
LOCK_FILE = re.compile(r".*\.lock|pylock.*\.toml|package-lock\.json|pnpm-lock\.yaml|npm-shrinkwrap\.json")
PIN = re.compile(r"[\w.-]+==[\w.!+-]+( ; [^:]+)?")


def project_files() -> list[Path]:
    """What git tracks, and what it would track on the next `git add`; outside a repository, all but hidden folders."""
    listing = ["git", "-C", str(ROOT), "ls-files", "-co", "--exclude-standard", "-z"]
    try:
        names = subprocess.run(listing, capture_output=True, check=True, text=True).stdout.split("\0")
        return [ROOT / name for name in names if (ROOT / name).is_file()]
    except (OSError, subprocess.CalledProcessError):
        hidden = re.compile(r"(^|/)(\.(?!ci|github|gitignore)|__pycache__)")
        return [path for path in ROOT.rglob("*") if path.is_file() and not hidden.search(str(path.relative_to(ROOT)))]


def lines_with(pattern: re.Pattern[str]) -> list[str]:
    return [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path in project_files()
        for number, line in enumerate(path.read_text("utf-8", errors="ignore").splitlines(), 1)
        if pattern.search(line)
    ]


def test_no_file_names_a_package_registry():
    assert lines_with(re.compile("|".join(map(re.escape, REGISTRIES)))) == []


def test_no_file_names_a_path_of_somebodys_machine():
    assert lines_with(MACHINE_PATH) == []


def test_there_are_no_lock_files():
    assert [str(path) for path in project_files() if LOCK_FILE.fullmatch(path.name)] == []


@pytest.mark.parametrize("name", ["constraints.txt", "constraints-legacy.txt"])
def test_constraints_are_pins_and_nothing_else(name: str):
    lines = (ROOT / name).read_text("utf-8").splitlines()
    assert lines
    assert [line for line in lines if not PIN.fullmatch(line)] == []


def test_every_module_says_what_it_is_for():
    silent = [
        str(path.relative_to(ROOT)) for path in MODULES if not ast.get_docstring(ast.parse(path.read_text("utf-8")))
    ]
    assert silent == []


def function_lengths(path: Path) -> Iterator[tuple[int, str]]:
    """Lines from `def` to the end. The docstring does not count: a full contract is no fault."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            docstring = node.body[0] if ast.get_docstring(node) else None
            told = 0 if docstring is None else (docstring.end_lineno or 0) - docstring.lineno + 1
            length = (node.end_lineno or 0) - node.lineno + 1 - told
            yield length, f"{length} lines: {path.relative_to(ROOT)}:{node.lineno} {node.name}"


@pytest.mark.parametrize(("limit", "share"), [(10, 0.5), (30, 0.9)])
def test_functions_are_short(limit: int, share: float):
    lengths = sorted((entry for path in MODULES for entry in function_lengths(path)), reverse=True)
    longer = [name for length, name in lengths if length > limit]
    report = "\n".join(longer[:20])
    assert len(longer) <= (1 - share) * len(lengths), (
        f"{len(longer)} of {len(lengths)} are longer than {limit}:\n{report}"
    )


@pytest.mark.slow
def test_the_wheel_holds_the_two_packages_and_nothing_else(tmp_path: Path):
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    built = subprocess.run(build, cwd=ROOT, capture_output=True, text=True)
    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = tmp_path.glob("*.whl")
    names = [name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name]
    assert {name.split("/")[0] for name in names} == {package.name for package in PACKAGES}
    sources = [str(path.relative_to(package.parent)) for package in PACKAGES for path in package.rglob("*.py")]
    assert sorted(name for name in names if name.endswith(".py")) == sorted(sources)
    assert {f"{package.name}/py.typed" for package in PACKAGES} <= set(names)


SDKS = ("openai", "anthropic", "google.genai", "mistralai", "boto3", "botocore")
HEAVY = (
    *SDKS,
    *("httpx", "httpx2", "httpcore", "httpcore2", "requests", "aiohttp", "urllib3"),
    *("pydantic", "genai_prices", "tiktoken", "opentelemetry", "click", "rich", "fastapi", "sqlalchemy"),
)
DROP_INS = {
    "spaturzu.openai": {"openai"},
    "spaturzu.anthropic": {"anthropic"},
    "spaturzu.bedrock": {"boto3", "botocore"},
    "spaturzu.google": {"google.genai"},
    "spaturzu.mistral": {"mistralai"},
}
PROBE = "import json, sys, threading, {name}; print(json.dumps([sorted(sys.modules), threading.active_count()]))"


def loaded_by(name: str) -> tuple[set[str], int]:
    """The modules in a fresh process after one import, and its number of threads."""
    path = os.pathsep.join(str(package.parent) for package in PACKAGES)
    probe = [sys.executable, "-c", PROBE.format(name=name)]
    answer = subprocess.run(probe, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": path})
    assert answer.returncode == 0, answer.stderr
    modules, threads = json.loads(answer.stdout)
    return set(modules), threads


@pytest.mark.parametrize("name", ["spaturzu", "spaturzu_translators"])
def test_an_import_loads_no_sdk_and_starts_no_thread(name: str):
    modules, threads = loaded_by(name)
    assert sorted(modules & set(HEAVY)) == []
    assert threads == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", DROP_INS)
def test_a_drop_in_loads_its_own_sdk_and_no_other(name: str):
    modules, threads = loaded_by(name)
    assert sorted(modules & set(SDKS) - DROP_INS[name]) == []
    assert threads == 1
