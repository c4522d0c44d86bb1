"""What the recorder's thread would load is loaded before it where an SDK could see it half loaded."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import sys
import openai
import spaturzu.openai
uses_httpx = "httpx" in sys.modules
spaturzu.openai.OpenAI(api_key="k")
print(uses_httpx, "httpx2" in sys.modules)
"""


def test_no_thread_loads_httpx2_while_an_sdk_of_the_older_generation_may_look_for_it() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    uses_httpx, has_httpx2 = done.stdout.split()
    if uses_httpx == "False":
        pytest.skip("this openai uses httpx2 itself; `./dev test --sdk legacy` has one that uses httpx")
    assert has_httpx2 == "True"
