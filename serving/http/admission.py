"""Admission of requests: one at a time, a short queue behind it, and no new ones once the server stops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from serving.http.errors import unavailable

MAX_WAITING = 8


class Admission:
    """One slot and a bounded queue, first come first served (promise R13). Belongs to one event loop."""

    def __init__(self, waiting: int = MAX_WAITING) -> None:
        """At most `waiting` requests wait behind the one that runs."""
        self._waiting = waiting
        self._lock = asyncio.Lock()
        self._inside = 0
        self._stopping = False

    @property
    def stopping(self) -> bool:
        """True once `stop` was called."""
        return self._stopping

    @property
    def inside(self) -> int:
        """Requests that run or wait."""
        return self._inside

    def stop(self) -> None:
        """Admit no more requests; those that run or wait may finish. Safe to call from a signal handler."""
        self._stopping = True

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait for the slot and hold it. Raises ApiError 503 at once when the queue is full or the server stops."""
        if self._stopping:
            raise unavailable("the server is stopping", "stopping")
        if self._inside > self._waiting:
            raise unavailable(f"{self._waiting} requests are waiting already; try again later", "overloaded")
        self._inside += 1
        try:
            async with self._lock:
                yield
        finally:
            self._inside -= 1
