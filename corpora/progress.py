"""Callbacks by which long work reports progress: a line at a time, and how many of a total are done.

Knows no terminal.
"""

from __future__ import annotations

from collections.abc import Callable

Say = Callable[[str], None]
"""Takes a line for a person: a stage, a warning, what takes long."""
Count = Callable[[int, int], None]
"""Takes `(done, total)` as work goes on; the last call has done equal to total."""
Progress = Callable[[str], Count]
"""Gives the counter for things of that name, e.g. "files"."""


def quiet(line: str) -> None:
    """Says nothing."""


def uncounted(done: int, total: int) -> None:
    """Counts nothing."""


def no_progress(things: str) -> Count:
    """Gives a counter that nobody sees."""
    return uncounted
