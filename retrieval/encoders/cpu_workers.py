"""Work on every core of the CPU with PyTorch, each core on items of its own. Knows nothing of what is computed.

PyTorch's own way is to share every operation among the cores, which then wait for each other thousands of times a
second.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")


class CpuWorkers:
    """A pool of threads, one for each CPU core, each computing on one core.

    Started when there is work for more than one.
    """

    def __init__(self) -> None:
        import torch

        self.count = max(1, torch.get_num_threads())
        self._threads: ThreadPoolExecutor | None = None
        self._starting = threading.Lock()

    def map(self, function: Callable[[T], R], items: Sequence[T]) -> list[R]:
        """The results of `function` for each item, in order.

        A single item is computed in the calling thread, with all cores.
        """
        if len(items) < 2 or self.count < 2:
            return [function(item) for item in items]
        futures: list[Future[R]] = [self._started().submit(function, item) for item in items]
        try:
            return [future.result() for future in futures]
        finally:
            for future in futures:  # nothing goes on after an error or an interrupt
                future.cancel()

    def _started(self) -> ThreadPoolExecutor:
        import torch

        with self._starting:
            if self._threads is None:
                threads = torch.get_num_threads()
                ready = threading.Barrier(self.count + 1)

                def alone() -> None:
                    torch.set_num_threads(1)
                    with suppress(threading.BrokenBarrierError):
                        ready.wait()

                pool = ThreadPoolExecutor(self.count, thread_name_prefix="raftsmith-encode", initializer=alone)
                try:
                    for _ in range(self.count):
                        pool.submit(int)
                    ready.wait()
                except BaseException:
                    # Interrupted: the threads would wait for this one for ever, and the end of the process for them.
                    ready.abort()
                    raise
                # PyTorch gives the last number that was set to every thread that starts later: put it back.
                torch.set_num_threads(threads)
                self._threads = pool
            return self._threads
