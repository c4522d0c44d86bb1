"""What loads in the background holds nobody up, and leaves the process as it was."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from threading import Barrier, Thread

import pytest

from spaturzu.courtesy import load, loading

SWITCH_S, THRESHOLDS = 0.004, (600, 9, 8)


@pytest.fixture(autouse=True)
def _settings() -> Iterator[None]:  # pyright: ignore[reportUnusedFunction]
    before = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(SWITCH_S)
    gc.set_threshold(*THRESHOLDS)
    yield
    sys.setswitchinterval(before[0])
    gc.set_threshold(*before[1])


def settings() -> tuple[float, tuple[int, int, int]]:
    return round(sys.getswitchinterval(), 6), gc.get_threshold()


def test_the_settings_are_those_of_loading_for_as_long_as_anyone_loads():
    with loading():
        with loading():
            inner = settings()
        assert settings() == inner != (SWITCH_S, THRESHOLDS)
    assert settings() == (SWITCH_S, THRESHOLDS)


def test_threads_that_load_at_once_leave_the_settings_as_they_were():
    meeting = Barrier(2)

    def work() -> None:
        for _ in range(50):
            meeting.wait()
            with loading():
                pass

    threads = [Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert settings() == (SWITCH_S, THRESHOLDS)


def test_an_error_while_loading_leaves_the_settings_as_they_were():
    with pytest.raises(ModuleNotFoundError):
        load("spaturzu.no_such_module")
    assert settings() == (SWITCH_S, THRESHOLDS)


def test_what_the_application_sets_meanwhile_stands():
    with loading():
        sys.setswitchinterval(0.002)
        gc.set_threshold(500, 5, 5)
    assert settings() == (0.002, (500, 5, 5))


def test_collection_that_is_switched_off_stays_so():
    gc.set_threshold(0)
    with loading():
        assert gc.get_threshold()[0] == 0
    assert gc.get_threshold()[0] == 0


def test_what_the_application_has_frozen_stays_frozen():
    gc.freeze()
    frozen = gc.get_freeze_count()
    try:
        with loading():
            pass
        assert gc.get_freeze_count() >= frozen - 100  # some have gone since: what is frozen may still die
    finally:
        gc.unfreeze()


LOADING = """
import gc, sys
from spaturzu_translators.responses import Usage
from spaturzu.courtesy import load

searches = []
gc.collect()
gc.callbacks.append(lambda phase, told: searches.append(told))
load("spaturzu.pricing")
sys.modules["spaturzu.pricing"].genai.version()
print(len(searches), len(gc.get_objects(generation=0)) + len(gc.get_objects(generation=1)))
"""


def test_what_loading_the_price_list_makes_is_neither_searched_nor_young():
    """Young objects would be searched soon after, and so many of them make the next search one of the whole heap."""
    done = subprocess.run([sys.executable, "-c", LOADING], capture_output=True, text=True, check=True)
    searches, young = map(int, done.stdout.split())
    assert searches == 0
    assert young < 5000


FORKING = """
import gc, os, sys, threading, time
from pathlib import Path
from spaturzu.courtesy import load

sys.setswitchinterval(0.004)
here = Path(sys.argv[1])
sys.path.insert(0, str(here))
thread = threading.Thread(target=load, args=("loaded_slowly",))
thread.start()
while not (here / "begun").exists():
    time.sleep(0.001)
threading.Timer(0.2, (here / "go").touch).start()
child = os.fork()
if child == 0:
    import loaded_slowly

    assert loaded_slowly.ANSWER == 42
    assert gc.get_threshold()[0] < 10_000 and round(sys.getswitchinterval(), 6) == 0.004
    os._exit(0)
thread.join()
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), round(sys.getswitchinterval(), 6))
"""
SLOW = """
import time
from pathlib import Path

here = Path(__file__).parent
(here / "begun").touch()
while not (here / "go").exists():
    time.sleep(0.001)
ANSWER = 42
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_child_forked_while_another_thread_loads_a_module_has_it_and_the_settings_as_they_were(tmp_path: Path):
    (tmp_path / "loaded_slowly.py").write_text(SLOW)
    forked = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", FORKING, str(tmp_path)]
    found = subprocess.run(forked, capture_output=True, text=True, timeout=60)
    assert found.stdout.split() == ["0", "0.004"], found.stderr
