"""Every core works, and an interrupt while the threads start leaves none behind that the process would wait for."""

import subprocess
import sys

import pytest
import torch

from retrieval.encoders.cpu_workers import CpuWorkers

INTERRUPTED = """
import threading, torch
torch.set_num_threads(2)
from retrieval.encoders import cpu_workers

class Interrupted(threading.Barrier):
    def wait(self, timeout=None):
        if threading.current_thread() is threading.main_thread():
            raise KeyboardInterrupt
        return super().wait(timeout)

cpu_workers.threading.Barrier = Interrupted
cpu_workers.CpuWorkers().map(abs, [1, 2])
"""


def test_items_come_back_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    assert CpuWorkers().map(lambda number: number * 2, list(range(9))) == [number * 2 for number in range(9)]


def test_an_interrupt_while_the_threads_start_ends_the_process() -> None:
    done = subprocess.run([sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, timeout=60)
    assert done.returncode and "KeyboardInterrupt" in done.stderr
