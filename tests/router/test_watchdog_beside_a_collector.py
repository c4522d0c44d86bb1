"""No collection happens while it is found where a thread stands.

CPython 3.11 holds a lock meanwhile. A collection that lets another thread run, which then waits for that lock, stops
the process for good (gh-106883).
"""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import gc, sys, threading, time
from spaturzu.router.watchdog import cut


class Garbage:
    def __init__(self):
        self.me = self

    def __del__(self):
        time.sleep(0.0005)  # lets another thread run


def start_threads():  # each needs the lock
    while True:
        thread = threading.Thread(target=int)
        thread.start()
        thread.join()


threading.Thread(target=start_threads, daemon=True).start()
gc.set_threshold(1)
for _ in range(100):
    garbage = [Garbage() for _ in range(3)]
    del garbage
    cut(threading.get_ident(), sys._getframe())
print("all found", gc.isenabled(), flush=True)
import os; os._exit(0)
"""


def test_where_a_thread_stands_is_found_while_others_begin_and_garbage_is_collected() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False)

    assert done.stdout == "all found True\n", done.stderr
